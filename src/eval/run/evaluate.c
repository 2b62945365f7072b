/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/evaluate.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/threads.h"
#include "device/open.h"
#include "eval/budget/run_checkpoints.h"
#include "eval/control/control.h"
#include "eval/features/cache.h"
#include "eval/run/examples.h"
#include "eval/run/forget.h"
#include "eval/run/predict.h"
#include "eval/run/pretraining.h"
#include "eval/run/subject.h"
#include "eval/run/test_reads.h"
#include "eval/run/write_reports.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRAMBLES = 199, SCRAMBLES_OF_FINETUNING = 19 };

/* A call of ./eval. */
typedef struct {
    const EvalOptions *options;
    TaskConfig task, external_task;
    bool loaded, external_loaded; /* the two above */
    Cohort cohort, external;
    Device *device;
    Ops ops;
    RunCheckpoints kept; /* of --curve */
    Setting setting;
    TestRows rows;
    Evaluation evaluation;
    Subject *subjects; /* [evaluation.count] */
} Call;

/* --- What is asked for --- */

static Status check_options(const EvalOptions *options) {
    if (!options->task)
        return status_error(EXIT_USAGE, "--task is missing; name a task file, such as configs/tasks/drawn_eye.ini");
    if (!options->checkpoints.count && !options->curve)
        return status_error(EXIT_USAGE,
                            "CHECKPOINT is missing; name a run directory, a checkpoint or a file of weights");
    if (options->checkpoints.count && options->curve)
        return status_error(EXIT_USAGE, "--curve takes the checkpoints of %s; leave %s out", options->curve,
                            options->checkpoints.list[0]);
    if ((options->b || options->pretraining) && !options->control)
        return status_error(EXIT_USAGE, "%s needs --control; add it, or leave that out",
                            options->b ? "--b" : "--pretraining");
    if (options->features && (options->external || options->control || options->out))
        return status_error(EXIT_USAGE, "--features writes one file and tests nothing; leave %s out",
                            options->external  ? "--external"
                            : options->control ? "--control"
                                               : "--out");
    if (options->card && (options->predict || options->features))
        return status_error(EXIT_USAGE, "--card is of a tested checkpoint, and %s tests nothing; leave one of them out",
                            options->predict ? "--predict" : "--features");
    if (options->predict && (options->features || options->external || options->against || options->control ||
                             options->curve || options->checkpoints.count > 1))
        return status_error(EXIT_USAGE, "--predict takes one CHECKPOINT and tests nothing; leave out --features, "
                                        "--external, --against, --curve and --control");
    return NULL;
}

static int count_scrambles(const EvalOptions *options, const TaskConfig *task) {
    const int usual = task->adapt.method == TASK_FINETUNE ? SCRAMBLES_OF_FINETUNING : SCRAMBLES;
    return options->b ? options->b : usual;
}

static Status check_method(const EvalOptions *options, const TaskConfig *task) {
    const bool tunes = task->adapt.method == TASK_FINETUNE;
    if (!tunes && options->recipe_sets.count)
        return status_error(EXIT_USAGE,
                            "--recipe-set is of fine-tuning; add --set adapt.method=finetune, or leave it out");
    if (!tunes && task->adapt.seeds > 1)
        return status_error(EXIT_USAGE,
                            "%s: adapt.seeds = %" PRId64
                            ": only fine-tuning draws anything; set adapt.method = finetune, "
                            "or leave it out",
                            options->task, task->adapt.seeds);
    return options->control ? control_check(count_scrambles(options, task), options->alpha) : NULL;
}

/* --- Opening --- */

static Status open_cohorts(Call *call) {
    const EvalOptions *options = call->options;
    TRY(config_load(&task_config, &call->task, options->task, options->task_sets.list, options->task_sets.count,
                    stderr));
    call->loaded = true;
    TRY(check_method(options, &call->task));
    if (call->task.data.split == TASK_SPLIT_TEST)
        return status_error(EXIT_USAGE,
                            "%s: data.split = test, so nobody trains; name it with --external beside a task that does, "
                            "or set data.split = pack",
                            options->task);
    TRY(cohort_open(&call->task, &call->cohort));
    if (options->external) {
        TRY(config_load(&task_config, &call->external_task, options->external, NULL, 0, stderr));
        call->external_loaded = true;
        if (call->external_task.data.split != TASK_SPLIT_TEST)
            return status_error(EXIT_USAGE,
                                "%s: data.split = pack, and a set that --external names is tested as a whole; set "
                                "data.split = test",
                                options->external);
        TRY(cohort_open(&call->external_task, &call->external));
    }
    return options->control ? NULL : cohort_check_disjoint(&call->cohort);
}

static Status open_device(Call *call) {
    char *note = NULL;
    TRY(device_open((DeviceKind)call->options->device, &call->device, &note));
    if (note)
        printf("%s\n", note);
    free(note);
    call->setting.threads = call->options->threads ? call->options->threads : threads_available();
    call->device->operations(call->device, call->setting.threads, &call->ops);
    call->ops.type = call->options->precision == EVAL_BF16 ? REAL_BF16 : REAL_FP32;
    return NULL;
}

/* The names of the checkpoints: those of the command line or of --curve, and the baseline behind them. */
static Status list_checkpoints(Call *call) {
    const EvalOptions *options = call->options;
    Evaluation *evaluation = &call->evaluation;
    if (options->curve)
        TRY(run_checkpoints_open(options->curve, &call->kept));
    const int count = options->curve ? call->kept.count : options->checkpoints.count;
    evaluation->list = calloc((size_t)count + 1, sizeof *evaluation->list);
    call->subjects = calloc((size_t)count + 1, sizeof *call->subjects);
    if (!evaluation->list || !call->subjects)
        return status_no_memory("the checkpoints", (size_t)count * sizeof *evaluation->list);
    for (int i = 0; i < count; i++) {
        Evaluated *one = &evaluation->list[evaluation->count++];
        one->step = options->curve ? call->kept.list[i].step : -1;
        one->share = options->curve ? call->kept.list[i].share : NAN;
        TRY(text_format(&one->name, "%s", options->curve ? call->kept.list[i].path : options->checkpoints.list[i]));
    }
    evaluation->baseline = -1;
    if (!options->against)
        return NULL;
    evaluation->baseline = evaluation->count;
    Evaluated *one = &evaluation->list[evaluation->count++];
    one->step = -1;
    one->share = NAN;
    return text_format(&one->name, "%s", options->against);
}

static Status name_task(Call *call) {
    const char *name = call->options->external ? call->options->external : call->options->task;
    const char *slash = strrchr(name, '/');
    name = slash ? slash + 1 : name;
    const size_t length = strlen(name);
    const bool ini = length > 4 && strcmp(name + length - 4, ".ini") == 0;
    uint64_t hash;
    TRY(config_hash(&task_config, &call->task, &hash));
    snprintf(call->evaluation.task_hash, sizeof call->evaluation.task_hash, "%016" PRIx64, hash);
    return text_format(&call->evaluation.task_name, "%.*s", (int)(length - (ini ? 4 : 0)), name);
}

static Status open_call(Call *call) {
    const EvalOptions *options = call->options;
    Evaluation *evaluation = &call->evaluation;
    TRY(check_options(options));
    if (options->pretraining)
        TRY(pretraining_check(options->pretraining));
    TRY(open_cohorts(call));
    TRY(open_device(call));
    TRY(list_checkpoints(call));
    TRY(name_task(call));
    call->setting.options = options;
    call->setting.task = &call->task;
    call->setting.cohort = &call->cohort;
    call->setting.external = options->external ? &call->external : NULL;
    call->setting.ops = &call->ops;
    evaluation->task = &call->task;
    evaluation->task_path = options->task;
    evaluation->cohort = &call->cohort;
    evaluation->external = call->setting.external;
    evaluation->external_path = options->external;
    evaluation->resampling = (Resampling){options->bootstraps, options->seed, call->setting.threads};
    return main_metric_find(&call->cohort.rows, task_metric(&call->task), &evaluation->metric);
}

static void close_call(Call *call) {
    Evaluation *evaluation = &call->evaluation;
    for (int i = 0; i < evaluation->count; i++) {
        Evaluated *one = &evaluation->list[i];
        subject_close(&call->subjects[i]);
        encoder_close(&one->encoder);
        scores_free(&one->scores);
        if (one->controlled)
            control_free(&one->control);
        free(one->seed_scores);
        free(one->predictions);
        free(one->adapted);
        free(one->name);
    }
    examples_free(evaluation);
    free(evaluation->list);
    free(evaluation->task_name);
    free(call->subjects);
    test_rows_close(&call->rows);
    run_checkpoints_close(&call->kept);
    cohort_close(&call->cohort);
    cohort_close(&call->external);
    if (call->loaded)
        config_free(&task_config, &call->task);
    if (call->external_loaded)
        config_free(&task_config, &call->external_task);
    if (call->device)
        device_close(call->device);
}

/* --- Learning, before anything of test is looked at --- */

/* Every checkpoint is tested on the same images: those that can be read. */
static Status leave_out_unreadable(Call *call) {
    Features *features = &call->subjects[0].features, *external = &call->subjects[0].external;
    int64_t count;
    if (features->unreadable)
        TRY(cohort_leave_out(&call->cohort, features->readable, &count));
    if (external->unreadable)
        TRY(cohort_leave_out(&call->external, external->readable, &count));
    call->evaluation.unreadable = features->unreadable + external->unreadable;
    TRY(test_rows_open(&call->cohort, call->setting.external, &call->rows));
    call->evaluation.rows = &call->rows.rows;
    return NULL;
}

static Status learn(Call *call) {
    Evaluation *evaluation = &call->evaluation;
    TRY(test_reads_check(evaluation));
    for (int i = 0; i < evaluation->count; i++) {
        TRY(subject_open(&call->setting, &evaluation->list[i]));
        if (i == 0) /* whose run may be where the reports go */
            TRY(evaluation_report_check(evaluation, call->options));
        TRY(subject_extract(&call->setting, &evaluation->list[i], &call->subjects[i]));
    }
    TRY(leave_out_unreadable(call));
    if (call->setting.external && !call->options->control)
        TRY(test_rows_check_disjoint(&call->rows));
    for (int i = 0; i < evaluation->count; i++) {
        TRY(subject_adapt(&call->setting, &call->rows, &evaluation->metric, &evaluation->list[i], &call->subjects[i]));
        printf("%s: %s, %s on val %.4f\n", evaluation->list[i].name, evaluation->list[i].adapted,
               evaluation->metric.name, evaluation->list[i].val);
        TRY(subject_repeat(&call->setting, &call->rows, &call->subjects[i]));
    }
    return NULL;
}

/* --- Testing --- */

static ScoresInput scores_input(const Call *call, int i) {
    const Evaluation *evaluation = &call->evaluation;
    return (ScoresInput){evaluation->rows, evaluation->list[i].predictions, &evaluation->metric,
                         evaluation->resampling};
}

/* Each checkpoint against the baseline, or where there is none the later ones against the first. */
static Status compare(Call *call) {
    Evaluation *evaluation = &call->evaluation;
    const int base = evaluation->baseline >= 0 ? evaluation->baseline : 0;
    Comparison *list = calloc((size_t)evaluation->count, sizeof *list);
    int count = 0;
    if (!list)
        return status_no_memory("comparisons", (size_t)evaluation->count * sizeof *list);
    const ScoresInput input = scores_input(call, base);
    Status status = NULL;
    for (int i = 0; i < evaluation->count && !status; i++)
        if (i != base)
            status = comparison_measure(&input, evaluation->list[i].predictions, &list[count++]);
    if (!status && count)
        status = comparisons_adjust(list, count);
    for (int i = 0, at = 0; i < evaluation->count && !status; i++)
        if (i != base) {
            evaluation->list[i].comparison = list[at++];
            evaluation->list[i].other = &evaluation->list[i].comparison;
        }
    free(list);
    return status;
}

static Status test(Call *call) {
    Evaluation *evaluation = &call->evaluation;
    for (int i = 0; i < evaluation->count; i++) {
        const ScoresInput input = scores_input(call, i);
        TRY(scores_measure(&input, &evaluation->list[i].scores));
        TRY(subject_score_seeds(&call->setting, &call->rows, &evaluation->metric, &evaluation->list[i],
                                &call->subjects[i]));
    }
    TRY(test_reads_add(evaluation));
    return compare(call);
}

static Status control(Call *call) {
    const EvalOptions *options = call->options;
    Evaluation *evaluation = &call->evaluation;
    for (int i = 0; i < evaluation->count; i++) {
        Evaluated *one = &evaluation->list[i];
        ControlContamination contamination = {0};
        Status status =
            pretraining_find(options->pretraining, &one->encoder,
                             evaluation->external ? evaluation->external : evaluation->cohort, &contamination);
        const ControlInput input = {.rows = evaluation->rows,
                                    .adapter = call->subjects[i].adapter,
                                    .metric = evaluation->metric.name,
                                    .b = count_scrambles(options, &call->task),
                                    .alpha = options->alpha,
                                    .seed = options->seed,
                                    .threads = call->setting.threads,
                                    .contamination = &contamination};
        printf("%s: control with %d scrambles of the labels\n", one->name, input.b);
        one->controlled = true;
        if (!status)
            status = control_run(&input, &one->control);
        contamination_free(&contamination);
        TRY(status);
    }
    return NULL;
}

/* --- The verdict --- */

/* A score that cannot be believed is no success. */
static Status judge(const Evaluation *evaluation) {
    for (int i = 0; i < evaluation->count; i++) {
        const Evaluated *one = &evaluation->list[i];
        if (one->controlled && one->control.verdict != CONTROL_CLEAN)
            return status_error(EXIT_DATA, "%s: the control finds %s of %s %s: %s; docs/control.md says what to do",
                                evaluation->task_path, evaluation->metric.name, one->name,
                                verdict_name(one->control.verdict),
                                one->control.reason_count ? one->control.reasons[0] : "");
    }
    return NULL;
}

/* --- All of it --- */

static Status write_features(Call *call) {
    Evaluation *evaluation = &call->evaluation;
    if (evaluation->count > 1)
        return status_error(EXIT_USAGE, "--features takes one CHECKPOINT");
    if (call->task.adapt.method == TASK_FINETUNE)
        return status_error(EXIT_USAGE, "--features: fine-tuning has none; add --set adapt.method=linear");
    TRY(subject_open(&call->setting, &evaluation->list[0]));
    TRY(subject_extract(&call->setting, &evaluation->list[0], &call->subjects[0]));
    const FeatureOptions options = features_options(&call->task, &evaluation->list[0].encoder);
    TRY(features_write(call->options->features, &evaluation->list[0].encoder, &call->cohort.records, &options,
                       &call->subjects[0].features));
    printf("%s: %d features of %" PRId64 " images\n", call->options->features, call->subjects[0].features.width,
           call->subjects[0].features.count);
    return NULL;
}

static Status run_call(Call *call) {
    const double began = clock_now();
    TRY(open_call(call));
    if (call->options->features)
        return write_features(call);
    if (call->options->predict)
        return predict_folder(&call->setting, &call->evaluation.metric, &call->evaluation.list[0], &call->subjects[0]);
    TRY(learn(call));
    TRY(test(call));
    if (call->options->control)
        TRY(control(call));
    TRY(examples_draw(&call->setting, &call->rows, &call->evaluation));
    call->evaluation.seconds = clock_now() - began;
    TRY(evaluation_report(&call->evaluation, call->options));
    return judge(&call->evaluation);
}

Status eval_run(const EvalOptions *options) {
    if (options->forgetting)
        return forget_run(options);
    Call call = {.options = options, .evaluation.baseline = -1};
    Status status = run_call(&call);
    close_call(&call);
    return status;
}
