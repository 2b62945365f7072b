/* SPDX-License-Identifier: Apache-2.0 */
/* The formulas: Keys, "Cubic convolution interpolation for digital image processing", 1981; at which points and with
 * which a: aten/src/ATen/native/UpSample.h and cpu/UpSampleKernel.cpp of PyTorch 2. */
#include "checkpoint/initial/positions.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static double cubic(double x, double a) {
    x = fabs(x);
    if (x < 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2)
        return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static int limit(int64_t value, int64_t low, int64_t high) {
    return (int)(value < low ? low : value > high ? high : value);
}

/* The share of each of `from` points in point `at` of `to`. */
static void plain_weights(int from, int to, int at, double *weights) {
    const double place = (at + 0.5) * from / to - 0.5;
    const int64_t first = (int64_t)floor(place) - 1;
    for (int64_t i = first; i < first + 4; i++) /* beyond the edge the last point counts */
        weights[limit(i, 0, from - 1)] += cubic(place - (double)i, -0.75);
}

static void antialias_weights(int from, int to, int at, double *weights) {
    const double scale = (double)from / to, stretch = scale > 1 ? scale : 1, support = 2 * stretch;
    const double center = scale * (at + 0.5);
    const int first = limit((int64_t)(center - support + 0.5), 0, from);
    const int end = limit((int64_t)(center + support + 0.5), 0, from);
    double sum = 0;
    for (int i = first; i < end; i++)
        sum += weights[i] = cubic((i - center + 0.5) / stretch, -0.5);
    for (int i = first; i < end; i++)
        weights[i] /= sum;
}

int positions_grid(int64_t tokens) {
    const int side = tokens > 1 && tokens < 1 << 30 ? (int)lround(sqrt((double)(tokens - 1))) : 0;
    return (int64_t)side * side == tokens - 1 ? side : 0;
}

/* y[i] = sum over j of weights[i][j] x[j], of rows of `length` values. */
static void mix_rows(const double *weights, int to, int from, const double *x, size_t length, double *y) {
    for (int i = 0; i < to; i++)
        for (size_t k = 0; k < length; k++) {
            double sum = 0;
            for (int j = 0; j < from; j++)
                sum += weights[i * from + j] * x[(size_t)j * length + k];
            y[(size_t)i * length + k] = sum;
        }
}

Status positions_resize(const float *from, int from_side, float *to, int to_side, int dim, bool antialias) {
    const size_t in = (size_t)from_side, out = (size_t)to_side, depth = (size_t)dim;
    double *weights = calloc(out * in, sizeof *weights);
    double *whole = calloc(in * in * depth, sizeof *whole), *rows = calloc(out * in * depth, sizeof *rows);
    double *row = calloc(out * depth, sizeof *row);
    Status status = NULL;
    if (!weights || !whole || !rows || !row)
        status = status_no_memory("position embeddings", (in + out) * in * depth * sizeof *whole);
    for (int i = 0; i < to_side && !status; i++)
        (antialias ? antialias_weights : plain_weights)(from_side, to_side, i, weights + (size_t)i * in);
    for (size_t i = 0; i < in * in * depth && !status; i++)
        whole[i] = from[i];
    if (!status)
        mix_rows(weights, to_side, from_side, whole, in * depth, rows);
    for (size_t i = 0; i < out && !status; i++) {
        mix_rows(weights, to_side, from_side, rows + i * in * depth, depth, row);
        for (size_t k = 0; k < out * depth; k++)
            to[i * out * depth + k] = (float)row[k];
    }
    free(weights);
    free(whole);
    free(rows);
    free(row);
    return status;
}
