/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/subject.h"

#include "base/files.h"
#include "base/text.h"
#include "eval/adapt/knn.h"
#include "eval/adapt/linear.h"
#include "eval/features/cache.h"
#include "train/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- The encoder and its features --- */

Status subject_open(const Setting *setting, Evaluated *evaluated) {
    const EncoderOptions options = {.from = evaluated->name,
                                    .hints = {.key = setting->options->key,
                                              .heads = setting->options->heads,
                                              .image_size = (int)setting->task->features.image_size}};
    return encoder_open(&options, setting->ops, stdout, &evaluated->encoder);
}

static Status get_features(const Setting *setting, Evaluated *evaluated, Subject *subject) {
    const FeatureOptions options = features_options(setting->task, &evaluated->encoder);
    char *folder;
    TRY(encoder_check(&evaluated->encoder, options.tokens));
    TRY(features_folder(&evaluated->encoder, &folder));
    Status status =
        features_get(&evaluated->encoder, &setting->cohort->records, &options, folder, stdout, &subject->features);
    if (!status && setting->external)
        status = features_get(&evaluated->encoder, &setting->external->records, &options, folder, stdout,
                              &subject->external);
    free(folder);
    return status;
}

Status subject_extract(const Setting *setting, Evaluated *evaluated, Subject *subject) {
    return setting->task->adapt.method == TASK_FINETUNE ? NULL : get_features(setting, evaluated, subject);
}

void subject_close(Subject *subject) {
    if (subject->adapter)
        subject->adapter->close(subject->adapter);
    features_close(&subject->features);
    features_close(&subject->external);
    free(subject->values);
    free(subject->folder);
    free(subject->later);
    for (int i = 0; i < subject->own_sets; i++)
        free(subject->sets[i]);
    free(subject->sets);
    *subject = (Subject){0};
}

/* --- What learns --- */

enum { SEED_SET = 1 }; /* its place among a subject's own settings */

static Status check_sets(const OptionTexts *sets) {
    static const char seed[] = "train.seed=";
    for (int i = 0; i < sets->count; i++)
        if (strncmp(sets->list[i], seed, sizeof seed - 1) == 0)
            return status_error(EXIT_USAGE, "--recipe-set %s: --seed says which one is the first; leave it out",
                                sets->list[i]);
    return NULL;
}

/* What a run of the recipe takes over from the call; the user's settings override it. */
static Status list_sets(const Setting *setting, const Encoder *encoder, Subject *subject) {
    const EvalOptions *options = setting->options;
    subject->sets = calloc((size_t)options->recipe_sets.count + 3, sizeof *subject->sets);
    if (!subject->sets)
        return status_no_memory("the settings of fine-tuning", (size_t)options->recipe_sets.count);
    TRY(text_format(&subject->sets[subject->own_sets++], "train.device=%s",
                    config_choice_name(&train_config, "train.device", options->device)));
    TRY(text_format(&subject->sets[subject->own_sets++], "train.seed=%" PRIu64, options->seed)); /* SEED_SET */
    if (encoder->entry)
        TRY(text_format(&subject->sets[subject->own_sets++], "init.key=%s", encoder->entry));
    for (int i = 0; i < options->recipe_sets.count; i++)
        subject->sets[subject->own_sets + i] = options->recipe_sets.list[i];
    return NULL;
}

static Status open_finetune(const Setting *setting, const TestRows *rows, Evaluated *evaluated, Subject *subject) {
    const EvalOptions *options = setting->options;
    const Encoder *encoder = &evaluated->encoder;
    char *folder;
    TRY(features_folder(encoder, &folder));
    Status status = files_path(&subject->folder, "%s/finetune", folder);
    free(folder);
    TRY(status);
    TRY(check_sets(&options->recipe_sets));
    TRY(list_sets(setting, encoder, subject));
    subject->finetune = (FinetuneOptions){.recipe = task_recipe(setting->task),
                                          .sets = subject->sets,
                                          .set_count = subject->own_sets + options->recipe_sets.count,
                                          .weights = encoder->source.random ? NULL : encoder->source.weights,
                                          .encoder = &encoder->shape,
                                          .packs = setting->task->data.packs,
                                          .records = &setting->cohort->records,
                                          .external = setting->external ? &setting->external->records : NULL,
                                          .record = rows->record,
                                          .folder = subject->folder};
    return finetune_open(&subject->finetune, &subject->adapter);
}

static Status open_adapter(const Setting *setting, const TestRows *rows, Evaluated *evaluated, Subject *subject) {
    const int width = subject->features.width;
    switch (setting->task->adapt.method) {
    case TASK_LINEAR:
        return linear_open(subject->values, width, setting->threads, &subject->adapter);
    case TASK_KNN:
        return knn_open(subject->values, width, setting->threads, &subject->adapter);
    case TASK_FINETUNE:
        break;
    }
    return open_finetune(setting, rows, evaluated, subject);
}

static Status describe(const Setting *setting, const TestRows *rows, const Subject *subject, Evaluated *evaluated) {
    const int width = subject->features.width;
    const TaskConfig *task = setting->task;
    if (task->adapt.method == TASK_FINETUNE) {
        int64_t step, steps;
        finetune_chosen(subject->adapter, &step, &steps);
        return text_format(&evaluated->adapted, "fine-tuned by %s, step %" PRId64 " of %" PRId64, task_recipe(task),
                           step, steps);
    }
    const char *tokens = config_choice_name(&task_config, "features.tokens", (int)task->features.tokens);
    if (task->adapt.method == TASK_KNN)
        return text_format(&evaluated->adapted, "nearest neighbours of %d features (%s)", width, tokens);
    const char *what = rows->rows.kind == EVAL_REGRESSION ? "alpha" : "C";
    if (rows->rows.outputs > 1)
        return text_format(&evaluated->adapted, "linear probe of %d features (%s)", width, tokens);
    return text_format(&evaluated->adapted, "linear probe of %d features (%s), %s = %.3g", width, tokens, what,
                       linear_strength(subject->adapter, 0));
}

/* --- Learning --- */

/* The labels without those of test, which nothing may have seen before the scores are made. */
static Status hide_test(const EvalRows *rows, double **labels) {
    const size_t outputs = (size_t)rows->outputs, count = (size_t)rows->count * outputs;
    *labels = malloc((count + 1) * sizeof **labels);
    if (!*labels)
        return status_no_memory("the labels of a task", count * sizeof **labels);
    for (size_t i = 0; i < count; i++)
        (*labels)[i] = rows->split[i / outputs] == PROBE_TEST ? NAN : rows->labels[i];
    return NULL;
}

static Status learn_rows(const TestRows *rows, const Subject *subject, double *predictions) {
    double *labels;
    TRY(hide_test(&rows->rows, &labels));
    Status status = subject->adapter->run(subject->adapter, &rows->rows, labels, 1, predictions);
    free(labels);
    return status;
}

Status subject_adapt(const Setting *setting, const TestRows *rows, const MainMetric *metric, Evaluated *evaluated,
                     Subject *subject) {
    const size_t values = (size_t)rows->rows.count * (size_t)eval_values(&rows->rows);
    if (setting->task->adapt.method != TASK_FINETUNE)
        TRY(test_rows_gather(rows, &subject->features, &subject->external, &subject->values));
    TRY(open_adapter(setting, rows, evaluated, subject));
    evaluated->predictions = malloc((values + 1) * sizeof *evaluated->predictions);
    if (!evaluated->predictions)
        return status_no_memory("the predictions of a task", values * sizeof *evaluated->predictions);
    TRY(learn_rows(rows, subject, evaluated->predictions));
    TRY(describe(setting, rows, subject, evaluated));
    return main_metric_measure(metric, &rows->rows, rows->rows.labels, evaluated->predictions, PROBE_VAL,
                               &evaluated->val);
}

/* --- Other seeds --- */

static int count_seeds(const Setting *setting) {
    return setting->task->adapt.method == TASK_FINETUNE ? (int)setting->task->adapt.seeds : 1;
}

static Status learn_by_seed(const TestRows *rows, const Subject *subject, uint64_t seed, double *predictions) {
    char *first = subject->sets[SEED_SET];
    Status status = text_format(&subject->sets[SEED_SET], "train.seed=%" PRIu64, seed);
    if (!status)
        status = learn_rows(rows, subject, predictions);
    free(subject->sets[SEED_SET]);
    subject->sets[SEED_SET] = first; /* which the control has, too */
    return status;
}

Status subject_repeat(const Setting *setting, const TestRows *rows, Subject *subject) {
    const int seeds = count_seeds(setting);
    const size_t values = (size_t)rows->rows.count * (size_t)eval_values(&rows->rows);
    if (seeds < 2)
        return NULL;
    subject->later = malloc((size_t)(seeds - 1) * values * sizeof *subject->later + 1);
    if (!subject->later)
        return status_no_memory("the predictions of several seeds", (size_t)seeds * values * sizeof *subject->later);
    for (int i = 1; i < seeds; i++)
        TRY(learn_by_seed(rows, subject, setting->options->seed + (uint64_t)i,
                          subject->later + (size_t)(i - 1) * values));
    return NULL;
}

Status subject_score_seeds(const Setting *setting, const TestRows *rows, const MainMetric *metric, Evaluated *evaluated,
                           const Subject *subject) {
    const int seeds = count_seeds(setting);
    const size_t values = (size_t)rows->rows.count * (size_t)eval_values(&rows->rows);
    if (seeds < 2)
        return NULL;
    evaluated->seed_scores = malloc((size_t)seeds * sizeof *evaluated->seed_scores);
    if (!evaluated->seed_scores)
        return status_no_memory("the scores of several seeds", (size_t)seeds * sizeof *evaluated->seed_scores);
    for (int i = 0; i < seeds; i++) {
        const double *predictions = i ? subject->later + (size_t)(i - 1) * values : evaluated->predictions;
        TRY(main_metric_measure(metric, &rows->rows, rows->rows.labels, predictions, PROBE_TEST,
                                &evaluated->seed_scores[i]));
    }
    evaluated->seed_count = seeds;
    return NULL;
}
