/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <math.h>

/* `first`: what the parameters decay to; NULL: 0. */
WIDE static void update_run(float *restrict param, const float *restrict first, const float *restrict grad,
                            float *restrict m, float *restrict v, float scale, float rate, float decay,
                            const AdamwValues *values, size_t count) {
    const float weight1 = values->weight1, weight2 = values->weight2, eps = values->eps;
    const float step = rate / values->bias1, root = 1.0f / sqrtf(values->bias2);
    for (size_t i = 0; i < count; i++) {
        float g = grad[i] * scale;
        m[i] += weight1 * (g - m[i]);
        v[i] += weight2 * (g * g - v[i]);
        param[i] = param[i] - rate * decay * (first ? param[i] - first[i] : param[i]) -
                   step * m[i] / (sqrtf(v[i]) * root + eps);
    }
}

void cpu_adamw(Ops *ops, const Adamw *a) {
    if (ops->error || !isfinite(*a->norm))
        return;
    for (int s = 0; s < a->segment_count; s++)
        if (a->segments[s].offset > a->count || a->segments[s].count > a->count - a->segments[s].offset) {
            cpu_fail(ops, status_error(EXIT_INTERNAL, "adamw: segment %d, %zu parameters from %zu on, ends beyond %zu",
                                       s, a->segments[s].count, a->segments[s].offset, a->count));
            return;
        }
    const float scale = a->values->clip > 0 && *a->norm > a->values->clip ? a->values->clip / *a->norm : 1.0f;
#pragma omp parallel num_threads(ops->threads)
    for (int s = 0; s < a->segment_count; s++) {
        const AdamwSegment *segment = &a->segments[s];
        const bool pulled = segment->decay == DECAY_FIRST;
        const float decays[] = {0, a->values->weight_decay, a->values->l2sp}; /* by AdamwDecay */
        const float rate = a->values->lr * segment->lr_scale, decay = decays[segment->decay];
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < segment->count; i += PIECE) {
            const size_t at = segment->offset + i, length = cpu_min(PIECE, segment->count - i);
            update_run(a->param + at, pulled ? a->first + at : NULL, a->grad + at, a->m + at, a->v + at, scale, rate,
                       decay, a->values, length);
            if (a->rounded)
                real_round(a->param + at, length, a->rounded + at, length, 1, length);
        }
    }
}

/* The parameter and both moments are read and written, the gradient and the first parameter are read. */
OpCost cost_adamw(const Adamw *a, RealType type) {
    (void)type;
    return cost_bytes(((a->first ? 8.0 : 7.0) * sizeof(float) + (a->rounded ? sizeof *a->rounded : 0)) *
                      (double)a->count);
}
