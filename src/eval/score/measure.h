/* SPDX-License-Identifier: Apache-2.0 */
/* All figures of a selection's predictions, or one, ready to be measured with each row counted any number of times. */
#ifndef FOVEA_EVAL_MEASURE_H
#define FOVEA_EVAL_MEASURE_H

#include "eval/score/figures.h"
#include "eval/score/selection.h"
#include "stats/calibration.h"
#include "stats/classification.h"
#include "stats/multilabel.h"
#include "stats/regression.h"
#include "stats/threshold.h"

typedef struct {
    const Selection *selection; /* borrowed */
    ThresholdFigures thresholds;
    ScoreFigure *list;
    int count;
    double *both;                   /* [selection->count][2], probabilities of both classes of EVAL_BINARY */
    Classification *classification; /* of these, what the list needs; else NULL */
    Calibration *calibration;
    Multilabel *multilabel;
    Regression *regression;
} Measure;

/* The figure called `only`, or all (NULL). `thresholds`: those chosen on val; NULL: there are none, and what needs them
 * is not defined. Free with measure_close() either way. */
Status measure_open(const Selection *selection, const ThresholdFigures *thresholds, const char *only,
                    Measure *measure) MUST_USE;
/* values[count], as if row i of the selection were there times[i] times; NULL: once. A BootstrapMeasure; `context` is
 * the Measure. */
Status measure_count(const void *context, const int32_t *times, double *values) MUST_USE;
void measure_close(Measure *measure);

/* The thresholds that are chosen on val rows of the same labels and predictions; none (NAN) unless EVAL_BINARY. */
Status measure_thresholds(const Selection *val, ThresholdFigures *thresholds) MUST_USE;

#endif
