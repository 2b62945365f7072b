/* SPDX-License-Identifier: Apache-2.0 */
/* A probe: what a linear model can read out of frozen features. It is fitted on train for each strength of a grid, the
 * strength is chosen on val, and test is predicted with all of them. */
#ifndef FOVEA_STATS_PROBE_H
#define FOVEA_STATS_PROBE_H

#include "base/status.h"

#include <stdint.h>

typedef enum {
    PROBE_BINARY,     /* logistic regression, one logit; chosen by AUROC */
    PROBE_MULTICLASS, /* softmax over all classes; by the macro AUROC, one against the rest */
    PROBE_MULTILABEL, /* each label a binary probe of its own, over the rows where it is known */
    PROBE_REGRESS     /* ridge regression; by RMSE */
} ProbeTask;

typedef enum { PROBE_TRAIN, PROBE_VAL, PROBE_TEST } ProbeSplit;

typedef struct {
    ProbeTask task;
    int classes;           /* 2 or more; not looked at for PROBE_REGRESS */
    const float *features; /* [rows][width] */
    int64_t rows;
    int width;
    const double *labels; /* [rows][outputs], NAN: not known, left out of fit and choice */
    int outputs;          /* 1, except PROBE_MULTILABEL */
    const int64_t *split; /* [rows], a ProbeSplit */
    const double *grid;   /* [strengths], above 0: C of logistic.h, alpha of ridge.h */
    int strengths;
    int threads; /* at least 1 */
} ProbeInput;

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

#endif
