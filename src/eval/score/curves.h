/* SPDX-License-Identifier: Apache-2.0 */
/* What a report draws of probabilities: ROC, precision and recall, calibration, decision curve. */
#ifndef FOVEA_EVAL_CURVES_H
#define FOVEA_EVAL_CURVES_H

#include "eval/score/selection.h"

typedef struct {
    double x, y;
} CurvePoint;

typedef struct {
    double predicted, observed; /* means over the bin's rows: of the prediction and of the label */
    int64_t images;
} CalibrationBin;

typedef struct {
    double at, model, everyone; /* the threshold probability; net benefits */
} DecisionPoint;

/* Of a yes-or-no label: that of EVAL_BINARY, one of EVAL_MULTILABEL, a class against the rest. EVAL_REGRESSION has one
 * part with nothing but bins. Curves have at most 202 points, about an equal number of rows apart. */
typedef struct {
    int part;        /* the class or label; 1 for EVAL_BINARY, -1 for EVAL_REGRESSION */
    CurvePoint *roc; /* 1 - specificity, sensitivity; from (0, 0) to (1, 1) */
    int roc_count;   /* 0 without a positive or a negative row */
    CurvePoint *pr;  /* recall, precision; recall rises */
    int pr_count;
    CalibrationBin *bins; /* those of the expected calibration error, without empty ones; of EVAL_REGRESSION tenths of
                             the rows by their prediction */
    int bin_count;
    DecisionPoint *decision; /* at 0.01 to 0.99 */
    int decision_count;
} ScorePart;

/* Of each part. Free with curves_free() either way. */
Status curves_measure(const Selection *selection, ScorePart **list, int *count) MUST_USE;
void curves_free(ScorePart *list, int count);

#endif
