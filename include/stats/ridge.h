/* SPDX-License-Identifier: Apache-2.0 */
/* Ridge regression, as scikit-learn's Ridge: w and b with the least
 *
 *     sum of (x w + b - y)^2 + alpha |w|^2
 *
 * by Cholesky's factorisation of the centred features' products, exact but for rounding. */
#ifndef FOVEA_STATS_RIDGE_H
#define FOVEA_STATS_RIDGE_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    const double *features; /* [rows][width] */
    const double *labels;   /* [rows], finite */
    int64_t rows;           /* at least 1 */
    int width;
    const double *alphas; /* [count], above 0 */
    int count;
    int threads; /* at least 1 */
} RidgeInput;

/* weights[count][width + 1], the intercept last; objectives[count]. EXIT_DATA for an alpha so small that rounding
 * leaves no factorisation. */
Status ridge_fit(const RidgeInput *input, double *weights, double *objectives) MUST_USE;

#endif
