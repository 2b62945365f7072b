/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe.h"
#include "stats/classification.h"
#include "stats/dense.h"
#include "stats/knn.h"
#include "stats/logistic.h"
#include "stats/regression.h"
#include "stats/ridge.h"
#include "stats/standardise.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Rows of one split, side by side. */
typedef struct {
    int64_t *rows;   /* [count], their numbers in the input */
    double *values;  /* [count][width], standardised */
    double *labels;  /* [count], of one output */
    double *logits;  /* [count][logits] */
    double *guesses; /* [count][values] */
    int64_t count;
} Part;

typedef struct {
    const ProbeInput *in;
    ProbeResult *out;
    double *standard; /* [rows][width] */
    uint8_t *in_train;
    Part train, val, test;
    int *classes;    /* [train rows], numbered from 0 without gaps */
    int *class_of;   /* [classes], what such a number stands for */
    int present;     /* classes that train has */
    double *weights; /* [logits][width + 1] */
    double *ridge;   /* [strengths][width + 1] */
    double *per_class;
} Work;

static void free_part(Part *part) {
    free(part->rows);
    free(part->values);
    free(part->labels);
    free(part->logits);
    free(part->guesses);
}

static void free_work(Work *w) {
    free(w->standard);
    free(w->in_train);
    free_part(&w->train);
    free_part(&w->val);
    free_part(&w->test);
    free(w->classes);
    free(w->class_of);
    free(w->weights);
    free(w->ridge);
    free(w->per_class);
}

void probe_free(ProbeResult *result) {
    free(result->coefficients);
    free(result->intercepts);
    free(result->predictions);
    free(result->scores);
    free(result->objectives);
    free(result->chosen);
    free(result->neighbours);
    *result = (ProbeResult){0};
}

/* --- Preparing ---------------------------------------------------------------------------------------------------- */

static Status allocate_part(const Work *w, ProbeSplit split, Part *part) {
    size_t rows = 1;
    const size_t real = sizeof(double);
    for (int64_t row = 0; row < w->in->rows; row++)
        rows += w->in->split[row] == split;
    part->rows = malloc(rows * sizeof(int64_t));
    part->values = malloc(rows * (size_t)w->in->width * real);
    part->labels = malloc(rows * real);
    part->logits = malloc(rows * (size_t)w->out->logits * real);
    part->guesses = malloc(rows * (size_t)w->out->values * real);
    return part->rows && part->values && part->labels && part->logits && part->guesses
               ? NULL
               : status_no_memory("a probe", rows * (size_t)(w->in->width + w->out->values) * real);
}

static Status allocate_result(const ProbeInput *in, ProbeResult *out) {
    const size_t fits = (size_t)in->outputs * (size_t)in->strengths, real = sizeof(double);
    const size_t tests = (size_t)out->tests * (size_t)out->values;
    out->coefficients = calloc(fits, (size_t)out->logits * (size_t)in->width * real);
    out->intercepts = calloc(fits, (size_t)out->logits * real);
    out->predictions = calloc(fits, tests * real + 1);
    out->scores = calloc(fits, real);
    out->objectives = calloc(fits, real);
    out->chosen = calloc((size_t)in->outputs, sizeof(int64_t));
    out->neighbours = in->task == PROBE_REGRESS ? NULL : calloc((size_t)in->outputs, tests * real + 1);
    return out->coefficients && out->intercepts && out->predictions && out->scores && out->objectives && out->chosen &&
                   (out->neighbours || in->task == PROBE_REGRESS)
               ? NULL
               : status_no_memory("a probe's result", fits * (tests + (size_t)in->width) * real);
}

static Status allocate_work(Work *w) {
    const ProbeInput *in = w->in;
    const size_t rows = (size_t)in->rows, width = (size_t)in->width, real = sizeof(double);
    const size_t logits = (size_t)w->out->logits;
    TRY(allocate_part(w, PROBE_TRAIN, &w->train));
    TRY(allocate_part(w, PROBE_VAL, &w->val));
    TRY(allocate_part(w, PROBE_TEST, &w->test));
    w->standard = malloc(rows * width * real);
    w->in_train = malloc(rows);
    w->classes = malloc(rows * sizeof(int));
    w->class_of = malloc((size_t)w->out->values * sizeof(int));
    w->weights = malloc(logits * (width + 1) * real);
    w->ridge = malloc((size_t)in->strengths * (width + 1) * real);
    w->per_class = malloc((size_t)w->out->values * real);
    return w->standard && w->in_train && w->classes && w->class_of && w->weights && w->ridge && w->per_class
               ? NULL
               : status_no_memory("a probe", rows * width * real);
}

static Status check_input(const ProbeInput *in) {
    if (in->rows < 1 || in->width < 1 || in->strengths < 1 || in->outputs < 1)
        return status_error(EXIT_DATA, "a probe needs rows, features, labels and strengths");
    if (in->outputs > 1 && in->task != PROBE_MULTILABEL)
        return status_error(EXIT_DATA, "%d labels a row: this task has one", in->outputs);
    if (in->task != PROBE_REGRESS && (in->task == PROBE_MULTICLASS ? in->classes < 2 : in->classes != 2))
        return status_error(EXIT_DATA, "%d classes do not fit the task", in->classes);
    for (int s = 0; s < in->strengths; s++)
        if (!(in->grid[s] > 0) || !isfinite(in->grid[s]))
            return status_error(EXIT_DATA, "strength %d is %g: it must be above 0", s, in->grid[s]);
    for (int64_t row = 0; row < in->rows; row++)
        if (in->split[row] < PROBE_TRAIN || in->split[row] > PROBE_TEST)
            return status_error(EXIT_DATA, "row %lld is in the split %lld: 0 is train, 1 val, 2 test", (long long)row,
                                (long long)in->split[row]);
    return NULL;
}

static void take_row(const Work *w, Part *part, int64_t row, double label) {
    const int width = w->in->width;
    part->rows[part->count] = row;
    part->labels[part->count] = label;
    for (int j = 0; j < width; j++)
        part->values[part->count * width + j] = w->standard[row * width + j];
    part->count++;
}

/* The rows of each split for one output: of train and val those with a label, of test all. */
static Status take_rows(Work *w, int output) {
    const ProbeInput *in = w->in;
    w->train.count = w->val.count = w->test.count = 0;
    for (int64_t row = 0; row < in->rows; row++) {
        const double label = in->labels[row * in->outputs + output];
        const bool fits = in->task == PROBE_REGRESS
                              ? !isinf(label)
                              : isnan(label) || (label >= 0 && label < in->classes && label == floor(label));
        if (!fits)
            return status_error(EXIT_DATA, "the label of row %lld is %g, which this task does not have", (long long)row,
                                label);
        if (in->split[row] == PROBE_TEST)
            take_row(w, &w->test, row, label);
        else if (!isnan(label))
            take_row(w, in->split[row] == PROBE_VAL ? &w->val : &w->train, row, label);
    }
    return w->train.count ? NULL : status_error(EXIT_DATA, "no train row has a label");
}

/* Numbers the classes that train has without gaps. */
static Status number_classes(Work *w) {
    int *number = calloc((size_t)w->in->classes, sizeof *number);
    if (!number)
        return status_no_memory("a list of classes", (size_t)w->in->classes * sizeof *number);
    for (int64_t i = 0; i < w->train.count; i++)
        number[(int)w->train.labels[i]] = 1;
    w->present = 0;
    for (int c = 0; c < w->in->classes; c++)
        if (number[c]) {
            w->class_of[w->present] = c;
            number[c] = w->present++;
        }
    for (int64_t i = 0; i < w->train.count; i++)
        w->classes[i] = number[(int)w->train.labels[i]];
    free(number);
    return w->present > 1 ? NULL : status_error(EXIT_DATA, "the labels of train are one class: nothing can be learnt");
}

/* --- Fitting ------------------------------------------------------------------------------------------------------ */

/* The place of (output, strength) in the result. */
static int64_t fit_index(const Work *w, int output, int strength) {
    return (int64_t)output * w->in->strengths + strength;
}

/* Copies the weights of the logits that were fitted. A class that train does not have gets none, and -INFINITY as its
 * intercept: what the likelihood drives it to. */
static void keep_weights(const Work *w, const double *weights, int fitted, int64_t index) {
    const int width = w->in->width, logits = w->out->logits;
    double *coefficients = w->out->coefficients + index * logits * width;
    double *intercepts = w->out->intercepts + index * logits;
    for (int k = 0; k < logits && fitted < logits; k++)
        intercepts[k] = -INFINITY;
    for (int k = 0; k < fitted; k++) {
        const int to = fitted < logits ? w->class_of[k] : k;
        for (int j = 0; j < width; j++)
            coefficients[(int64_t)to * width + j] = weights[(int64_t)k * (width + 1) + j];
        intercepts[to] = weights[(int64_t)k * (width + 1) + width];
    }
}

/* guesses[count][values] of a part's rows. */
static void predict(const Work *w, Part *part, const double *weights, int fitted) {
    dense_project(part->values, part->count, w->in->width, weights, fitted, w->in->threads, part->logits);
    const int values = w->out->values;
    if (w->in->task == PROBE_REGRESS) {
        for (int64_t i = 0; i < part->count; i++)
            part->guesses[i] = part->logits[i];
        return;
    }
    logistic_probabilities(part->logits, part->count, fitted, part->guesses);
    if (fitted == 1 || fitted == values)
        return;
    /* From the last row on, so that none is overwritten before it is read. */
    for (int64_t i = part->count - 1; i >= 0; i--) {
        for (int c = 0; c < fitted; c++)
            w->per_class[c] = part->guesses[i * fitted + c];
        for (int c = 0; c < values; c++)
            part->guesses[i * values + c] = 0;
        for (int c = 0; c < fitted; c++)
            part->guesses[i * values + w->class_of[c]] = w->per_class[c];
    }
}

static Status score_val(const Work *w, double *score) {
    if (w->in->task == PROBE_REGRESS) {
        RegressionFigures figures;
        TRY(regression_measure(w->val.labels, w->val.guesses, w->val.count, &figures));
        *score = figures.rmse;
    } else {
        ClassificationFigures figures;
        TRY(classification_measure(w->val.labels, w->val.guesses, w->val.count, w->out->values, &figures,
                                   w->per_class));
        *score = w->in->task == PROBE_MULTICLASS ? figures.auroc_macro_ovr : figures.auroc;
    }
    if (!isnan(*score))
        return NULL;
    return status_error(EXIT_DATA, "val gives no score to choose a strength by: %s",
                        w->in->task == PROBE_REGRESS ? "no row there has a label"
                                                     : "each class must have a row there, and one outside");
}

static Status keep_fit(Work *w, const double *weights, int fitted, int64_t index) {
    keep_weights(w, weights, fitted, index);
    predict(w, &w->val, weights, fitted);
    TRY(score_val(w, &w->out->scores[index]));
    predict(w, &w->test, weights, fitted);
    const int64_t count = w->test.count * w->out->values;
    for (int64_t i = 0; i < count; i++)
        w->out->predictions[index * count + i] = w->test.guesses[i];
    return NULL;
}

static Status fit_ridge(Work *w, int output) {
    const ProbeInput *in = w->in;
    const int64_t first = fit_index(w, output, 0);
    TRY(ridge_fit(&(RidgeInput){.features = w->train.values,
                                .labels = w->train.labels,
                                .rows = w->train.count,
                                .width = in->width,
                                .alphas = in->grid,
                                .count = in->strengths,
                                .threads = in->threads},
                  w->ridge, w->out->objectives + first));
    for (int s = 0; s < in->strengths; s++)
        TRY(keep_fit(w, w->ridge + (int64_t)s * (in->width + 1), 1, first + s));
    return NULL;
}

/* Each strength starts from the solution of the one before. */
static Status fit_logistic(Work *w, int output) {
    const ProbeInput *in = w->in;
    TRY(number_classes(w));
    const int logits = in->task == PROBE_MULTICLASS ? w->present : 1;
    for (int64_t i = 0; i < (int64_t)logits * (in->width + 1); i++)
        w->weights[i] = 0;
    const LogisticInput input = {.features = w->train.values,
                                 .labels = w->classes,
                                 .rows = w->train.count,
                                 .width = in->width,
                                 .logits = logits,
                                 .threads = in->threads};
    for (int s = 0; s < in->strengths; s++) {
        const int64_t index = fit_index(w, output, s);
        TRY(logistic_fit(&input, in->grid[s], w->weights, &w->out->objectives[index]));
        TRY(keep_fit(w, w->weights, logits, index));
    }
    return NULL;
}

/* Whether score a at strength s is better than b at t. */
static bool is_better(const Work *w, double a, double s, double b, double t) {
    const bool regress = w->in->task == PROBE_REGRESS;
    if (a != b)
        return regress ? a < b : a > b;
    return regress ? s > t : s < t; /* a large alpha is a strong penalty, a large C a weak one */
}

static void choose(const Work *w, int output) {
    const double *scores = w->out->scores + fit_index(w, output, 0), *grid = w->in->grid;
    int best = 0;
    for (int s = 1; s < w->in->strengths; s++)
        if (is_better(w, scores[s], grid[s], scores[best], grid[best]))
            best = s;
    w->out->chosen[output] = best;
}

static Status ask_neighbours(Work *w, int output) {
    for (int64_t i = 0; i < w->train.count; i++)
        w->classes[i] = (int)w->train.labels[i];
    return knn_classify(&(KnnInput){.features = w->in->features,
                                    .width = w->in->width,
                                    .known = w->train.rows,
                                    .labels = w->classes,
                                    .known_rows = w->train.count,
                                    .asked = w->test.rows,
                                    .asked_rows = w->test.count,
                                    .classes = w->out->values,
                                    .threads = w->in->threads},
                        w->out->neighbours + output * w->out->tests * w->out->values);
}

static Status run_output(Work *w, int output) {
    TRY(take_rows(w, output));
    TRY(w->in->task == PROBE_REGRESS ? fit_ridge(w, output) : fit_logistic(w, output));
    choose(w, output);
    return w->in->task == PROBE_REGRESS ? NULL : ask_neighbours(w, output);
}

static Status run_outputs(Work *w) {
    const ProbeInput *in = w->in;
    TRY(allocate_work(w));
    for (int64_t row = 0; row < in->rows; row++)
        w->in_train[row] = in->split[row] == PROBE_TRAIN;
    TRY(standardise(in->features, in->rows, in->width, w->in_train, w->standard));
    for (int output = 0; output < in->outputs; output++) {
        Status status = run_output(w, output);
        if (status)
            return in->outputs > 1 ? status_append(status, " (label %d)", output) : status;
    }
    return NULL;
}

Status probe_run(const ProbeInput *input, ProbeResult *result) {
    *result = (ProbeResult){0};
    TRY(check_input(input));
    result->logits = input->task == PROBE_MULTICLASS ? input->classes : 1;
    result->values = input->task == PROBE_REGRESS ? 1 : input->classes;
    for (int64_t row = 0; row < input->rows; row++)
        result->tests += input->split[row] == PROBE_TEST;
    TRY(allocate_result(input, result));
    Work w = {.in = input, .out = result};
    Status status = run_outputs(&w);
    free_work(&w);
    return status;
}
