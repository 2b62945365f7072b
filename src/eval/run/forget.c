/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/forget.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/json.h"
#include "base/list.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/threads.h"
#include "eval/budget/forgetting.h"
#include "eval/features/encoder_source.h"
#include "eval/task/cohort.h"
#include "train/config.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 3 };

typedef struct {
    char *path;    /* of the task file */
    uint64_t data; /* hash of its records */
    Forgetting forgetting;
} TaskLoss;

typedef struct {
    const EvalOptions *options;
    int threads;
    char *sets[SETS]; /* over the training's configuration */
    TaskLoss *list;   /* [count] */
    int64_t count, capacity;
} Forget;

/* --- What is asked for --- */

static Status check_options(const EvalOptions *options) {
    if (!options->task)
        return status_error(EXIT_USAGE, "--task is missing; name task files, separated by commas");
    if (options->checkpoints.count != 2)
        return status_error(EXIT_USAGE,
                            "--forgetting takes two checkpoints, before and after a training, and got %d; name OLD and "
                            "NEW",
                            options->checkpoints.count);
    const char *other = options->against             ? "--against"
                        : options->curve             ? "--curve"
                        : options->external          ? "--external"
                        : options->control           ? "--control"
                        : options->features          ? "--features"
                        : options->predict           ? "--predict"
                        : options->card              ? "--card"
                        : options->b                 ? "--b"
                        : options->pretraining       ? "--pretraining"
                        : options->recipe_sets.count ? "--recipe-set"
                                                     : NULL;
    if (other)
        return status_error(EXIT_USAGE, "--forgetting compares losses and reads no label; leave %s out", other);
    return NULL;
}

static Status add_task(Forget *forget, const char *path, size_t length) {
    if (!length)
        return status_error(EXIT_USAGE, "a name is empty in %s; remove a comma (--task)", forget->options->task);
    TRY(list_grow(&forget->list, forget->count, &forget->capacity, sizeof *forget->list, "the tasks"));
    forget->list[forget->count] = (TaskLoss){0};
    return text_format(&forget->list[forget->count++].path, "%.*s", (int)length, path);
}

/* A file's name may have a comma. */
static Status list_tasks(Forget *forget) {
    const char *text = forget->options->task;
    if (files_exists(text))
        return add_task(forget, text, strlen(text));
    for (;; text++) {
        const size_t length = strcspn(text, ",");
        TRY(add_task(forget, text, length));
        text += length;
        if (!*text)
            return NULL;
    }
}

/* The run may have trained on another machine. */
static Status list_sets(Forget *forget) {
    const EvalOptions *options = forget->options;
    const char *precision = options->precision == EVAL_BF16 ? "bf16" : "fp32";
    TRY(text_format(&forget->sets[0], "train.device=%s",
                    config_choice_name(&train_config, "train.device", options->device)));
    TRY(text_format(&forget->sets[1], "train.precision=%s", precision));
    return text_format(&forget->sets[2], "train.threads=%d", forget->threads);
}

/* --- The losses --- */

static Status measure_cohort(const Forget *forget, const TaskConfig *task, TaskLoss *loss) {
    const EvalOptions *options = forget->options;
    Cohort cohort;
    Status status = cohort_open(task, &cohort);
    if (!status) {
        const ForgettingInput input = {.old = options->checkpoints.list[0],
                                       .new = options->checkpoints.list[1],
                                       .sets = forget->sets,
                                       .set_count = SETS,
                                       .rows = &cohort.rows,
                                       .records = &cohort.records,
                                       .record = cohort.record,
                                       .bootstraps = options->bootstraps,
                                       .seed = options->seed,
                                       .threads = forget->threads};
        loss->data = cohort.records.hash;
        status = forgetting_measure(&input, &loss->forgetting);
    }
    cohort_close(&cohort);
    return status;
}

static Status measure_task(const Forget *forget, TaskLoss *loss) {
    const EvalOptions *options = forget->options;
    TaskConfig *task = calloc(1, sizeof *task); /* too large for a stack */
    if (!task)
        return status_no_memory("a task", sizeof *task);
    Status status =
        config_load(&task_config, task, loss->path, options->task_sets.list, options->task_sets.count, stderr);
    if (!status) {
        status = measure_cohort(forget, task, loss);
        config_free(&task_config, task);
    }
    free(task);
    return status;
}

/* --- The report --- */

static void print_loss(const TaskLoss *loss) {
    const Forgetting *f = &loss->forgetting;
    char people[24] = "not known";
    if (f->people >= 0)
        snprintf(people, sizeof people, "%" PRId64, f->people);
    printf("%-28s %8" PRId64 " %9s %9.5f %9.5f %+11.5f", path_name(loss->path), f->images, people, f->old, f->new,
           f->difference);
    if (f->reason)
        printf("  no interval: %s\n", f->reason);
    else
        printf("  %+.5f to %+.5f\n", f->interval.low, f->interval.high);
}

static void print_losses(const Forget *forget) {
    printf("\nloss of the val and test images, before and after; above 0 it forgot\n");
    printf("%-28s %8s %9s %9s %9s %11s  %s\n", "task", "images", "people", "before", "after", "difference", "95 %");
    for (int64_t i = 0; i < forget->count; i++)
        print_loss(&forget->list[i]);
}

static void write_loss(Json *json, const TaskLoss *loss) {
    const Forgetting *f = &loss->forgetting;
    json_object(json, NULL, JSON_LINE);
    json_string(json, "task", loss->path);
    json_hash(json, "data", loss->data);
    json_integer(json, "images", f->images);
    if (f->people >= 0)
        json_integer(json, "people", f->people);
    else
        json_null(json, "people");
    json_double(json, "before", f->old);
    json_double(json, "after", f->new);
    json_double(json, "difference", f->difference);
    json_double(json, "low", f->interval.low);
    json_double(json, "high", f->interval.high);
    json_double(json, "error", f->interval.error);
    if (f->reason)
        json_string(json, "reason", f->reason);
    else
        json_string(json, "method", f->interval.method);
    json_end(json);
}

static Status write_weights(Json *json, const char *key, const char *name, const EncoderSource *source) {
    char sha256[2 * DIGEST_SHA256 + 1];
    Digest digest;
    json_object(json, key, JSON_LINE);
    json_string(json, "checkpoint", name);
    if (files_size(source->weights) >= 0) { /* else a folder of several */
        TRY(digest_file(source->weights, &digest));
        digest_to_hex(digest.sha256, DIGEST_SHA256, sha256);
        json_string(json, "weights", sha256);
    }
    json_end(json);
    return NULL;
}

static Status write_json(const Forget *forget, const EncoderSource sources[2], const char *folder) {
    const EvalOptions *options = forget->options;
    Json json;
    char *path, *text = NULL;
    size_t size;
    TRY(files_make_directory(folder));
    TRY(files_path(&path, "%s/forgetting.json", folder));
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_INDENT);
    Status status = write_weights(&json, "before", options->checkpoints.list[0], &sources[0]);
    if (!status)
        status = write_weights(&json, "after", options->checkpoints.list[1], &sources[1]);
    json_integer(&json, "bootstraps", options->bootstraps);
    json_unsigned(&json, "seed", options->seed);
    json_array(&json, "tasks", JSON_INDENT);
    for (int64_t i = 0; i < forget->count; i++)
        write_loss(&json, &forget->list[i]);
    json_end(&json);
    json_end(&json);
    json_newline(&json);
    if (status)
        status_free(json_close(&json, "the report", &text, &size));
    else
        status = json_write(&json, path);
    if (!status)
        printf("report      %s\n", path);
    free(text);
    free(path);
    return status;
}

static Status report(const Forget *forget) {
    const EvalOptions *options = forget->options;
    static const EncoderHints any_heads = {.heads = 1}; /* where the weights are is all that matters */
    EncoderSource sources[2] = {{0}};
    char *folder = NULL;
    print_losses(forget);
    Status status = encoder_source_open(options->checkpoints.list[0], &any_heads, &sources[0]);
    if (!status)
        status = encoder_source_open(options->checkpoints.list[1], &any_heads, &sources[1]);
    if (!status)
        status =
            options->out ? files_path(&folder, "%s", options->out) : files_path(&folder, "%s/eval", sources[1].run);
    if (!status)
        status = write_json(forget, sources, folder);
    free(folder);
    encoder_source_close(&sources[0]);
    encoder_source_close(&sources[1]);
    return status;
}

static Status measure_tasks(Forget *forget) {
    TRY(check_options(forget->options));
    TRY(list_tasks(forget));
    TRY(list_sets(forget));
    for (int64_t i = 0; i < forget->count; i++)
        TRY(measure_task(forget, &forget->list[i]));
    return report(forget);
}

Status forget_run(const EvalOptions *options) {
    Forget forget = {.options = options, .threads = options->threads ? options->threads : threads_available()};
    Status status = measure_tasks(&forget);
    for (int64_t i = 0; i < forget.count; i++)
        free(forget.list[i].path);
    for (int i = 0; i < SETS; i++)
        free(forget.sets[i]);
    free(forget.list);
    return status;
}
