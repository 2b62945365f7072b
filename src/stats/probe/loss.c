/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe/loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Axes --------------------------------------------------------------------------------------------------------- */

enum { MOST_AXES = 64, MOST_SWEEPS = 30 };

/* Jacobi's rotation of rows and columns p and q of a symmetric matrix that makes element (p, q) 0; the rows of `axes`
 * turn along. */
static void rotate_axes(double *matrix, double *axes, int size, int p, int q) {
    const double beside = matrix[p * size + q];
    const double ratio = (matrix[q * size + q] - matrix[p * size + p]) / (2 * beside);
    const double t = copysign(1, ratio) / (fabs(ratio) + sqrt(ratio * ratio + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < size; i++) {
        const double a = matrix[i * size + p], b = matrix[i * size + q];
        matrix[i * size + p] = c * a - s * b;
        matrix[i * size + q] = s * a + c * b;
    }
    for (int i = 0; i < size; i++) {
        const double a = matrix[p * size + i], b = matrix[q * size + i];
        matrix[p * size + i] = c * a - s * b;
        matrix[q * size + i] = s * a + c * b;
    }
    for (int i = 0; i < size; i++) {
        const double a = axes[p * size + i], b = axes[q * size + i];
        axes[p * size + i] = c * a - s * b;
        axes[q * size + i] = s * a + c * b;
    }
}

/* The eigenvectors of diag(shares) - shares shares', the second derivatives of a softmax. matrix[logits][logits] is
 * scratch. */
static void find_axes(Loss *loss, const double *shares, double *matrix) {
    const int size = loss->logits;
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            matrix[i * size + j] = (i == j ? shares[i] : 0) - shares[i] * shares[j];
            loss->axes[i * size + j] = i == j;
        }
    /* What is left beside the diagonal falls faster with each sweep; for a preconditioner 1e-9 is plenty. */
    double beside = 1;
    for (int sweep = 0; sweep < MOST_SWEEPS && beside > 1e-9; sweep++) {
        beside = 0;
        for (int p = 0; p < size; p++)
            for (int q = p + 1; q < size; q++) {
                beside = fmax(beside, fabs(matrix[p * size + q]));
                if (fabs(matrix[p * size + q]) > 1e-12)
                    rotate_axes(matrix, loss->axes, size, p, q);
            }
    }
}

static Status open_axes(Loss *loss, int64_t rows) {
    const size_t size = (size_t)loss->logits;
    loss->axes = malloc(size * size * sizeof *loss->axes);
    double *matrix = malloc(size * size * sizeof *matrix), *shares = calloc(size, sizeof *shares), known = 0;
    Status status = loss->axes && matrix && shares ? NULL : status_no_memory("a probe", 2 * size * size * 8);
    for (int64_t i = 0; i < rows && !status; i++)
        if (!isnan(loss->targets[i])) {
            shares[(int)loss->targets[i]]++;
            known++;
        }
    for (size_t k = 0; k < size && !status; k++)
        shares[k] /= known;
    if (!status)
        find_axes(loss, shares, matrix);
    free(matrix);
    free(shares);
    return status;
}

Status loss_open(Loss *loss, int64_t rows) {
    const size_t size = (size_t)rows * (size_t)loss->logits;
    loss->bends = malloc((size + 1) * sizeof *loss->bends);
    if (!loss->bends)
        return status_no_memory("a probe", size * sizeof *loss->bends);
    return loss->kind == LOSS_SOFTMAX && loss->logits <= MOST_AXES ? open_axes(loss, rows) : NULL;
}

void loss_close(Loss *loss) {
    free(loss->bends);
    free(loss->axes);
    *loss = (Loss){0};
}

/* --- Measuring ---------------------------------------------------------------------------------------------------- */

static void measure_logistic(const Loss *loss, int64_t first, int count, double *logits, int64_t stride, double *sums) {
    double total = 0, curvature = 0;
    for (int i = 0; i < count; i++) {
        const double label = loss->targets[first + i], z = logits[i * stride];
        double *bend = &loss->bends[first + i];
        if (isnan(label)) {
            logits[i * stride] = *bend = 0;
            continue;
        }
        const double tail = exp(-fabs(z)), far = 1 / (1 + tail), near = tail * far;
        total += fmax(z, 0) + log1p(tail) - label * z;
        logits[i * stride] = (z >= 0 ? far : near) - label;
        curvature += *bend = far * near;
    }
    sums[0] += total;
    sums[1] += curvature;
}

static void measure_square(const Loss *loss, int64_t first, int count, double *logits, int64_t stride, double *sums) {
    for (int i = 0; i < count; i++) {
        const double number = loss->targets[first + i];
        const double missed = isnan(number) ? 0 : logits[i * stride] - number;
        logits[i * stride] = missed;
        loss->bends[first + i] = !isnan(number);
        sums[0] += missed * missed / 2;
        sums[1] += !isnan(number);
    }
}

/* Along axis k, at the probabilities p. */
static double find_curvature(const Loss *loss, const double *p, int k) {
    const int classes = loss->logits;
    const double *axis = loss->axes ? loss->axes + (int64_t)k * classes : NULL;
    double mean = 0, square = 0;
    for (int c = 0; c < classes && axis; c++) {
        mean += p[c] * axis[c];
        square += p[c] * axis[c] * axis[c];
    }
    for (int c = 0; c < classes && !axis; c++)
        square += p[c] * (1 - p[c]) / (classes - 1);
    return square - mean * mean;
}

static void measure_softmax(const Loss *loss, int64_t first, int count, double *logits, int64_t stride, double *sums) {
    const int classes = loss->logits;
    for (int i = 0; i < count; i++) {
        const double label = loss->targets[first + i];
        double *z = logits + i * stride, *p = loss->bends + (first + i) * classes;
        if (isnan(label)) {
            memset(z, 0, (size_t)classes * sizeof *z);
            memset(p, 0, (size_t)classes * sizeof *p);
            continue;
        }
        double most = -INFINITY, total = 0;
        for (int k = 0; k < classes; k++)
            most = fmax(most, z[k]);
        for (int k = 0; k < classes; k++)
            total += p[k] = exp(z[k] - most);
        sums[0] += most + log(total) - z[(int)label];
        for (int k = 0; k < classes; k++)
            z[k] = p[k] /= total;
        z[(int)label] -= 1;
        for (int k = 0; k < classes; k++)
            sums[1 + k] += find_curvature(loss, p, k);
    }
}

void loss_measure(const Loss *loss, int64_t first, int count, double *logits, int64_t stride, double *sums) {
    if (loss->kind == LOSS_LOGISTIC)
        measure_logistic(loss, first, count, logits, stride, sums);
    else if (loss->kind == LOSS_SQUARE)
        measure_square(loss, first, count, logits, stride, sums);
    else
        measure_softmax(loss, first, count, logits, stride, sums);
}

void loss_bend(const Loss *loss, int64_t first, int count, double *change, int64_t stride) {
    const int classes = loss->logits;
    for (int i = 0; i < count && loss->kind != LOSS_SOFTMAX; i++)
        change[i * stride] *= loss->bends[first + i];
    for (int i = 0; i < count && loss->kind == LOSS_SOFTMAX; i++) {
        const double *p = loss->bends + (first + i) * classes;
        double *t = change + i * stride, mean = 0;
        for (int k = 0; k < classes; k++)
            mean += p[k] * t[k];
        for (int k = 0; k < classes; k++)
            t[k] = p[k] * (t[k] - mean);
    }
}
