/* SPDX-License-Identifier: Apache-2.0 */
#include "train/probe/online_probe.h"

#include "base/random.h"
#include "data/records_disjoint.h"
#include "stats/probe.h"
#include "train/objective/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* C of logistic regression and alpha of ridge regression, over features of variance 1: from a penalty that leaves next
 * to nothing to one that hardly counts, with some hundreds of rows. */
static const double C_GRID[] = {1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10};
static const double ALPHA_GRID[] = {1e-1, 1, 10, 1e2, 1e3, 1e4, 1e5};
enum { STRENGTHS = sizeof C_GRID / sizeof *C_GRID, MOST_CLASSES = 1000 };

static double label_at(const ProbeSide *side, int image, int column) {
    return side->labels.values[side->images.records[image] * side->labels.columns + column];
}

/* --- Opening --- */

static Status open_side(const char *text, RecordsSplits splits, const char *label, const char *keys, ProbeSide *side) {
    TRY(status_append(records_open(text, "", splits, &side->records), "%s", keys));
    return status_append(labels_open(&side->records, label, &side->labels), "%s", keys);
}

Status online_probe_open(const Config *config, const Records *train, const Targets *targets, OnlineProbe *probe) {
    *probe = (OnlineProbe){0};
    if (!config->probe.train[0])
        return NULL;
    probe->kind = config->probe.kind;
    probe->every = config->probe.every ? config->probe.every : config->val.every;
    const char *label = config->probe.label;
    TRY(open_side(config->probe.train, RECORDS_TRAIN, label, " (probe.train, probe.label)", &probe->train));
    TRY(open_side(config->probe.val, RECORDS_VAL, label, " (probe.val, probe.label)", &probe->val));
    TRY(status_append(records_check_disjoint(train, &probe->val.records), " (data.train, probe.val)"));
    TRY(status_append(records_check_disjoint(&probe->train.records, &probe->val.records), " (probe.train, probe.val)"));
    TRY(status_append(labels_check_disjoint(&probe->train.labels, &probe->val.labels), " (probe.train, probe.val)"));
    return targets->train.columns
               ? status_append(labels_check_disjoint(&targets->train, &probe->val.labels), " (data.train, probe.val)")
               : NULL;
}

static void close_side(ProbeSide *side) {
    evaluation_images_close(&side->images);
    labels_close(&side->labels);
    records_close(&side->records);
}

void online_probe_close(OnlineProbe *probe) {
    close_side(&probe->train);
    close_side(&probe->val);
    *probe = (OnlineProbe){0};
}

void online_probe_measure(const Config *config, const ModelShape *shape, int64_t trains, int64_t vals, Arena *host) {
    if (!config->probe.train[0])
        return;
    const size_t dim = (size_t)shape->dim, size = (size_t)shape->image_size;
    /* Beside the features there are those in double that the probe works on, and two matrices over them and one in
     * panels, which are a little wider. */
    const size_t rows = (size_t)(trains + vals);
    arena_group(host, "probe");
    arena_take(host, (size_t)(trains + vals) * size * size * 3);
    arena_take(host, rows * (dim + 16) * (sizeof(float) + sizeof(double)) + 3 * dim * (dim + 16) * sizeof(double));
}

/* --- The fit --- */

/* What a probe of `width` features is made of; the rows are those of train, then those of val, by which the strength is
 * chosen and which are predicted. */
typedef struct {
    const OnlineProbe *probe;
    int width, rows;
    float *features;     /* [rows][width] */
    double *labels;      /* [rows][columns] */
    int64_t *split;      /* [rows] */
    double *predictions; /* [rows][values], probe_run_sets()'s */
    int64_t *chosen;     /* [columns], the same's */
    int values;
} Fit;

static void fit_close(Fit *fit) {
    free(fit->features);
    free(fit->labels);
    free(fit->split);
    free(fit->predictions);
    free(fit->chosen);
}

static Status fit_open(const OnlineProbe *probe, int width, Fit *fit) {
    const int trains = probe->train.images.count, vals = probe->val.images.count;
    const int rows = trains + vals, columns = probe->train.labels.columns;
    const int values = probe->kind == TASK_CLASSIFY && probe->classes > 2 ? probe->classes : columns;
    *fit = (Fit){.probe = probe, .width = width, .rows = rows, .values = values};
    fit->features = malloc((size_t)rows * (size_t)width * sizeof *fit->features);
    fit->labels = malloc((size_t)rows * (size_t)columns * sizeof *fit->labels);
    fit->split = malloc((size_t)rows * sizeof *fit->split);
    fit->predictions = malloc((size_t)rows * (size_t)values * sizeof *fit->predictions);
    fit->chosen = malloc((size_t)columns * sizeof *fit->chosen);
    if (!fit->features || !fit->labels || !fit->split || !fit->predictions || !fit->chosen)
        return status_no_memory("a probe", (size_t)rows * (size_t)(width + 2 * columns) * sizeof *fit->features);
    for (int row = 0; row < rows; row++) {
        const ProbeSide *side = row < trains ? &probe->train : &probe->val;
        const int image = row < trains ? row : row - trains;
        fit->split[row] = row < trains ? PROBE_TRAIN : PROBE_VAL;
        for (int i = 0; i < columns; i++)
            fit->labels[row * columns + i] = label_at(side, image, i);
    }
    return NULL;
}

static Status fit_run(Fit *fit, int threads) {
    static const ProbeTask tasks[] = {[TASK_MULTILABEL] = PROBE_MULTILABEL, [TASK_REGRESS] = PROBE_REGRESS};
    const OnlineProbe *probe = fit->probe;
    const ProbeInput input = {.task = probe->kind != TASK_CLASSIFY ? tasks[probe->kind]
                                      : probe->classes > 2         ? PROBE_MULTICLASS
                                                                   : PROBE_BINARY,
                              .classes = probe->classes,
                              .features = fit->features,
                              .rows = fit->rows,
                              .width = fit->width,
                              .outputs = probe->train.labels.columns,
                              .split = fit->split,
                              .grid = probe->kind == TASK_REGRESS ? ALPHA_GRID : C_GRID,
                              .strengths = STRENGTHS,
                              .threads = threads};
    return probe_run_sets(&input, fit->labels, 1, fit->predictions, fit->chosen);
}

/* The figures of what the chosen strength predicts. */
static Status fit_score(const Fit *fit, Validation *validation) {
    const OnlineProbe *probe = fit->probe;
    const bool several = probe->kind == TASK_MULTILABEL, pairs = probe->kind == TASK_CLASSIFY && fit->values == 1;
    const int rows = probe->val.images.count, columns = probe->val.labels.columns;
    const int classes = several ? columns : probe->classes;
    double *memory = malloc(((size_t)rows + 1) * (size_t)classes * sizeof *memory);
    if (!memory)
        return status_no_memory("the figures of a probe", (size_t)rows * (size_t)classes * sizeof *memory);
    const double *own = fit->predictions + (fit->rows - rows) * fit->values;
    for (int i = 0; i < rows * fit->values; i++) {
        memory[pairs ? 2 * i + 1 : i] = own[i];
        if (pairs)
            memory[2 * i] = 1 - own[i];
    }
    const Scored scored = {.task = probe->kind,
                           .probed = true,
                           .names = probe->val.labels.names,
                           .labels = fit->labels + (fit->rows - rows) * columns,
                           .outputs = memory,
                           .each = memory + rows * classes,
                           .rows = rows,
                           .classes = classes,
                           .columns = columns};
    Status status = scores_add(&scored, validation);
    free(memory);
    return status;
}

/* --- Reading --- */

static Status check_values(const OnlineProbe *probe, const ProbeSide *side) {
    static const char *const remedies[] = {
        [TASK_CLASSIFY] = "which is no class; number them from 0, or use probe.kind = regress",
        [TASK_MULTILABEL] = "where multilabel takes 0 or 1; use probe.kind = classify or regress",
        [TASK_REGRESS] = "which is not finite; correct it, or leave it empty"};
    for (int image = 0; image < side->images.count; image++)
        for (int i = 0; i < side->labels.columns; i++) {
            const double value = label_at(side, image, i);
            const double most = probe->kind == TASK_MULTILABEL ? 2 : MOST_CLASSES;
            const bool fits =
                probe->kind == TASK_REGRESS ? !isinf(value) : value >= 0 && value < most && value == floor(value);
            if (!fits && !isnan(value))
                return status_error(EXIT_DATA, "%s: %s is %g for %s, %s (probe.label)", side->labels.text,
                                    side->labels.names[i], value,
                                    records_path(&side->records, side->images.records[image]), remedies[probe->kind]);
        }
    return NULL;
}

static int count_classes(const ProbeSide *side, int least) {
    for (int image = 0; image < side->images.count; image++) {
        const double value = label_at(side, image, 0);
        if (value >= least)
            least = (int)value + 1;
    }
    return least;
}

/* Numbers that are all the same would be read without a mistake. Classes: probe_run(). */
static Status check_constant(const OnlineProbe *probe, const ProbeSide *side) {
    double least = INFINITY, most = -INFINITY;
    for (int image = 0; image < side->images.count; image++) {
        const double value = label_at(side, image, 0);
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    return probe->kind != TASK_REGRESS || least < most
               ? NULL
               : status_error(EXIT_DATA, "%s: %s is %s in the first %d images", side->labels.text,
                              side->labels.names[0], least == most ? "the same" : "not known", side->images.count);
}

/* Probes a feature that is drawn: whatever these labels do not allow is found before the run begins. */
static Status try_probe(const OnlineProbe *probe, const char *metric) {
    Validation found = {0};
    Fit fit;
    TRY(check_constant(probe, &probe->train));
    TRY(check_constant(probe, &probe->val));
    Status status = fit_open(probe, 1, &fit);
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int row = 0; !status && row < fit.rows; row++)
        fit.features[row] = random_uniform(&random);
    if (!status)
        status = fit_run(&fit, 1);
    if (!status)
        status = fit_score(&fit, &found);
    if (!status && scores_of_probe(metric) && isnan(validation_figure(&found, metric)))
        status = status_error(EXIT_DATA, "val.metric = %s is not defined for them", metric);
    fit_close(&fit);
    return status;
}

static Status read_side(ProbeSide *side, LoaderOptions options, int64_t images, UnreadableList *unreadable) {
    options.records = &side->records;
    Status status = evaluation_images_open(&side->images, options, images, unreadable);
    if (status_code(status) == EXIT_NO_MEMORY)
        status = status_append(status, ", or lower probe.images");
    TRY(status);
    return side->images.count ? NULL : status_error(EXIT_DATA, "%s: no image can be read", side->records.text);
}

Status online_probe_read(OnlineProbe *probe, const Config *config, LoaderOptions options, UnreadableList *unreadable) {
    if (!probe->every)
        return NULL;
    TRY(status_append(read_side(&probe->train, options, config->probe.images, unreadable), " (probe.train)"));
    TRY(status_append(read_side(&probe->val, options, config->probe.images, unreadable), " (probe.val)"));
    TRY(check_values(probe, &probe->train));
    TRY(check_values(probe, &probe->val));
    probe->classes = probe->kind == TASK_REGRESS ? 1 : count_classes(&probe->val, count_classes(&probe->train, 2));
    Status status = try_probe(probe, config->val.metric);
    if (status_code(status) != EXIT_DATA)
        return status;
    const int trains = probe->train.images.count, vals = probe->val.images.count;
    const bool more = trains < probe->train.records.count || vals < probe->val.records.count;
    Status told = status_error(EXIT_DATA,
                               "the probe of probe.label = %s cannot be made of the first %d images of probe.train = "
                               "%s and the first %d of probe.val = %s: %s; %slabel other images, or choose another "
                               "label or probe.kind",
                               config->probe.label, trains, config->probe.train, vals, config->probe.val,
                               status_message(status), more ? "raise probe.images, " : "");
    status_free(status);
    return told;
}

/* --- In the run --- */

bool online_probe_due(const OnlineProbe *probe, int64_t step, int64_t total) {
    return probe->every && (step % probe->every == 0 || step == total);
}

const char *online_probe_shown(const OnlineProbe *probe) {
    return !probe->every                    ? ""
           : probe->kind == TASK_REGRESS    ? "probe_r2"
           : probe->kind == TASK_MULTILABEL ? "probe_auroc_macro"
           : probe->classes > 2             ? "probe_auroc_macro_ovr"
                                            : "probe_auroc";
}

static bool all_finite(const float *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

Status online_probe_run(const OnlineProbe *probe, Objective *objective, int threads, Validation *validation) {
    const int width = objective->shape->dim, trains = probe->train.images.count, vals = probe->val.images.count;
    Fit fit;
    Status status = fit_open(probe, width, &fit);
    if (!status)
        status = objective->features(objective, &probe->train.images, fit.features);
    if (!status)
        status = objective->features(objective, &probe->val.images, fit.features + (size_t)trains * (size_t)width);
    if (!status && all_finite(fit.features, (size_t)(trains + vals) * (size_t)width)) {
        status = fit_run(&fit, threads);
        if (!status)
            status = fit_score(&fit, validation);
    }
    fit_close(&fit);
    return status;
}
