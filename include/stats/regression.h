/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of predicted numbers, such as an age. */
#ifndef FOVEA_STATS_REGRESSION_H
#define FOVEA_STATS_REGRESSION_H

#include "base/status.h"
#include "stats/figure.h"

#include <stdint.h>

#define REGRESSION_FIGURES(X)                                                                                          \
    X(mae, LOWER, LOG)                                                                                                 \
    X(rmse, LOWER, LOG)                                                                                                \
    X(r2, HIGHER, PLAIN)                                                                                               \
    X(pearson, HIGHER, FISHER)                                                                                         \
    X(spearman, HIGHER, FISHER)                                                                                        \
    X(calibration_slope, NEITHER, PLAIN)                                                                               \
    X(calibration_intercept, NEITHER, PLAIN)                                                                           \
    X(spread, NEITHER, LOG)

typedef struct {
    REGRESSION_FIGURES(FIGURE_FIELD)
} RegressionFigures;

extern const Figure regression_figures[]; /* a row without a name ends them */

/* labels[rows] (NAN: not known, the row is left out) and predictions[rows]. EXIT_DATA naming the row of a known label
 * or a prediction that is not finite. */
Status regression_measure(const double *labels, const double *predictions, int64_t rows,
                          RegressionFigures *figures) MUST_USE;

/* The same rows, prepared once, to be measured with other counts. */
typedef struct Regression Regression;
Status regression_open(const double *labels, const double *predictions, int64_t rows, Regression **regression) MUST_USE;
/* As if row r were there times[r] times; NULL: once each. */
Status regression_count(const Regression *regression, const int32_t *times, RegressionFigures *figures) MUST_USE;
void regression_free(Regression *regression); /* NULL is allowed */

#endif
