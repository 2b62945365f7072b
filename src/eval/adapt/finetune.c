/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/adapt/finetune.h"

#include "base/file_lock.h"
#include "base/files.h"
#include "base/text.h"
#include "checkpoint/directory.h"
#include "rundir/run_directory.h"
#include "rundir/run_summary.h"
#include "train/evaluate.h"
#include "train/train.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    Adapter adapter;
    const FinetuneOptions *options;
    int64_t step, steps; /* chosen for the first set, and all; -1: no set was run */
} Finetune;

/* What all sets of one run() share. */
typedef struct {
    const FinetuneOptions *options;
    const EvalRows *rows;
    char *directory; /* of the run */
    int lock;        /* on it, while this call uses it; -1: none */
    Config config;
    double *labels; /* [records][outputs], of a set's train and val rows */
    bool *wanted;   /* [records, then external ones], of val and test rows */
    int64_t step, steps;
} Tuning;

/* --- The configuration --- */

enum { OWN_SETS = 20, QUIET = 1000000000 };

/* The recipe's keys, then the caller's, then those that the task decides. */
typedef struct {
    char **list;
    int count;
    Status failure;
} Sets;

static void add_set(Sets *sets, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add_set(Sets *sets, const char *format, ...) {
    va_list arguments;
    if (sets->failure)
        return;
    va_start(arguments, format);
    sets->failure = text_format_list(&sets->list[sets->count], "a recipe", format, arguments);
    va_end(arguments);
    sets->count += !sets->failure;
}

/* Records that a validation may see: all of the val split, with a label or not. */
static int64_t count_val(const Records *records) {
    int64_t count = 0;
    for (int64_t r = 0, number; r < records->count; r++) {
        const RecordsPart *part = records_part(records, r, &number);
        count += part->pack.rows[number].split == PACK_SPLIT_VAL;
    }
    return count ? count : 1;
}

static void add_labels(Sets *sets, const EvalRows *rows) {
    char names[CONFIG_TEXT] = "label0";
    for (int i = 1; i < rows->outputs; i++) {
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, ",label%d", i);
    }
    add_set(sets, "data.label=%s", names);
    if (rows->kind == EVAL_BINARY || rows->kind == EVAL_MULTICLASS || rows->kind == EVAL_ORDINAL)
        add_set(sets, "data.classes=%d", rows->classes);
}

static void add_own(Sets *sets, const Tuning *tuning) {
    static const char *const objectives[] = {[EVAL_BINARY] = "classify",
                                             [EVAL_MULTICLASS] = "classify",
                                             [EVAL_MULTILABEL] = "multilabel",
                                             [EVAL_ORDINAL] = "ordinal",
                                             [EVAL_REGRESSION] = "regress"};
    const FinetuneOptions *options = tuning->options;
    const ModelShape *shape = options->encoder;
    add_set(sets, "train.objective=%s", objectives[tuning->rows->kind]);
    add_labels(sets, tuning->rows);
    add_set(sets, "data.train=%s", options->packs);
    add_set(sets, "data.val=%s", options->packs);
    add_set(sets, "data.splits=train");
    add_set(sets, "init.from=%s", options->weights ? options->weights : "");
    if (!options->weights)
        add_set(sets, "init.fresh=");
    add_set(sets, "model.image_size=%d", shape->image_size);
    add_set(sets, "model.patch_size=%d", shape->patch_size);
    add_set(sets, "model.dim=%d", shape->dim);
    add_set(sets, "model.depth=%d", shape->depth);
    add_set(sets, "model.heads=%d", shape->heads);
    add_set(sets, "model.layer_scale=%s", shape->layer_scale ? "on" : "off");
    add_set(sets, "model.activation=%s", config_choice_name(&train_config, "model.activation", (int)shape->activation));
    add_set(sets, "val.images=%" PRId64, count_val(options->records));
    add_set(sets, "train.deterministic=on"); /* a label set's result is the same beside others */
    add_set(sets, "run.dir=%s", tuning->directory);
}

/* A validation without a checkpoint chooses nothing, and lines of a log that is removed again are only in the way. */
static Status settle_config(const FinetuneOptions *options, Config *config) {
    if (!config->val.every)
        return status_error(EXIT_USAGE,
                            "%s: val.every = 0, but the checkpoint that predicts is chosen by validations; give a "
                            "number of steps",
                            options->recipe);
    config->checkpoint.every = config->val.every;
    config->log.every = QUIET;
    return NULL;
}

/* A key that the task decides would be overridden without a word. */
static Status check_sets(const Sets *sets, int given) {
    for (int i = 0; i < given; i++)
        for (int own = given; own < sets->count; own++) {
            const size_t key = strcspn(sets->list[own], "=") + 1;
            /* Random weights lack no tensor, whatever may be fresh. */
            if (strncmp(sets->list[i], sets->list[own], key) == 0 && strcmp(sets->list[own], "init.fresh=") != 0)
                return status_error(EXIT_USAGE, "--recipe-set %s: the task and its checkpoint say that; leave it out",
                                    sets->list[i]);
        }
    return NULL;
}

static Status load_config(Tuning *tuning) {
    const FinetuneOptions *options = tuning->options;
    if (!files_exists(options->recipe))
        return status_error(EXIT_USAGE,
                            "%s: there is no such recipe; start ./eval in the folder that has it, or name another one "
                            "(adapt.recipe)",
                            options->recipe);
    Sets sets = {.list = calloc((size_t)options->set_count + OWN_SETS, sizeof *sets.list)};
    if (!sets.list)
        return status_no_memory("a recipe", ((size_t)options->set_count + OWN_SETS) * sizeof *sets.list);
    for (int i = 0; i < options->set_count; i++)
        add_set(&sets, "%s", options->sets[i]);
    add_own(&sets, tuning);
    Status status = sets.failure ? sets.failure : check_sets(&sets, options->set_count);
    if (!status)
        status = config_load(&train_config, &tuning->config, options->recipe, sets.list, sets.count, NULL);
    if (!status)
        status = settle_config(options, &tuning->config);
    for (int i = 0; i < sets.count; i++)
        free(sets.list[i]);
    free(sets.list);
    return status;
}

/* --- The rows --- */

static int64_t count_records(const FinetuneOptions *options) {
    return options->records->count + (options->external ? options->external->count : 0);
}

/* A run divides records as their packs do. */
static Status check_split(const Tuning *tuning, int64_t row) {
    const Records *records = tuning->options->records;
    const int64_t record = tuning->options->record[row], wanted = tuning->rows->split[row];
    if (wanted == PROBE_TEST)
        return NULL;
    if (record >= records->count)
        return status_error(EXIT_INTERNAL, "row %" PRId64 " is of an external set, which is only tested", row);
    int64_t number;
    const PackSplit split = records_part(records, record, &number)->pack.rows[number].split;
    if ((wanted == PROBE_VAL && split == PACK_SPLIT_VAL) ||
        (wanted == PROBE_TRAIN && (split == PACK_SPLIT_TRAIN || split == PACK_SPLIT_NONE)))
        return NULL;
    return status_error(EXIT_DATA,
                        "%s of %s is a %s image of the task, but not of its pack; fine-tuning divides images as their "
                        "packs do: divide the pack so with ./stage split",
                        records_path(records, record), records_root(records, record),
                        wanted == PROBE_VAL ? "validation" : "training");
}

/* The directory at `tuning->directory`, unless another call uses it. */
static Status lock_directory(Tuning *tuning, bool *taken) {
    char *path;
    TRY(files_path(&path, "%s.lock", tuning->directory));
    tuning->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    Status status = tuning->lock < 0 ? files_failure("write", path, errno) : NULL;
    *taken = !status && file_lock(tuning->lock, path, stderr);
    free(path);
    if (!status && !*taken) {
        close(tuning->lock);
        tuning->lock = -1;
    }
    return status;
}

/* The first that no other call uses. What a killed one left there is overwritten. */
static Status take_directory(Tuning *tuning) {
    TRY(files_make_directory(tuning->options->folder));
    for (int number = 1;; number++) {
        bool taken;
        TRY(files_path(&tuning->directory, "%s/fine-tuning-%d", tuning->options->folder, number));
        TRY(lock_directory(tuning, &taken));
        if (taken)
            return NULL;
        free(tuning->directory);
        tuning->directory = NULL;
    }
}

static Status open_tuning(Tuning *tuning) {
    const EvalRows *rows = tuning->rows;
    const size_t records = (size_t)tuning->options->records->count, outputs = (size_t)rows->outputs;
    TRY(take_directory(tuning));
    tuning->labels = malloc((records * outputs + 1) * sizeof *tuning->labels);
    tuning->wanted = calloc((size_t)count_records(tuning->options) + 1, sizeof *tuning->wanted);
    if (!tuning->labels || !tuning->wanted)
        return status_no_memory("the labels of a fine-tuning", records * outputs * sizeof *tuning->labels);
    for (int64_t row = 0; row < rows->count; row++) {
        TRY(check_split(tuning, row));
        tuning->wanted[tuning->options->record[row]] = rows->split[row] != PROBE_TRAIN;
    }
    return load_config(tuning);
}

static void close_tuning(Tuning *tuning) {
    if (tuning->lock >= 0)
        close(tuning->lock);
    free(tuning->directory);
    free(tuning->labels);
    free(tuning->wanted);
}

/* A run never gets the labels of test rows. */
static void take_labels(Tuning *tuning, const double *labels) {
    const EvalRows *rows = tuning->rows;
    const size_t outputs = (size_t)rows->outputs, count = (size_t)tuning->options->records->count * outputs;
    for (size_t i = 0; i < count; i++)
        tuning->labels[i] = NAN;
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] != PROBE_TEST)
            memcpy(tuning->labels + (size_t)tuning->options->record[row] * outputs, labels + (size_t)row * outputs,
                   outputs * sizeof *labels);
}

/* --- A set --- */

/* The weights of the best checkpoint; *path is the caller's. */
static Status find_best(Tuning *tuning, char **path) {
    RunDirectory directory;
    RunSummary summary = {.best_step = -1};
    *path = NULL;
    Status status = run_directory_open(&directory, tuning->directory);
    if (!status)
        status = run_summary_read(directory.record, &summary);
    if (!status && summary.best_step < 0)
        status = status_error(EXIT_DATA,
                              "fine-tuning by %s: val.metric was not defined at any validation, so that no checkpoint "
                              "can be chosen; choose another metric",
                              tuning->options->recipe);
    if (!status)
        status = files_path(path, "%s/step-%" PRId64 "/" CHECKPOINT_WEIGHTS, directory.checkpoints, summary.best_step);
    tuning->step = summary.best_step;
    tuning->steps = summary.total_steps;
    run_summary_close(&summary);
    run_directory_close(&directory);
    return status;
}

/* Those of `records`, the first of which has the number `first`. */
static void keep_predictions(const Tuning *tuning, const Records *records, int64_t first, const double *values,
                             int width, double *predictions) {
    const EvalRows *rows = tuning->rows;
    const int own = eval_values(rows), at = rows->kind == EVAL_BINARY ? 1 : 0; /* the probability of 1 */
    for (int64_t row = 0; row < rows->count; row++) {
        const int64_t record = tuning->options->record[row] - first;
        for (int v = 0; v < own && record >= 0 && record < records->count; v++)
            predictions[row * own + v] = values[record * width + at + v];
    }
}

static Status predict_records(const Tuning *tuning, const char *weights, const Records *records, int64_t first,
                              double *predictions) {
    double *values;
    int width;
    const EvaluateInput input = {.config = &tuning->config,
                                 .labels = tuning->labels,
                                 .weights = weights,
                                 .records = records,
                                 .wanted = tuning->wanted + first};
    TRY(evaluate_images(&input, &values, &width));
    keep_predictions(tuning, records, first, values, width, predictions);
    free(values);
    return NULL;
}

static Status predict(Tuning *tuning, double *predictions) {
    const FinetuneOptions *options = tuning->options;
    char *weights;
    TRY(find_best(tuning, &weights));
    Status status = predict_records(tuning, weights, options->records, 0, predictions);
    if (!status && options->external)
        status = predict_records(tuning, weights, options->external, options->records->count, predictions);
    free(weights);
    return status;
}

static Status run_set(Tuning *tuning, const double *labels, double *predictions) {
    const TrainOptions options = {
        .config_path = tuning->options->recipe, .force = true, .waits = true, .labels = tuning->labels};
    take_labels(tuning, labels);
    Status status = train_run(&tuning->config, &options);
    if (status_code(status) == EXIT_STOPPED) { /* its checkpoint goes with its directory */
        status_free(status);
        status = status_error(EXIT_STOPPED,
                              "stopped while fine-tuning, and no report is written; the next call starts again");
    }
    if (!status)
        status = predict(tuning, predictions);
    Status removed = files_remove(tuning->directory);
    if (!status)
        return removed;
    status_free(removed);
    return status;
}

static Status run_finetune(Adapter *self, const EvalRows *rows, const double *labels, int sets, double *predictions) {
    Finetune *own = (Finetune *)self;
    Tuning *tuning = calloc(1, sizeof *tuning);
    own->step = own->steps = -1;
    if (!tuning)
        return status_no_memory("a fine-tuning", sizeof *tuning);
    tuning->lock = -1;
    tuning->options = own->options;
    tuning->rows = rows;
    Status status = open_tuning(tuning);
    for (int set = 0; set < sets && !status; set++) {
        printf("fine-tuning, label set %d of %d\n", set + 1, sets);
        status = run_set(tuning, labels + (size_t)set * (size_t)rows->count * (size_t)rows->outputs,
                         predictions + (size_t)set * (size_t)rows->count * (size_t)eval_values(rows));
        if (set == 0 && !status) {
            own->step = tuning->step;
            own->steps = tuning->steps;
        }
    }
    close_tuning(tuning);
    free(tuning);
    return status;
}

static void close_finetune(Adapter *self) {
    free(self);
}

Status finetune_open(const FinetuneOptions *options, Adapter **adapter) {
    Finetune *own = malloc(sizeof *own);
    *adapter = NULL;
    if (!own)
        return status_no_memory("a fine-tuning", sizeof *own);
    *own = (Finetune){
        .adapter = {.run = run_finetune, .close = close_finetune}, .options = options, .step = -1, .steps = -1};
    *adapter = &own->adapter;
    return NULL;
}

void finetune_chosen(const Adapter *adapter, int64_t *step, int64_t *steps) {
    const Finetune *own = (const Finetune *)adapter;
    *step = own->step;
    *steps = own->steps;
}
