/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/quantise.h"
#include "kernels/cpu/real.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows in one piece of work: some microseconds. */
enum { ROWS = 16 };

static inline float sample_keep(const float *keep, int row, int rows_per_sample) {
    return keep ? keep[row / rows_per_sample] : 1.0f;
}

/* sum = x + k * scale * branch over one row. */
WIDE static void add_residual(const float *x, const float *branch, const float *scale, float k, float *sum, int dim) {
    if (scale)
        for (int i = 0; i < dim; i++)
            sum[i] = x[i] + k * scale[i] * branch[i];
    else
        for (int i = 0; i < dim; i++)
            sum[i] = x[i] + k * branch[i];
}

/* Two passes, so that a mean far from zero costs the variance nothing. */
WIDE static void normalise_row(const float *x, const float *weight, const float *bias, float eps, float *y, float *mean,
                               float *rstd, int dim) {
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int i = 0; i < dim; i++)
        total += x[i];
    const float centre = total / dim;
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (int i = 0; i < dim; i++)
        squares += (x[i] - centre) * (x[i] - centre);
    const float factor = 1.0f / sqrtf(squares / dim + eps);
    for (int i = 0; i < dim; i++)
        y[i] = (x[i] - centre) * factor * weight[i] + bias[i];
    *mean = centre;
    *rstd = factor;
}

void cpu_norm_forward(Ops *ops, const NormForward *a) {
    ThreadScratch scratch;
    if (ops->error || !scratch_open(&scratch, ops, "norm_forward's rows", 2 * (size_t)a->dim))
        return;
    const RealType type = ops->type;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int start = 0; start < a->rows; start += ROWS)
        for (int r = start; r < a->rows && r < start + ROWS; r++) {
            const size_t at = (size_t)r * a->dim;
            float *work = scratch_at(&scratch, 0), *other = scratch_at(&scratch, a->dim);
            const float *seen = real_read(type, a->x, at, a->dim, work);
            if (a->branch) {
                float *s = real_target(type, a->sum, at, work);
                add_residual(seen, real_read(type, a->branch, at, a->dim, other), a->scale,
                             sample_keep(a->keep, r, a->rows_per_sample), s, a->dim);
                real_store(type, s, a->sum, at, a->dim);
                seen = real_read(type, a->sum, at, a->dim, work);
            }
            if (a->y) {
                float *to = real_target(type, a->y, at, other);
                normalise_row(seen, a->weight, a->bias, a->eps, to, a->mean + r, a->rstd + r, a->dim);
                real_store(type, to, a->y, at, a->dim);
            }
        }
    scratch_close(&scratch);
    quantise_written(ops, a->y, a->codes, a->rows, a->dim);
}

/* x to y, x and branch to sum; mean and rstd of each row. */
OpCost cost_norm_forward(const NormForward *a, RealType type) {
    const double values = (double)a->rows * a->dim;
    const int tensors = 1 + (a->branch ? 2 : 0) + (a->y ? 1 : 0);
    return cost_bytes(tensors * (double)real_size(type) * values + (a->y ? 2.0 * sizeof(float) * a->rows : 0) +
                      (a->codes ? values : 0));
}

/* dx = dsum + rstd * (g - mean(g) - z mean(g z)), g = dy weight, z = (sum - mean) rstd; dweight += dy z, dbias += dy.
 */
WIDE static void norm_row(const float *dy, const float *dsum, const float *sum, float mean, float rstd,
                          const float *weight, float *dx, float *dweight, float *dbias, int dim) {
    float total = 0, product = 0;
#pragma omp simd reduction(+ : total, product)
    for (int i = 0; i < dim; i++) {
        float z = (sum[i] - mean) * rstd, g = dy[i] * weight[i];
        total += g;
        product += g * z;
        dweight[i] += dy[i] * z;
        dbias[i] += dy[i];
    }
    total /= dim;
    product /= dim;
    if (dsum)
        for (int i = 0; i < dim; i++)
            dx[i] = dsum[i] + rstd * (dy[i] * weight[i] - total - (sum[i] - mean) * rstd * product);
    else
        for (int i = 0; i < dim; i++)
            dx[i] = rstd * (dy[i] * weight[i] - total - (sum[i] - mean) * rstd * product);
}

/* The gradient of k * scale * branch: dbranch and dscale (NULL: not needed). */
WIDE static void branch_row(const float *dx, const float *branch, const float *scale, float k, float *dbranch,
                            float *dscale, int dim) {
    if (dbranch && scale)
        for (int i = 0; i < dim; i++)
            dbranch[i] = k * scale[i] * dx[i];
    else if (dbranch)
        for (int i = 0; i < dim; i++)
            dbranch[i] = k * dx[i];
    if (dscale)
        for (int i = 0; i < dim; i++)
            dscale[i] += k * branch[i] * dx[i];
}

/* total (+)= the parts' values, in the order of the parts. */
static void add_parts(const float *parts, int count, size_t stride, float *total, bool add, int dim) {
    if (!total)
        return;
    if (!add)
        memset(total, 0, dim * sizeof *total);
    for (int p = 0; p < count; p++)
        for (int i = 0; i < dim; i++)
            total[i] += parts[p * stride + i];
}

void cpu_norm_backward(Ops *ops, const NormBackward *a) {
    ThreadScratch scratch;
    if (ops->error || !scratch_open(&scratch, ops, "norm_backward's rows", 4 * (size_t)a->dim))
        return;
    const RealType type = ops->type;
    const int part = (int)cpu_part(a->rows, ROWS), count = (a->rows + part - 1) / part;
    const size_t stride = 3 * (size_t)a->dim;
    float *parts = calloc(count * stride + 1, sizeof *parts);
    if (!parts) {
        cpu_fail(ops, status_no_memory("norm_backward's partial sums", count * stride * sizeof *parts));
        scratch_close(&scratch);
        return;
    }
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < count; p++) {
        float *sums = parts + p * stride;
        for (int r = p * part; r < a->rows && r < (p + 1) * part; r++) {
            const size_t at = (size_t)r * a->dim;
            float *work = scratch_at(&scratch, 0), *other = scratch_at(&scratch, a->dim);
            float *to = real_target(type, a->dx, at, scratch_at(&scratch, 3 * (size_t)a->dim));
            norm_row(real_read(type, a->dy, at, a->dim, work), real_read(type, a->dsum, at, a->dim, other),
                     real_read(type, a->sum, at, a->dim, scratch_at(&scratch, 2 * (size_t)a->dim)), a->mean[r],
                     a->rstd[r], a->weight, to, sums, sums + a->dim, a->dim);
            real_store(type, to, a->dx, at, a->dim);
            if (!a->dbranch && !a->dscale)
                continue;
            float *branch_to = real_target(type, a->dbranch, at, other);
            branch_row(real_read(type, a->dx, at, a->dim, to),
                       a->dscale ? real_read(type, a->branch, at, a->dim, work) : NULL, a->scale,
                       sample_keep(a->keep, r, a->rows_per_sample), branch_to, a->dscale ? sums + 2 * a->dim : NULL,
                       a->dim);
            real_store(type, branch_to, a->dbranch, at, a->dim);
        }
    }
    add_parts(parts, count, stride, a->dweight, a->add, a->dim);
    add_parts(parts + a->dim, count, stride, a->dbias, a->add, a->dim);
    add_parts(parts + 2 * a->dim, count, stride, a->dscale, a->add, a->dim);
    free(parts);
    scratch_close(&scratch);
    quantise_written(ops, a->dx, a->codes, a->rows, a->dim);
}

/* dy and sum to dx, with dsum, branch and dbranch where they are used; mean and rstd of each row. */
OpCost cost_norm_backward(const NormBackward *a, RealType type) {
    const double values = (double)a->rows * a->dim;
    const int tensors = 3 + (a->dsum ? 1 : 0) + (a->dscale ? 1 : 0) + (a->dbranch ? 1 : 0);
    return cost_bytes(tensors * (double)real_size(type) * values + 2.0 * sizeof(float) * a->rows +
                      (a->codes ? values : 0));
}
