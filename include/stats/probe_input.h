/* SPDX-License-Identifier: Apache-2.0 */
/* What a probe is made of. */
#ifndef FOVEA_STATS_PROBE_INPUT_H
#define FOVEA_STATS_PROBE_INPUT_H

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
    const double *grid;   /* [strengths], above 0: C, or alpha for PROBE_REGRESS */
    int strengths;
    int threads; /* at least 1 */
} ProbeInput;

#endif
