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

/* What the gradient's terms are multiplied by. */
static double head_factor(float grad_scale, const double *known) {
    return *known > 0 ? grad_scale / *known : 0.0;
}

static double head_mean(double total, const double *known) {
    return *known > 0 ? total / *known : 0.0;
}

/* Whether it is one of 0 .. classes-1. */
static bool check_label(Ops *ops, const char *operation, float label, int sample, int classes) {
    if (label >= 0 && label < (float)classes && label == (float)(int)label)
        return true;
    cpu_fail(ops, status_error(EXIT_DATA,
                               "%s: label %g of sample %d is not one of %d classes (0 .. %d); correct the task's "
                               "labels or its number of classes",
                               operation, (double)label, sample, classes, classes - 1));
    return false;
}

/* One sample's loss; gradient NULL: not needed. */
static double sample_loss(const CrossEntropyLoss *a, const float *z, int label, double factor, float *gradient) {
    const double share = a->smoothing / (double)a->classes, own = (1.0 - a->smoothing) * a->weights[label];
    double largest = z[0], sum = 0, weights = 0, weighted = 0;
    for (int c = 1; c < a->classes; c++)
        largest = z[c] > largest ? z[c] : largest;
    for (int c = 0; c < a->classes; c++) {
        sum += exp(z[c] - largest);
        weights += a->weights[c];
        weighted += a->weights[c] * (largest - z[c]);
    }
    for (int c = 0; c < a->classes && gradient; c++) {
        const double wanted = (c == label ? own : 0.0) + share * a->weights[c];
        gradient[c] = (float)(factor * ((own + share * weights) * exp(z[c] - largest) / sum - wanted));
    }
    return own * (largest - z[label] + log(sum)) + share * (weighted + weights * log(sum));
}

void cpu_cross_entropy_loss(Ops *ops, const CrossEntropyLoss *a) {
    ThreadScratch scratch;
    if (ops->error || !scratch_open(&scratch, ops, "cross_entropy_loss's logits", 2 * (size_t)a->classes))
        return;
    const double factor = head_factor(a->grad_scale, a->known);
    double total = 0;
    for (int b = 0; b < a->batch; b++) {
        const size_t at = (size_t)b * a->classes;
        if (isnan(a->labels[b])) {
            if (a->dlogits)
                real_clear(ops->type, a->dlogits, at, a->classes);
            continue;
        }
        if (!check_label(ops, "cross_entropy_loss", a->labels[b], b, a->classes))
            break;
        const float *z = real_read(ops->type, a->logits, at, a->classes, scratch_at(&scratch, 0));
        float *gradient = real_target(ops->type, a->dlogits, at, scratch_at(&scratch, a->classes));
        total += sample_loss(a, z, (int)a->labels[b], factor, gradient);
        real_store(ops->type, gradient, a->dlogits, at, a->classes);
    }
    scratch_close(&scratch);
    if (!ops->error)
        *a->loss = head_mean(total, a->known);
}

OpCost cost_cross_entropy_loss(const CrossEntropyLoss *a, RealType type) {
    return cost_bytes((a->dlogits ? 2.0 : 1.0) * (double)real_size(type) * a->batch * a->classes);
}

/* The target of output k, or NaN. */
static double binary_target(const BinaryLoss *a, int sample, int k) {
    const size_t columns = a->ordinal ? 1 : (size_t)a->outputs, at = (size_t)sample * columns;
    const float label = a->labels[a->ordinal ? at : at + k];
    return isnan(label) || !a->ordinal ? label : label > (float)k;
}

void cpu_binary_loss(Ops *ops, const BinaryLoss *a) {
    if (ops->error)
        return;
    for (int b = 0; b < a->batch && a->ordinal; b++)
        if (!isnan(a->labels[b]) && !check_label(ops, "binary_loss", a->labels[b], b, a->outputs + 1))
            return;
    const double factor = head_factor(a->grad_scale, a->known);
    double total = 0;
    for (int b = 0; b < a->batch; b++)
        for (int k = 0; k < a->outputs; k++) {
            const size_t i = (size_t)b * a->outputs + k;
            const double t = binary_target(a, b, k), z = real_get(ops->type, a->logits, i), w = a->weights[k];
            /* log(1 + exp(-|z|)), of which one side has |z| more. */
            const double small = exp(-fabs(z)), rest = log1p(small), p = (z < 0 ? small : 1.0) / (1.0 + small);
            if (!isnan(t))
                total += w * t * (fmax(-z, 0.0) + rest) + (1.0 - t) * (fmax(z, 0.0) + rest);
            if (a->dlogits)
                real_set(ops->type, a->dlogits, i,
                         isnan(t) ? 0.0f : (float)(factor * (w * t * (p - 1.0) + (1.0 - t) * p)));
        }
    *a->loss = head_mean(total, a->known);
}

OpCost cost_binary_loss(const BinaryLoss *a, RealType type) {
    const double labels = sizeof(float) * (a->ordinal ? 1.0 : a->outputs);
    return cost_bytes(((a->dlogits ? 2.0 : 1.0) * (double)real_size(type) * a->outputs + labels) * a->batch);
}

void cpu_regression_loss(Ops *ops, const RegressionLoss *a) {
    if (ops->error)
        return;
    const size_t count = (size_t)a->batch * a->outputs;
    const double factor = 2.0 * head_factor(a->grad_scale, a->known);
    double total = 0;
    for (size_t i = 0; i < count; i++) {
        const bool known = !isnan(a->target[i]);
        const double difference = known ? (double)real_get(ops->type, a->pred, i) - a->target[i] : 0.0;
        total += difference * difference;
        if (a->dpred)
            real_set(ops->type, a->dpred, i, (float)(factor * difference));
    }
    *a->loss = head_mean(total, a->known);
}

OpCost cost_regression_loss(const RegressionLoss *a, RealType type) {
    return cost_bytes(((a->dpred ? 2.0 : 1.0) * (double)real_size(type) + sizeof(float)) * a->batch * a->outputs);
}
