/* SPDX-License-Identifier: Apache-2.0 */
/* A probe: what a linear model can read out of frozen features. It is fitted on train for each strength of a grid, the
 * strength is chosen on val, and test is predicted with all of them.
 *
 * Classes: logistic regression with an L2 penalty as scikit-learn's LogisticRegression, w and b with the least
 *
 *     |w|^2 / 2 + C * sum of the rows' log loss
 *
 * the intercepts not penalised. One logit says whether the label is 1; more logits are a softmax over as many classes,
 * whose intercepts have the mean 0. Numbers: ridge regression as scikit-learn's Ridge, the least
 *
 *     sum of (x w + b - y)^2 + alpha |w|^2
 *
 * The objective is met to about 1e-12 of itself. Nothing is drawn, and the bits do not depend on the number of
 * threads. */
#ifndef FOVEA_STATS_PROBE_H
#define FOVEA_STATS_PROBE_H

#include "stats/probe_input.h"

/* For each output, in the order of the grid. The weights are those of standardised features: less the mean of all train
 * rows, over their population standard deviation. */
typedef struct {
    int logits; /* K for PROBE_MULTICLASS, else 1 */
    int values; /* of a prediction: the classes, or 1 for PROBE_REGRESS */
    int64_t tests;
    double *coefficients; /* [outputs][strengths][logits][width] */
    double *intercepts;   /* [outputs][strengths][logits] */
    double *predictions;  /* [outputs][strengths][tests][values], probabilities or numbers */
    double *scores;       /* [outputs][strengths], on val */
    double *objectives;   /* [outputs][strengths] */
    int64_t *chosen;      /* [outputs], number of the strength with the best score; of equals the stronger penalty */
    double *neighbours;   /* [outputs][tests][values], knn.h's probabilities; NULL for PROBE_REGRESS */
} ProbeResult;

/* EXIT_DATA when the input cannot be probed: features or labels that cannot be, no known train row or one class only in
 * train (a class of several may be missing: its probability is 0), or val gives no score. Free with probe_free() either
 * way. */
Status probe_run(const ProbeInput *input, ProbeResult *result) MUST_USE;
void probe_free(ProbeResult *result);

/* The same for many label sets over the same rows, labels[sets][rows][outputs] (the input's are not looked at), which
 * takes far less time than each by itself, and gives each the bits that it has by itself. Of each set and output what
 * the chosen strength predicts of val and test rows, predictions[sets][rows][outputs][n], NAN in train rows: n is the
 * number of classes for PROBE_MULTICLASS, 1 for PROBE_REGRESS, else 1 for the probability of the label 1. And the
 * chosen strength's number, chosen[sets][outputs]. */
Status probe_run_sets(const ProbeInput *input, const double *labels, int sets, double *predictions,
                      int64_t *chosen) MUST_USE;

#endif
