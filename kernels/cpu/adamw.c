#include "cpu.h"

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

void cpu_adamw(Ops *ops, float *param, const float *grad, float *m, float *v, const AdamwSegment *segments,
               int segment_count, const AdamwValues *values, const float *norm) {
    if (ops->error || !isfinite(*norm))
        return;
    const float scale = values->clip > 0 && *norm > values->clip ? values->clip / *norm : 1.0f;
#pragma omp parallel num_threads(ops->threads)
    for (int s = 0; s < segment_count; s++) {
        const AdamwSegment *segment = &segments[s];
        const float rate = values->lr * segment->lr_scale, decay = segment->decay ? values->weight_decay : 0.0f;
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < segment->count; i += PIECE) {
            const size_t at = segment->offset + i;
            update(param + at, grad + at, m + at, v + at, scale, rate, decay, values,
                   cpu_min(PIECE, segment->count - i));
        }
    }
}
