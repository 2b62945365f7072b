/* SPDX-License-Identifier: Apache-2.0 */
/* Products of a block of rows with a panel of columns, in double, one thread: what all of a probe's time goes into.
 *
 * A panel holds PANEL columns side by side, [depth][PANEL]; a block BLOCK rows `stride` apart. A tile of four rows or
 * depths of a panel stays in registers while the sum runs. Each element is one sum in one order, so a column has the
 * same bits whatever is in the others. */
#ifndef FOVEA_STATS_PRODUCT_H
#define FOVEA_STATS_PRODUCT_H

#include <stdint.h>

/* Of 16 registers of four doubles a tile of 4 x 12 takes 12. A block of 48 rows of 768 features and two panels are 440
 * KiB: they fit a second cache of 512. */
enum { PANEL = 12, BLOCK = 48 };

/* The distance of rows of `depth` elements, a multiple of four: an odd number of cache lines, since rows an even number
 * apart share a few places of the first cache. */
static inline int64_t product_stride(int64_t depth) {
    const int64_t lines = (depth + 7) / 8;
    return (lines + 1 - lines % 2) * 8;
}

/* out[BLOCK][PANEL] (rows `out_stride` apart): row i of the block with column k of the panel. `depth` is a multiple of
 * four. */
void product_project(const double *block, int64_t stride, int depth, const double *panel, double *out,
                     int64_t out_stride);

/* panel[j][k] += the sum over the block's rows of block[i][j] * weights[i][k], rows of weights `weights_stride` apart,
 * for j from `first`, a multiple of four, to depth - 1. */
void product_gather(const double *block, int64_t stride, int first, int depth, const double *weights,
                    int64_t weights_stride, double *panel);

/* A sum in an order that depends on `count` alone. */
double product_dot(const double *a, const double *b, int64_t count);

#endif
