/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <math.h>

WIDE static void update(float *restrict param, const float *restrict grad, float *restrict m, float *restrict v,
                        float scale, float rate, float decay, const AdamwValues *values, size_t count) {
    const float beta1 = values->beta1, beta2 = values->beta2, eps = values->eps;
    const float step = rate / values->bias1, root = 1.0f / sqrtf(values->bias2);
    for (size_t i = 0; i < count; i++) {
        float g = grad[i] * scale;
        m[i] = beta1 * m[i] + (1.0f - beta1) * g;
        v[i] = beta2 * v[i] + (1.0f - beta2) * g * g;
        param[i] = param[i] - rate * decay * param[i] - step * m[i] / (sqrtf(v[i]) * root + eps);
    }
}

void cpu_adamw(Ops *ops, float *param, uint16_t *rounded, const float *grad, float *m, float *v, size_t count,
               const AdamwSegment *segments, int segment_count, const AdamwValues *values, const float *norm) {
    if (ops->error || !isfinite(*norm))
        return;
    for (int s = 0; s < segment_count; s++)
        if (segments[s].offset > count || segments[s].count > count - segments[s].offset) {
            cpu_fail(ops, status_error(EXIT_INTERNAL, "adamw: segment %d, %zu parameters from %zu on, ends beyond %zu",
                                       s, segments[s].count, segments[s].offset, count));
            return;
        }
    const float scale = values->clip > 0 && *norm > values->clip ? values->clip / *norm : 1.0f;
#pragma omp parallel num_threads(ops->threads)
    for (int s = 0; s < segment_count; s++) {
        const AdamwSegment *segment = &segments[s];
        const float rate = values->lr * segment->lr_scale, decay = segment->decay ? values->weight_decay : 0.0f;
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < segment->count; i += PIECE) {
            const size_t at = segment->offset + i, length = cpu_min(PIECE, segment->count - i);
            update(param + at, grad + at, m + at, v + at, scale, rate, decay, values, length);
            if (rounded)
                real_round(param + at, length, rounded + at, length, 1, length);
        }
    }
}
