/* SPDX-License-Identifier: Apache-2.0 */
/* The leakage control: whether a test score can be believed. All that sees labels runs again with labels that say
 * nothing (permute.h), and the split, the metadata and the pretraining are looked at beside it. docs/control.md
 * explains each reason to users.
 *
 * How far over chance the scrambled scores are. Chance is not taken from a table: it is what the same predictions score
 * against the test labels of other replicates. If nothing of test reaches the adapter, a replicate's own test labels
 * are as independent of its predictions as those, whatever the metric, the numbers of images and the people whose
 * labels cannot move; where everybody can exchange labels, as where each person has two images, that is the metric's
 * own chance, AUROC 0.5. A replicate's excess is its score less the mean of its predictions' scores against the test
 * labels of CONTROL_OTHERS others, and the standard error is that of the mean of B excesses: their standard deviation /
 * sqrt(B). Replicates are drawn independently of each other, so the mean is that of independent excesses around 0,
 * although all share their rows; one in 30,000 passes 4 standard errors by accident. In 500 null data sets the largest
 * was 3.4. */
#ifndef FOVEA_EVAL_CONTROL_H
#define FOVEA_EVAL_CONTROL_H

#include "eval/adapt/adapter.h"
#include "eval/control/verdict.h"

enum { CONTROL_OTHERS = 8 };

typedef struct {
    const EvalRows *rows;
    Adapter *adapter;                          /* that gave the score */
    const char *metric;                        /* a name of main_metric.h */
    int b;                                     /* scrambled label sets: 199, for fine-tuning 19 */
    double alpha;                              /* p up to which something was learnt: 0.05 */
    uint64_t seed;                             /* of the scramble */
    int threads;                               /* at least 1; changes no number */
    const ControlContamination *contamination; /* NULL: nothing is known */
} ControlInput;

/* EXIT_USAGE when b is too small for p to reach alpha. */
Status control_check(int b, double alpha) MUST_USE;

/* EXIT_USAGE when the metric is none of this task, or as control_check(); EXIT_DATA when the true or a
 * scrambled label set cannot be learnt or scored. Free with control_free() either way. */
Status control_run(const ControlInput *input, ControlResult *result) MUST_USE;
void control_free(ControlResult *result);

#endif
