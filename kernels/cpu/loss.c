/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <math.h>

/* Sums are kept in double: a loss is compared between runs, and costs nothing beside the reading. */

/* What makes a target's mean 0 and its unbiased variance 1. */
WIDE static void standardise_patch(const float *target, float *shift, float *scale, int dim) {
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

void cpu_masked_pixel_loss(Ops *ops, const MaskedPixelLoss *a) {
    if (ops->error || !cpu_check_ids(ops, "masked_pixel_loss", a->ids, a->batch, a->patches, a->keep))
        return;
    const int masked = a->patches - a->keep;
    const double values = (double)a->batch * masked * a->dim;
    if (values == 0) {
        cpu_fail(ops, status_error(EXIT_INTERNAL, "masked_pixel_loss of %d samples: none of %d patches is hidden",
                                   a->batch, a->patches));
        return;
    }
    ThreadScratch scratch;
    if (!scratch_open(&scratch, ops, "masked_pixel_loss's patches", 2 * (size_t)a->dim))
        return;
    const RealType type = ops->type;
    const float factor = (float)(2.0 * a->grad_scale / values);
    const int part = (int)cpu_part(a->batch, 1);
    double parts[PARTS] = {0};
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < PARTS; p++)
        for (int b = p * part; b < a->batch && b < (p + 1) * part; b++) {
            const size_t sample = (size_t)b * (1 + a->patches) * a->dim;
            const int32_t *places = a->ids + (size_t)b * a->patches;
            if (a->dpred)
                real_clear(type, a->dpred, sample, a->dim);
            for (int j = 0; j < a->keep && a->dpred; j++)
                real_clear(type, a->dpred, sample + (size_t)(1 + places[j]) * a->dim, a->dim);
            for (int j = 0; j < masked; j++) {
                const size_t at = sample + (size_t)(1 + places[a->keep + j]) * a->dim;
                const float *target = a->target + ((size_t)b * masked + j) * a->dim;
                float shift = 0, scale = 1;
                if (a->normalise)
                    standardise_patch(target, &shift, &scale, a->dim);
                const float *predicted = real_read(type, a->pred, at, a->dim, scratch_at(&scratch, 0));
                float *gradient = real_target(type, a->dpred, at, scratch_at(&scratch, a->dim));
                parts[p] += a->dpred ? square_differences(predicted, target, shift, scale, factor, gradient, a->dim)
                                     : square_distance(predicted, target, shift, scale, a->dim);
                real_store(type, gradient, a->dpred, at, a->dim);
            }
        }
    scratch_close(&scratch);
    *a->loss = 0;
    for (int p = 0; p < PARTS; p++)
        *a->loss += parts[p] / values;
}

/* pred and target of the hidden patches; dpred whole. */
OpCost cost_masked_pixel_loss(const MaskedPixelLoss *a, RealType type) {
    const double hidden = a->patches - a->keep, e = (double)real_size(type);
    return cost_bytes((double)a->batch * a->dim *
                      ((e + sizeof(float)) * hidden + (a->dpred ? e * (1.0 + a->patches) : 0)));
}

void cpu_cross_entropy_loss(Ops *ops, const CrossEntropyLoss *a) {
    ThreadScratch scratch;
    if (ops->error || !scratch_open(&scratch, ops, "cross_entropy_loss's logits", 2 * (size_t)a->classes))
        return;
    double total = 0;
    for (int b = 0; b < a->batch; b++) {
        if (a->labels[b] < 0 || a->labels[b] >= a->classes) {
            cpu_fail(ops, status_error(EXIT_DATA,
                                       "cross_entropy_loss: label %d of sample %d is not one of %d classes (0 .. %d); "
                                       "correct the task's labels or its number of classes",
                                       (int)a->labels[b], b, a->classes, a->classes - 1));
            break;
        }
        const size_t at = (size_t)b * a->classes;
        const float *z = real_read(ops->type, a->logits, at, a->classes, scratch_at(&scratch, 0));
        float *gradient = real_target(ops->type, a->dlogits, at, scratch_at(&scratch, a->classes));
        double largest = z[0], sum = 0, mean = 0;
        for (int c = 1; c < a->classes; c++)
            largest = z[c] > largest ? z[c] : largest;
        for (int c = 0; c < a->classes; c++) {
            sum += exp(z[c] - largest);
            mean += z[c] / (double)a->classes;
        }
        const double lse = largest + log(sum);
        total += lse - (1.0 - a->smoothing) * z[a->labels[b]] - a->smoothing * mean;
        if (gradient)
            for (int c = 0; c < a->classes; c++) {
                double wanted = (c == a->labels[b] ? 1.0 - a->smoothing : 0.0) + a->smoothing / (double)a->classes;
                gradient[c] = (float)(a->grad_scale * (exp(z[c] - lse) - wanted) / a->batch);
            }
        real_store(ops->type, gradient, a->dlogits, at, a->classes);
    }
    scratch_close(&scratch);
    if (!ops->error)
        *a->loss = total / a->batch;
}

OpCost cost_cross_entropy_loss(const CrossEntropyLoss *a, RealType type) {
    return cost_bytes(2.0 * (double)real_size(type) * a->batch * a->classes);
}

void cpu_regression_loss(Ops *ops, const RegressionLoss *a) {
    if (ops->error)
        return;
    const size_t count = (size_t)a->batch * a->outputs;
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = (double)real_get(ops->type, a->pred, i) - a->target[i];
        total += difference * difference;
        if (a->dpred)
            real_set(ops->type, a->dpred, i, (float)(2.0 * a->grad_scale * difference / (double)count));
    }
    *a->loss = total / (double)count;
}

OpCost cost_regression_loss(const RegressionLoss *a, RealType type) {
    return cost_bytes((2.0 * (double)real_size(type) + sizeof(float)) * a->batch * a->outputs);
}
