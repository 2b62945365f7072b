/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/dense.h"

/* Products from which on a second thread saves more than its start, some ten microseconds, costs. */
static const int64_t WORTH_THREADS = 200000;

/* Sums that run beside each other, since one addition takes four cycles; and columns that a thread keeps in its first
 * cache while all rows pass. */
enum { LANES = 16, COLUMNS = 64 };

double dense_dot(const double *a, const double *b, int64_t count) {
    double lanes[LANES] = {0}, sum = 0;
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int lane = 0; lane < LANES; lane++)
            lanes[lane] += a[i + lane] * b[i + lane];
    for (; i < count; i++)
        sum += a[i] * b[i];
    for (int lane = 0; lane < LANES; lane++)
        sum += lanes[lane];
    return sum;
}

void dense_project(const double *a, int64_t rows, int width, const double *vectors, int count, int threads,
                   double *out) {
    const int64_t stride = (int64_t)width + 1;
#pragma omp parallel for num_threads(threads) if (rows * width * count > WORTH_THREADS)
    for (int64_t i = 0; i < rows; i++)
        for (int k = 0; k < count; k++)
            out[i * count + k] = dense_dot(a + i * width, vectors + k * stride, width) + vectors[k * stride + width];
}

static void gather_columns(const double *a, int64_t rows, int width, const double *weights, int count, int from,
                           double *out) {
    const int columns = width - from < COLUMNS ? width - from : COLUMNS;
    for (int k = 0; k < count; k++) {
        double sums[COLUMNS] = {0};
        for (int64_t i = 0; i < rows; i++) {
            const double weight = weights[i * count + k], *row = a + i * width + from;
            if (columns == COLUMNS)
                for (int j = 0; j < COLUMNS; j++)
                    sums[j] += weight * row[j];
            else
                for (int j = 0; j < columns; j++)
                    sums[j] += weight * row[j];
        }
        for (int j = 0; j < columns; j++)
            out[k * ((int64_t)width + 1) + from + j] = sums[j];
    }
}

void dense_gather(const double *a, int64_t rows, int width, const double *weights, int count, int threads,
                  double *out) {
#pragma omp parallel for num_threads(threads) if (rows * width * count > WORTH_THREADS)
    for (int from = 0; from < width; from += COLUMNS)
        gather_columns(a, rows, width, weights, count, from, out);
    for (int k = 0; k < count; k++) {
        double sum = 0;
        for (int64_t i = 0; i < rows; i++)
            sum += weights[i * count + k];
        out[k * ((int64_t)width + 1) + width] = sum;
    }
}
