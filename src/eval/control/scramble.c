/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/control/scramble.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const Scramble *in;
    int batch; /* label sets of a call */
    size_t label_count, prediction_count;
    double *labels, *predictions; /* [batch] */
} Work;

static Status allocate_work(const Scramble *in, int batch, Work *w) {
    const EvalRows *rows = in->rows;
    *w = (Work){.in = in,
                .batch = batch,
                .label_count = (size_t)(rows->count * rows->outputs),
                .prediction_count = (size_t)(rows->count * eval_values(rows))};
    w->labels = malloc((size_t)batch * w->label_count * sizeof(double) + 1);
    w->predictions = malloc((size_t)batch * w->prediction_count * sizeof(double) + 1);
    return w->labels && w->predictions
               ? NULL
               : status_no_memory("scrambled labels",
                                  (size_t)batch * (w->label_count + w->prediction_count) * sizeof(double));
}

static void free_work(Work *w) {
    free(w->labels);
    free(w->predictions);
}

static int batch_sets(const Scramble *in) {
    const size_t row = (size_t)(in->rows->outputs + eval_values(in->rows)) * sizeof(double);
    const size_t sets = in->batch / ((size_t)in->rows->count * row + 1);
    return sets < 1 ? 1 : sets > (size_t)in->b + 1 ? in->b + 1 : (int)sets;
}

static Status measure(const Scramble *in, const double *labels, const double *predictions, double *score) {
    TRY(main_metric_measure(in->metric, in->rows, labels, predictions, PROBE_TEST, score));
    if (isnan(*score))
        *score = in->metric->chance;
    return isnan(*score)
               ? status_error(EXIT_DATA, "%s of the test rows is not defined; choose another metric", in->metric->name)
               : NULL;
}

/* The score against the test labels of replicate `other`. Those of val stay: a threshold is chosen by them. */
static Status measure_other(const Scramble *in, const double *labels, int other, const double *predictions,
                            double *score) {
    const EvalRows *rows = in->rows;
    const size_t count = (size_t)(rows->count * rows->outputs);
    double *mixed = malloc(count * sizeof *mixed + 1);
    if (!mixed)
        return status_no_memory("scrambled labels", count * sizeof *mixed);
    Status status = permute_labels(in->permutation, in->seed, (uint32_t)other, mixed);
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] != PROBE_TEST)
            memcpy(mixed + row * rows->outputs, labels + row * rows->outputs, (size_t)rows->outputs * sizeof *mixed);
    if (!status)
        status = measure(in, mixed, predictions, score);
    free(mixed);
    return status;
}

/* Replicate 1 .. b, `step` after replicate `set`, round and round. */
static int other_replicate(const Scramble *in, int set, int step) {
    return (set + step - 1) % in->b + 1;
}

static Status score_set(const Scramble *in, int set, const double *labels, const double *predictions, double *score,
                        double *chance) {
    TRY(measure(in, labels, predictions, score));
    double sum = 0;
    for (int step = 1; step <= in->others; step++) {
        double other;
        TRY(measure_other(in, labels, other_replicate(in, set, step), predictions, &other));
        sum += other;
    }
    *chance = sum / in->others;
    return NULL;
}

/* One of two failures; the other one is freed. */
static Status keep_one(Status first, Status second) {
    if (!first)
        return second;
    status_free(second);
    return first;
}

static Status run_batch(const Work *w, Adapter *adapter, int first, int sets, double *scores, double *chances) {
    for (int i = 0; i < sets; i++)
        TRY(permute_labels(w->in->permutation, w->in->seed, (uint32_t)(first + i),
                           w->labels + (size_t)i * w->label_count));
    TRY(adapter->run(adapter, w->in->rows, w->labels, sets, w->predictions));
    Status status = NULL;
#pragma omp parallel for num_threads(w->in->threads) schedule(dynamic, 1)
    for (int i = 0; i < sets; i++) {
        Status own =
            score_set(w->in, first + i, w->labels + (size_t)i * w->label_count,
                      w->predictions + (size_t)i * w->prediction_count, &scores[first + i], &chances[first + i]);
#pragma omp critical(scramble_status)
        status = keep_one(status, own);
    }
    return status;
}

Status scramble_run(const Scramble *in, Adapter *adapter, double *scores, double *chances) {
    Work w;
    Status status = allocate_work(in, batch_sets(in), &w);
    for (int first = 0, sets; !status && first <= in->b; first += sets) {
        sets = in->b + 1 - first < w.batch ? in->b + 1 - first : w.batch;
        status = run_batch(&w, adapter, first, sets, scores, chances);
    }
    free_work(&w);
    return status;
}

Status scramble_measure(const Scramble *in, const double *predictions, double *scores) {
    Status status = NULL;
#pragma omp parallel for num_threads(in->threads) schedule(dynamic, 1)
    for (int replicate = 1; replicate <= in->b; replicate++) {
        Status own = measure_other(in, in->rows->labels, replicate, predictions, &scores[replicate - 1]);
#pragma omp critical(scramble_status)
        status = keep_one(status, own);
    }
    return status;
}
