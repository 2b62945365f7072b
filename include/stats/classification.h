/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a classifier: each row has one class of several. */
#ifndef FOVEA_STATS_CLASSIFICATION_H
#define FOVEA_STATS_CLASSIFICATION_H

#include "base/status.h"
#include "stats/figure.h"

#include <stdint.h>

/* auroc, auprc and brier are those of class 1 and not defined for more than two classes. */
#define CLASSIFICATION_FIGURES(X)                                                                                      \
    X(accuracy, HIGHER, LOGIT)                                                                                         \
    X(balanced_accuracy, HIGHER, LOGIT)                                                                                \
    X(f1_macro, HIGHER, LOGIT)                                                                                         \
    X(precision_macro, HIGHER, LOGIT)                                                                                  \
    X(recall_macro, HIGHER, LOGIT)                                                                                     \
    X(jaccard_macro, HIGHER, LOGIT)                                                                                    \
    X(hamming, LOWER, LOGIT)                                                                                           \
    X(mcc, HIGHER, FISHER)                                                                                             \
    X(kappa, HIGHER, FISHER)                                                                                           \
    X(kappa_quadratic, HIGHER, FISHER)                                                                                 \
    X(log_loss, LOWER, LOG)                                                                                            \
    X(ece, LOWER, NONE)                                                                                                \
    X(auroc, HIGHER, LOGIT)                                                                                            \
    X(auprc, HIGHER, LOGIT)                                                                                            \
    X(brier, LOWER, LOGIT)                                                                                             \
    X(auroc_macro_ovr, HIGHER, LOGIT)                                                                                  \
    X(auprc_macro, HIGHER, LOGIT)

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
