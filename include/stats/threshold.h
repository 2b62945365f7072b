/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds chosen on validation rows, and what a threshold is worth on others. A row is called positive when its
 * score is at least the threshold. In all of these: labels[rows] are 0, 1 or NAN (not known, left out); EXIT_DATA
 * naming the row of another label or of a score that is not finite; a figure without the rows it needs is NAN. */
#ifndef FOVEA_STATS_THRESHOLD_H
#define FOVEA_STATS_THRESHOLD_H

#include "base/status.h"
#include "stats/figure.h"

#include <stdint.h>

#define THRESHOLD_FIGURES(X)                                                                                           \
    X(threshold_youden, NEITHER, NONE)                                                                                 \
    X(sensitivity_youden, HIGHER, LOGIT)                                                                               \
    X(specificity_youden, HIGHER, LOGIT)                                                                               \
    X(balanced_accuracy_youden, HIGHER, LOGIT)                                                                         \
    X(threshold_spec90, NEITHER, NONE)                                                                                 \
    X(sensitivity_spec90, HIGHER, LOGIT)                                                                               \
    X(specificity_spec90, HIGHER, LOGIT)

typedef struct {
    THRESHOLD_FIGURES(FIGURE_FIELD)
} ThresholdFigures;

extern const Figure threshold_figures[]; /* a row without a name ends them */

/* The score whose sensitivity + specificity is largest, of equals the highest (Youden 1950). */
Status threshold_youden(const double *labels, const double *scores, int64_t rows, double *threshold) MUST_USE;

/* The lowest score whose specificity is at least `percent` in a hundred. */
Status threshold_specificity(const double *labels, const double *scores, int64_t rows, int percent,
                             double *threshold) MUST_USE;

/* The share of positives called positive, and of negatives not called so. */
typedef struct {
    double sensitivity, specificity;
} OperatingPoint;

/* Both are NAN for a threshold that is. Row r counts times[r] times; NULL: once. */
Status threshold_measure(const double *labels, const double *scores, const int32_t *times, int64_t rows,
                         double threshold, OperatingPoint *point) MUST_USE;

/* Chooses both thresholds on val rows; the other figures are NAN after it. */
Status thresholds_choose(const double *labels, const double *scores, int64_t rows, ThresholdFigures *figures) MUST_USE;
/* What these thresholds are worth on other rows, `times` as above. */
Status thresholds_measure(const double *labels, const double *scores, const int32_t *times, int64_t rows,
                          ThresholdFigures *figures) MUST_USE;

/* Net benefit at the threshold probability t in (0, 1): TP / n - FP / n * t / (1 - t) (Vickers and Elkin 2006), and
 * that of calling everyone positive; `times` as above. EXIT_DATA for another t. */
typedef struct {
    double model, everyone;
} NetBenefit;

Status threshold_net_benefit(const double *labels, const double *probabilities, const int32_t *times, int64_t rows,
                             double t, NetBenefit *benefit) MUST_USE;

#endif
