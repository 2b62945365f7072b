/* SPDX-License-Identifier: Apache-2.0 */
/* A score over the share of a training, beside a baseline's. */
#ifndef FOVEA_EVAL_SVG_BUDGET_H
#define FOVEA_EVAL_SVG_BUDGET_H

#include "eval/score/estimate.h"

#include <stdint.h>
#include <stdio.h>

typedef struct {
    double share;
    int64_t step; /* -1: not known */
    const Estimate *score;
} BudgetPoint;

/* points[count] by rising share, at least one. `baseline` (NULL: none) is a line in the band of its interval. */
void draw_budget(FILE *out, const BudgetPoint *points, int count, const Estimate *baseline, const char *metric);

#endif
