/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <math.h>

/* Sums are kept in double: a loss is compared between runs, and costs nothing beside the reading. */

/* What makes a target's mean 0 and its unbiased variance 1. */
WIDE static void standardise(const float *target, float *shift, float *scale, int dim) {
    double total = 0, squares = 0;
#pragma omp simd reduction(+ : total)
    for (int i = 0; i < dim; i++)
        total += target[i];
    const double mean = total / dim;
#pragma omp simd reduction(+ : squares)
    for (int i = 0; i < dim; i++)
        squares += (target[i] - mean) * (target[i] - mean);
    *shift = (float)mean;
    *scale = (float)(1.0 / sqrt(squares / (dim - 1) + 1e-6));
}

/* Sum of (pred - (target - shift) scale)^2; gradient gets factor times the differences. */
WIDE static double square_differences(const float *pred, const float *target, float shift, float scale, float factor,
                                      float *gradient, int dim) {
    double loss = 0;
#pragma omp simd reduction(+ : loss)
    for (int i = 0; i < dim; i++) {
        const float difference = pred[i] - (target[i] - shift) * scale;
        loss += (double)difference * difference;
        gradient[i] = factor * difference;
    }
    return loss;
}

/* The same without the gradient. */
WIDE static double square_distance(const float *pred, const float *target, float shift, float scale, int dim) {
    double loss = 0;
#pragma omp simd reduction(+ : loss)
    for (int i = 0; i < dim; i++) {
        const float difference = pred[i] - (target[i] - shift) * scale;
        loss += (double)difference * difference;
    }
    return loss;
}

void cpu_masked_pixel_loss(Ops *ops, const Real *pred, const float *target, const int32_t *ids, bool normalise,
                           float grad_scale, double *loss, Real *dpred, int batch, int patches, int keep, int dim) {
    if (ops->error || !cpu_check_ids(ops, "masked_pixel_loss", ids, batch, patches, keep))
        return;
    const int masked = patches - keep;
    const double values = (double)batch * masked * dim;
    if (values == 0) {
        cpu_fail(ops, status_error(EXIT_INTERNAL, "masked_pixel_loss of %d samples: none of %d patches is hidden",
                                   batch, patches));
        return;
    }
    Rooms rooms;
    if (!rooms_open(&rooms, ops, "masked_pixel_loss's patches", 2 * (size_t)dim))
        return;
    const RealType type = ops->type;
    const float factor = (float)(2.0 * grad_scale / values);
    const int part = (int)cpu_part(batch, 1);
    double parts[PARTS] = {0};
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < PARTS; p++)
        for (int b = p * part; b < batch && b < (p + 1) * part; b++) {
            const size_t sample = (size_t)b * (1 + patches) * dim;
            const int32_t *places = ids + (size_t)b * patches;
            if (dpred)
                real_clear(type, dpred, sample, dim);
            for (int j = 0; j < keep && dpred; j++)
                real_clear(type, dpred, sample + (size_t)(1 + places[j]) * dim, dim);
            for (int j = 0; j < masked; j++) {
                const size_t at = sample + (size_t)(1 + places[keep + j]) * dim;
                const float *wanted = target + ((size_t)b * masked + j) * dim;
                float shift = 0, scale = 1;
                if (normalise)
                    standardise(wanted, &shift, &scale, dim);
                const float *predicted = real_read(type, pred, at, dim, rooms_at(&rooms, 0));
                float *gradient = real_room(type, dpred, at, rooms_at(&rooms, dim));
                parts[p] += dpred ? square_differences(predicted, wanted, shift, scale, factor, gradient, dim)
                                  : square_distance(predicted, wanted, shift, scale, dim);
                real_keep(type, gradient, dpred, at, dim);
            }
        }
    rooms_close(&rooms);
    *loss = 0;
    for (int p = 0; p < PARTS; p++)
        *loss += parts[p] / values;
}

void cpu_cross_entropy_loss(Ops *ops, const Real *logits, const int32_t *labels, float smoothing, float grad_scale,
                            double *loss, Real *dlogits, int batch, int classes) {
    Rooms rooms;
    if (ops->error || !rooms_open(&rooms, ops, "cross_entropy_loss's logits", 2 * (size_t)classes))
        return;
    double total = 0;
    for (int b = 0; b < batch; b++) {
        if (labels[b] < 0 || labels[b] >= classes) {
            cpu_fail(ops, status_error(EXIT_DATA,
                                       "cross_entropy_loss: label %d of sample %d is not one of %d classes (0 .. %d); "
                                       "correct the task's labels or its number of classes",
                                       (int)labels[b], b, classes, classes - 1));
            break;
        }
        const size_t at = (size_t)b * classes;
        const float *z = real_read(ops->type, logits, at, classes, rooms_at(&rooms, 0));
        float *gradient = real_room(ops->type, dlogits, at, rooms_at(&rooms, classes));
        double largest = z[0], sum = 0, mean = 0;
        for (int c = 1; c < classes; c++)
            largest = z[c] > largest ? z[c] : largest;
        for (int c = 0; c < classes; c++) {
            sum += exp(z[c] - largest);
            mean += z[c] / (double)classes;
        }
        const double lse = largest + log(sum);
        total += lse - (1.0 - smoothing) * z[labels[b]] - smoothing * mean;
        if (gradient)
            for (int c = 0; c < classes; c++) {
                double wanted = (c == labels[b] ? 1.0 - smoothing : 0.0) + smoothing / (double)classes;
                gradient[c] = (float)(grad_scale * (exp(z[c] - lse) - wanted) / batch);
            }
        real_keep(ops->type, gradient, dlogits, at, classes);
    }
    rooms_close(&rooms);
    if (!ops->error)
        *loss = total / batch;
}

void cpu_regression_loss(Ops *ops, const Real *pred, const float *target, float grad_scale, double *loss, Real *dpred,
                         int batch, int outputs) {
    if (ops->error)
        return;
    const size_t count = (size_t)batch * outputs;
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = (double)real_get(ops->type, pred, i) - target[i];
        total += difference * difference;
        if (dpred)
            real_set(ops->type, dpred, i, (float)(2.0 * grad_scale * difference / (double)count));
    }
    *loss = total / (double)count;
}
