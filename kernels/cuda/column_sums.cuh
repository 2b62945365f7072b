/* SPDX-License-Identifier: Apache-2.0 */
/* Sums down the columns of a tensor in two steps: one kernel sums each part of its rows into scratch memory, another
 * adds the parts in order. Parts depend on the shape alone. */
#ifndef FOVEA_COLUMN_SUMS_CUH
#define FOVEA_COLUMN_SUMS_CUH

#include "kernels/cuda/cuda.cuh"

/* to[i][column] = or += (`add`) the sum over `count` parts, `stride` floats apart, of element i * columns + column, for
 * i below `sums`; nothing where to[i] is NULL. */
typedef struct {
    float *to[3];
} Sums;
void add_parts(Ops *ops, const float *parts, int count, size_t stride, int sums, int columns, Sums out, bool add);

/* sum[column] = or += the sum of x [rows][columns] over the rows. */
void column_sums(Ops *ops, const Real *x, float *sum, bool add, int rows, int columns);

#endif
