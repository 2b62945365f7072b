/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a classifier: each row has one class of several. */
#ifndef FOVEA_STATS_CLASSIFICATION_H
#define FOVEA_STATS_CLASSIFICATION_H

#include "base/status.h"
#include "stats/figure.h"

#include <stdint.h>

/* auroc, auprc and brier are those of class 1 and not defined for more than two classes. */
#define CLASSIFICATION_FIGURES(X)                                                                                      \
    X(accuracy, HIGHER)                                                                                                \
    X(balanced_accuracy, HIGHER)                                                                                       \
    X(f1_macro, HIGHER)                                                                                                \
    X(precision_macro, HIGHER)                                                                                         \
    X(recall_macro, HIGHER)                                                                                            \
    X(jaccard_macro, HIGHER)                                                                                           \
    X(hamming, LOWER)                                                                                                  \
    X(mcc, HIGHER)                                                                                                     \
    X(kappa, HIGHER)                                                                                                   \
    X(kappa_quadratic, HIGHER)                                                                                         \
    X(log_loss, LOWER)                                                                                                 \
    X(ece, LOWER)                                                                                                      \
    X(auroc, HIGHER)                                                                                                   \
    X(auprc, HIGHER)                                                                                                   \
    X(brier, LOWER)                                                                                                    \
    X(auroc_macro_ovr, HIGHER)                                                                                         \
    X(auprc_macro, HIGHER)

typedef struct {
    CLASSIFICATION_FIGURES(FIGURE_FIELD)
} ClassificationFigures;

extern const Figure classification_figures[]; /* a row without a name ends them */

/* labels[rows] are classes from 0, NAN: not known, the row is left out; probabilities[rows][classes], classes >= 2.
 * auroc_of_class[classes] gets each class's AUROC against the rest, NAN where it is not defined. The predicted class is
 * the most probable one, of equals the first. EXIT_DATA naming the row of a label that is no class or of a probability
 * outside [0, 1]. */
Status classification_measure(const double *labels, const double *probabilities, int64_t rows, int classes,
                              ClassificationFigures *figures, double *auroc_of_class) MUST_USE;

/* The same rows, prepared once, to be measured with other counts. */
typedef struct Classification Classification;
Status classification_open(const double *labels, const double *probabilities, int64_t rows, int classes,
                           Classification **classification) MUST_USE;
/* As if row r were there times[r] times; NULL: once each. */
Status classification_count(const Classification *classification, const int32_t *times, ClassificationFigures *figures,
                            double *auroc_of_class) MUST_USE;
void classification_free(Classification *classification); /* NULL is allowed */

#endif
