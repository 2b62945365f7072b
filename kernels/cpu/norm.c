#include "cpu.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows that one piece of work holds: some microseconds' work. */
enum { ROWS = 16 };

static inline float sample_keep(const float *keep, int row, int rows_per_sample) {
    return keep ? keep[row / rows_per_sample] : 1.0f;
}

/* sum = x + k * scale * branch over one row. */
WIDE static void residual(const float *x, const float *branch, const float *scale, float k, float *sum, int dim) {
    if (scale)
        for (int i = 0; i < dim; i++)
            sum[i] = x[i] + k * scale[i] * branch[i];
    else
        for (int i = 0; i < dim; i++)
            sum[i] = x[i] + k * branch[i];
}

/* Two passes, so that a mean far from zero costs the variance nothing. */
WIDE static void normalise(const float *x, const float *weight, const float *bias, float eps, float *y, float *mean,
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

void cpu_norm_forward(Ops *ops, const float *x, const float *branch, const float *scale, const float *keep,
                      int rows_per_sample, const float *weight, const float *bias, float eps, float *sum, float *y,
                      float *mean, float *rstd, int rows, int dim) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int start = 0; start < rows; start += ROWS)
        for (int r = start; r < rows && r < start + ROWS; r++) {
            const float *seen = x + (size_t)r * dim;
            if (branch) {
                float *s = sum + (size_t)r * dim;
                residual(seen, branch + (size_t)r * dim, scale, sample_keep(keep, r, rows_per_sample), s, dim);
                seen = s;
            }
            if (y)
                normalise(seen, weight, bias, eps, y + (size_t)r * dim, mean + r, rstd + r, dim);
        }
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

/* The gradient of k * scale * branch: dbranch and, when wanted, dscale. */
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

void cpu_norm_backward(Ops *ops, const float *dy, const float *dsum, const float *sum, const float *mean,
                       const float *rstd, const float *weight, const float *branch, const float *scale,
                       const float *keep, int rows_per_sample, float *dx, float *dbranch, float *dweight, float *dbias,
                       float *dscale, bool add, int rows, int dim) {
    if (ops->error)
        return;
    const int part = (int)cpu_part(rows, ROWS), count = (rows + part - 1) / part;
    const size_t stride = 3 * (size_t)dim;
    float *parts = calloc(count * stride + 1, sizeof *parts);
    if (!parts) {
        cpu_fail(ops, status_no_memory("norm_backward's partial sums", count * stride * sizeof *parts));
        return;
    }
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < count; p++) {
        float *sums = parts + p * stride;
        for (int r = p * part; r < rows && r < (p + 1) * part; r++) {
            const size_t at = (size_t)r * dim;
            norm_row(dy + at, dsum ? dsum + at : NULL, sum + at, mean[r], rstd[r], weight, dx + at, sums, sums + dim,
                     dim);
            branch_row(dx + at, branch ? branch + at : NULL, scale, sample_keep(keep, r, rows_per_sample),
                       dbranch ? dbranch + at : NULL, dscale ? sums + 2 * dim : NULL, dim);
        }
    }
    add_parts(parts, count, stride, dweight, add, dim);
    add_parts(parts + dim, count, stride, dbias, add, dim);
    add_parts(parts + 2 * dim, count, stride, dscale, add, dim);
    free(parts);
}
