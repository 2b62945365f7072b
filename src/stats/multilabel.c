/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/multilabel.h"
#include "stats/binary.h"
#include "stats/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define FIGURE_ROW(name, better, scale) FIGURE_OF(MultilabelFigures, name, better, scale)
const Figure multilabel_figures[] = {MULTILABEL_FIGURES(FIGURE_ROW){0}};

struct Multilabel {
    int outputs;
    Binary *labels;    /* [outputs] */
    Ranking *rankings; /* [outputs] */
};

typedef struct {
    double auroc, auprc, f1; /* sums over the labels */
    int64_t cells, wrong;
} Sums;

/* Counts right and wrong cells of one label; F1 without any positive, labelled or predicted, is 0. */
static void count_cells(const Binary *binary, const int32_t *times, Sums *sums) {
    int64_t count = 0, positives = 0, hits = 0, guessed = 0, wrong = 0;
    for (int64_t i = 0; i < binary->count; i++) {
        const bool guess = binary->scores[i] >= 0.5;
        const int64_t weight = times ? times[i] : 1;
        count += weight;
        positives += binary->positive[i] ? weight : 0;
        guessed += guess ? weight : 0;
        hits += guess && binary->positive[i] ? weight : 0;
        wrong += guess != binary->positive[i] ? weight : 0;
    }
    const int64_t all = guessed + positives;
    sums->f1 += !count ? NAN : all ? 2.0 * (double)hits / (double)all : 0;
    sums->cells += count;
    sums->wrong += wrong;
}

static Status count_label(const Binary *binary, const Ranking *ranking, const int32_t *times, Sums *sums,
                          double *auroc) {
    int32_t *own = NULL;
    if (times) {
        own = malloc((size_t)(binary->count + 1) * sizeof *own);
        if (!own)
            return status_no_memory("counts of rows", (size_t)binary->count * sizeof *own);
        for (int64_t i = 0; i < binary->count; i++)
            own[i] = times[binary->source[i]];
    }
    *auroc = ranking_auroc(ranking, binary->positive, own);
    sums->auroc += *auroc;
    sums->auprc += ranking_average_precision(ranking, binary->positive, own);
    count_cells(binary, own, sums);
    free(own);
    return NULL;
}

Status multilabel_count(const Multilabel *multilabel, const int32_t *times, MultilabelFigures *figures,
                        double *auroc_of_label) {
    const int outputs = multilabel->outputs;
    Sums sums = {0};
    figures_clear(figures, multilabel_figures);
    for (int i = 0; i < outputs; i++)
        TRY(count_label(&multilabel->labels[i], &multilabel->rankings[i], times, &sums, &auroc_of_label[i]));
    /* A label without a figure makes the sum, and so the mean, not defined. */
    figures->auroc_macro = sums.auroc / outputs;
    figures->auprc_macro = sums.auprc / outputs;
    figures->f1_macro = sums.f1 / outputs;
    figures->hamming = sums.cells ? (double)sums.wrong / (double)sums.cells : NAN;
    return NULL;
}

void multilabel_free(Multilabel *m) {
    if (!m)
        return;
    for (int i = 0; i < m->outputs && m->labels && m->rankings; i++) {
        binary_free(&m->labels[i]);
        ranking_free(&m->rankings[i]);
    }
    free(m->labels);
    free(m->rankings);
    free(m);
}

static Status open_labels(Multilabel *m, const double *labels, const double *probabilities, int64_t rows) {
    for (int i = 0; i < m->outputs; i++) {
        Status status = binary_open(labels + i, probabilities + i, m->outputs, rows, &m->labels[i]);
        if (!status)
            status = ranking_open(m->labels[i].scores, 1, m->labels[i].count, &m->rankings[i]);
        if (status)
            return status_append(status, " (label %d)", i);
    }
    return NULL;
}

Status multilabel_open(const double *labels, const double *probabilities, int64_t rows, int outputs,
                       Multilabel **multilabel) {
    *multilabel = NULL;
    if (outputs < 1)
        return status_error(EXIT_DATA, "%d labels a row: there must be at least 1", outputs);
    TRY(binary_check_probabilities(probabilities, rows * outputs, outputs));
    Multilabel *m = malloc(sizeof *m);
    if (!m)
        return status_no_memory("labels", sizeof *m);
    *m = (Multilabel){.outputs = outputs,
                      .labels = calloc((size_t)outputs, sizeof *m->labels),
                      .rankings = calloc((size_t)outputs, sizeof *m->rankings)};
    Status status = m->labels && m->rankings ? NULL : status_no_memory("labels", (size_t)outputs * sizeof *m->labels);
    if (!status)
        status = open_labels(m, labels, probabilities, rows);
    if (status)
        multilabel_free(m);
    else
        *multilabel = m;
    return status;
}

Status multilabel_measure(const double *labels, const double *probabilities, int64_t rows, int outputs,
                          MultilabelFigures *figures, double *auroc_of_label) {
    Multilabel *multilabel;
    TRY(multilabel_open(labels, probabilities, rows, outputs, &multilabel));
    Status status = multilabel_count(multilabel, NULL, figures, auroc_of_label);
    multilabel_free(multilabel);
    return status;
}
