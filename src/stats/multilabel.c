/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/multilabel.h"
#include "stats/binary.h"
#include "stats/ranking.h"

#include <math.h>
#include <stdbool.h>

#define FIGURE_ROW(name, better) FIGURE_OF(MultilabelFigures, name, better)
const Figure multilabel_figures[] = {MULTILABEL_FIGURES(FIGURE_ROW){0}};

typedef struct {
    double auroc, auprc, f1; /* sums over the labels */
    int64_t cells, wrong;
} Sums;

/* Counts right and wrong cells of one label; F1 without any positive, labelled or predicted, is 0. */
static void count_cells(const Binary *binary, Sums *sums) {
    int64_t hits = 0, guessed = 0, wrong = 0;
    for (int64_t i = 0; i < binary->count; i++) {
        const bool guess = binary->scores[i] >= 0.5;
        guessed += guess;
        hits += guess && binary->positive[i];
        wrong += guess != binary->positive[i];
    }
    const int64_t all = guessed + binary->positives;
    sums->f1 += !binary->count ? NAN : all ? 2.0 * (double)hits / (double)all : 0;
    sums->cells += binary->count;
    sums->wrong += wrong;
}

static Status measure_label(const Binary *binary, Sums *sums, double *auroc) {
    Ranking ranking;
    Status status = ranking_open(binary->scores, 1, binary->count, &ranking);
    if (!status) {
        *auroc = ranking_auroc(&ranking, binary->positive, NULL);
        sums->auroc += *auroc;
        sums->auprc += ranking_average_precision(&ranking, binary->positive);
        count_cells(binary, sums);
    }
    ranking_free(&ranking);
    return status;
}

Status multilabel_measure(const double *labels, const double *probabilities, int64_t rows, int outputs,
                          MultilabelFigures *figures, double *auroc_of_label) {
    if (outputs < 1)
        return status_error(EXIT_DATA, "%d labels a row: there must be at least 1", outputs);
    figures_clear(figures, multilabel_figures);
    TRY(binary_check_probabilities(probabilities, rows * outputs, outputs));
    Sums sums = {0};
    for (int output = 0; output < outputs; output++) {
        Binary binary;
        Status status = binary_open(labels + output, probabilities + output, outputs, rows, &binary);
        if (!status)
            status = measure_label(&binary, &sums, &auroc_of_label[output]);
        binary_free(&binary);
        if (status)
            return status_append(status, " (label %d)", output);
    }
    /* A label without a figure makes the sum, and so the mean, not defined. */
    figures->auroc_macro = sums.auroc / outputs;
    figures->auprc_macro = sums.auprc / outputs;
    figures->f1_macro = sums.f1 / outputs;
    figures->hamming = sums.cells ? (double)sums.wrong / (double)sums.cells : NAN;
    return NULL;
}
