/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/adapt/knn.h"
#include "stats/knn.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Adapter adapter;
    const float *features;
    int width, threads;
} Knn;

typedef struct {
    const EvalRows *rows;
    int64_t *trains, *others; /* rows of train, and of val and test */
    int64_t train_count, other_count;
    Neighbours *neighbours;
    double *labels; /* [trains], of one output */
    double *votes;  /* [others][classes] */
} Poll;

static void close_poll(Poll *p) {
    free(p->trains);
    free(p->others);
    free(p->labels);
    free(p->votes);
    neighbours_close(p->neighbours);
}

static Status open_poll(const Knn *k, const EvalRows *rows, Poll *p) {
    const size_t count = (size_t)rows->count, classes = (size_t)rows->classes;
    *p = (Poll){.rows = rows,
                .trains = malloc((count + 1) * sizeof *p->trains),
                .others = malloc((count + 1) * sizeof *p->others),
                .labels = malloc((count + 1) * sizeof *p->labels),
                .votes = malloc((count + 1) * classes * sizeof *p->votes)};
    if (!p->trains || !p->others || !p->labels || !p->votes)
        return status_no_memory("the nearest neighbours", count * (3 + classes) * 8);
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] == PROBE_TRAIN)
            p->trains[p->train_count++] = row;
        else
            p->others[p->other_count++] = row;
    if (!p->train_count)
        return status_error(EXIT_DATA, "there is no train row");
    return neighbours_find(&(KnnInput){.features = k->features,
                                       .width = k->width,
                                       .known = p->trains,
                                       .known_rows = p->train_count,
                                       .asked = p->others,
                                       .asked_rows = p->other_count,
                                       .threads = k->threads},
                           &p->neighbours);
}

/* Whether all known labels of train are the same, which is nothing to learn from. */
static bool is_one_class(const Poll *p) {
    double first = NAN;
    for (int64_t i = 0; i < p->train_count; i++) {
        if (isnan(first))
            first = p->labels[i];
        if (!isnan(p->labels[i]) && p->labels[i] != first)
            return false;
    }
    return !isnan(first);
}

/* labels[rows][outputs] of one set. */
static Status poll_output(const Poll *p, const double *labels, int output, double *predictions) {
    const EvalRows *rows = p->rows;
    const bool numbers = rows->kind == EVAL_REGRESSION;
    const int values = eval_values(rows), each = values == rows->outputs ? 1 : values;
    /* Votes of a row, and the first of them that is kept: of two classes, that of the label 1. */
    const int count = numbers ? 1 : rows->classes, first = each == 1 ? count - 1 : 0;
    for (int64_t i = 0; i < p->train_count; i++)
        p->labels[i] = labels[p->trains[i] * rows->outputs + output];
    if (!numbers && is_one_class(p))
        return status_error(EXIT_DATA, "the labels of train are one class: nothing can be learnt");
    TRY(neighbours_vote(p->neighbours, p->labels, numbers ? 0 : rows->classes, p->votes));
    for (int64_t i = 0; i < p->other_count; i++)
        memcpy(predictions + p->others[i] * values + output * each, p->votes + i * count + first,
               (size_t)each * sizeof *predictions);
    return NULL;
}

static Status run_knn(Adapter *self, const EvalRows *rows, const double *labels, int sets, double *predictions) {
    const int64_t size = rows->count * eval_values(rows);
    Poll poll;
    Status status = open_poll((const Knn *)self, rows, &poll);
    for (int64_t i = 0; i < sets * size; i++)
        predictions[i] = NAN;
    for (int set = 0; set < sets && !status; set++)
        for (int output = 0; output < rows->outputs && !status; output++) {
            status = poll_output(&poll, labels + set * rows->count * rows->outputs, output, predictions + set * size);
            if (status && set)
                status = status_append(status, " (label set %d)", set);
            if (status && rows->outputs > 1)
                status = status_append(status, " (label %d)", output);
        }
    close_poll(&poll);
    return status_code(status) == EXIT_DATA ? status_append(status, "; choose another label or split") : status;
}

static void close_knn(Adapter *self) {
    free(self);
}

Status knn_open(const float *features, int width, int threads, Adapter **adapter) {
    Knn *k = malloc(sizeof *k);
    if (!k)
        return status_no_memory("the nearest neighbours", sizeof *k);
    *k = (Knn){
        .adapter = {.run = run_knn, .close = close_knn}, .features = features, .width = width, .threads = threads};
    *adapter = &k->adapter;
    return NULL;
}
