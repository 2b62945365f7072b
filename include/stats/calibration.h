/* SPDX-License-Identifier: Apache-2.0 */
/* Whether probabilities are what they say. */
#ifndef FOVEA_STATS_CALIBRATION_H
#define FOVEA_STATS_CALIBRATION_H

#include "base/status.h"
#include "stats/figure.h"

#include <stdint.h>

#define CALIBRATION_FIGURES(X)                                                                                         \
    X(ece, LOWER, NONE)                                                                                                \
    X(brier, LOWER, LOGIT)                                                                                             \
    X(calibration_slope, NEITHER, PLAIN)                                                                               \
    X(calibration_intercept, NEITHER, PLAIN)                                                                           \
    X(calibration_in_the_large, NEITHER, PLAIN)

typedef struct {
    CALIBRATION_FIGURES(FIGURE_FIELD)
} CalibrationFigures;

extern const Figure calibration_figures[]; /* a row without a name ends them */

enum { CALIBRATION_BINS = 15 };
/* The bin of a confidence from 0 to 1: all of equal width, [a, b), the last closed. */
int calibration_bin(double confidence);

/* Expected calibration error (Naeini et al., AAAI 2015): over the bins, the
 * difference of mean confidence and share of `right`, weighted by the bin's rows. Row r counts times[r] times; NULL:
 * once. NAN without rows. */
double calibration_error(const double *confidence, const uint8_t *right, const int32_t *times, int64_t rows);

/* labels[rows]: 0, 1 or NAN (not known, left out); probabilities[rows] of 1. Slope and intercept are those of the
 * logistic regression of the label on logit(p), without a penalty; in the large: the intercept with the slope fixed at
 * 1. They are not defined when a probability is 0 or 1, whose logit is infinite, when there is one class only, and the
 * first two not where logit(p) is constant or separates the classes. EXIT_DATA naming the row of any other value. */
Status calibration_measure(const double *labels, const double *probabilities, int64_t rows,
                           CalibrationFigures *figures) MUST_USE;

/* The same rows, prepared once, to be measured with other counts. */
typedef struct Calibration Calibration;
Status calibration_open(const double *labels, const double *probabilities, int64_t rows,
                        Calibration **calibration) MUST_USE;
/* As if row r were there times[r] times; NULL: once each. */
Status calibration_count(const Calibration *calibration, const int32_t *times, CalibrationFigures *figures) MUST_USE;
void calibration_free(Calibration *calibration); /* NULL is allowed */

#endif
