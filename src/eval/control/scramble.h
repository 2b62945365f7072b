/* SPDX-License-Identifier: Apache-2.0 */
/* Runs everything that sees labels on the true labels and on B scrambled sets of them, and scores each. */
#ifndef FOVEA_EVAL_SCRAMBLE_H
#define FOVEA_EVAL_SCRAMBLE_H

#include "eval/adapt/adapter.h"
#include "eval/control/permute.h"
#include "eval/score/main_metric.h"

#include <stddef.h>

typedef struct {
    const EvalRows *rows;
    const MainMetric *metric;
    const Permutation *permutation;
    uint64_t seed;
    int b;      /* at least 2 */
    int others; /* test labels of so many other replicates give the chance of a replicate's predictions; fewer than b */
    size_t batch; /* bytes of labels and predictions in memory at once, of one set at least */
    int threads;  /* at least 1; changes no number */
} Scramble;

/* Replicate 0 has the true labels. scores[b + 1]; chances[b + 1]: what the same predictions score on average against
 * the test labels of other replicates. EXIT_DATA when a score is not defined and the metric has no chance; where it has
 * one, that is the score. */
Status scramble_run(const Scramble *scramble, Adapter *adapter, double *scores, double *chances) MUST_USE;

/* scores[b] of these predictions against the test labels of each replicate. */
Status scramble_measure(const Scramble *scramble, const double *predictions, double *scores) MUST_USE;

#endif
