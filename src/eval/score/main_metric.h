/* SPDX-License-Identifier: Apache-2.0 */
/* The one figure that a task is judged by. */
#ifndef FOVEA_EVAL_MAIN_METRIC_H
#define FOVEA_EVAL_MAIN_METRIC_H

#include "eval/rows.h"

/* What is known of a metric. */
typedef struct {
    const char *name; /* as in docs/metrics.md */
    double chance;    /* its value where nothing is learnt: AUROC 0.5, balanced accuracy 1/K, kappa, MCC, R2 and
                         correlations 0; NAN where chance depends on the labels */
    int sign;         /* 1: higher is better, -1: lower is better */
} MainMetric;

/* A figure that says which of two predictions is the better one: those of classification.h (binary, multiclass,
 * ordinal) and threshold.h (binary), of multilabel.h, or of regression.h. EXIT_USAGE when there is no such metric of
 * this kind, naming those that there are. */
Status main_metric_find(const EvalRows *rows, const char *name, MainMetric *metric) MUST_USE;

/* Its value over the test rows (ProbeSplit `split`: of another split), by image: labels[count][outputs],
 * predictions[count][eval_values()]. A threshold that it needs is chosen on the val rows of the same labels and
 * predictions. NAN: not defined. EXIT_DATA when a row of that split has no prediction. */
Status main_metric_measure(const MainMetric *metric, const EvalRows *rows, const double *labels,
                           const double *predictions, ProbeSplit split, double *value) MUST_USE;

#endif
