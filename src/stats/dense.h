/* SPDX-License-Identifier: Apache-2.0 */
/* Products of a tall matrix of rows with a few vectors, in double. Each sum is taken in an order that depends on the
 * shape alone, so that results are the same for any number of threads. */
#ifndef FOVEA_STATS_DENSE_H
#define FOVEA_STATS_DENSE_H

#include <stdint.h>

double dense_dot(const double *a, const double *b, int64_t count);

/* out[rows][count]: row i with vector k, the sum of a[i][j] * vectors[k][j], plus vectors[k][width]: each vector has
 * width + 1 elements, an intercept last. */
void dense_project(const double *a, int64_t rows, int width, const double *vectors, int count, int threads,
                   double *out);

/* out[count][width + 1]: the sum over rows of weights[i][k] * a[i][j], the intercept as if a[i][width] were 1. */
void dense_gather(const double *a, int64_t rows, int width, const double *weights, int count, int threads, double *out);

#endif
