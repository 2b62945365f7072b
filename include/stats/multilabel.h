/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of several yes-or-no labels a row, each of which may be unknown. */
#ifndef FOVEA_STATS_MULTILABEL_H
#define FOVEA_STATS_MULTILABEL_H

#include "base/status.h"
#include "stats/figure.h"

#include <stdint.h>

#define MULTILABEL_FIGURES(X)                                                                                          \
    X(auroc_macro, HIGHER, LOGIT)                                                                                      \
    X(auprc_macro, HIGHER, LOGIT)                                                                                      \
    X(f1_macro, HIGHER, LOGIT)                                                                                         \
    X(hamming, LOWER, LOGIT)

typedef struct {
    MULTILABEL_FIGURES(FIGURE_FIELD)
} MultilabelFigures;

extern const Figure multilabel_figures[]; /* a row without a name ends them */

/* labels[rows][outputs]: 0, 1 or NAN, which is not known and enters nothing; probabilities[rows][outputs], positive
 * from 0.5 on. auroc_of_label[outputs] gets each label's AUROC over its known rows, NAN where it is not defined.
 * EXIT_DATA naming the row and the label of another value. */
Status multilabel_measure(const double *labels, const double *probabilities, int64_t rows, int outputs,
                          MultilabelFigures *figures, double *auroc_of_label) MUST_USE;

/* The same rows, prepared once, to be measured with other counts. */
typedef struct Multilabel Multilabel;
Status multilabel_open(const double *labels, const double *probabilities, int64_t rows, int outputs,
                       Multilabel **multilabel) MUST_USE;
/* As if row r were there times[r] times; NULL: once each. */
Status multilabel_count(const Multilabel *multilabel, const int32_t *times, MultilabelFigures *figures,
                        double *auroc_of_label) MUST_USE;
void multilabel_free(Multilabel *multilabel); /* NULL is allowed */

#endif
