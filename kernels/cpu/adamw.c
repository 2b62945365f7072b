/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"
#include "kernels/cpu/summary.h"

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

/* What the last step has taken from parameters of a run, from them as they are now: p - rate decay (p - first) - way
 * solved for what p was. */
WIDE static void find_update(const float *restrict param, const float *restrict first, const float *restrict m,
                             const float *restrict v, float rate, float decay, const AdamwValues *values,
                             float *restrict update, size_t count) {
    const float eps = values->eps, step = rate / values->bias1, root = 1.0f / sqrtf(values->bias2);
    const float pull = rate * decay, kept = 1.0f / (1.0f - pull);
    for (size_t i = 0; i < count; i++)
        update[i] = (pull * (first ? param[i] - first[i] : param[i]) + step * m[i] / (sqrtf(v[i]) * root + eps)) * kept;
}

/* The updates of elements at .. at + length - 1. */
static TensorSummary summarise_piece(const SummariseUpdate *a, size_t at, size_t length) {
    float update[PIECE] = {0};
    const size_t end = at + length;
    for (int s = 0; s < a->segment_count && a->segments[s].offset < end && isfinite(*a->norm); s++) {
        const AdamwSegment *segment = &a->segments[s];
        const size_t from = segment->offset > at ? segment->offset : at,
                     to = cpu_min(segment->offset + segment->count, end);
        if (from >= to)
            continue;
        const float decays[] = {0, a->values->weight_decay, a->values->l2sp}; /* by AdamwDecay */
        find_update(a->param + from, segment->decay == DECAY_FIRST ? a->first + from : NULL, a->m + from, a->v + from,
                    a->values->lr * segment->lr_scale, decays[segment->decay], a->values, update + (from - at),
                    to - from);
    }
    return summary_of(update, length);
}

void cpu_summarise_update(Ops *ops, const SummariseUpdate *a) {
    if (ops->error)
        return;
    const size_t part = cpu_part(a->count, PIECE);
    TensorSummary parts[PARTS] = {{0}};
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (int p = 0; p < PARTS; p++)
        for (size_t at = p * part; at < cpu_min((p + 1) * part, a->count); at += PIECE) {
            const TensorSummary piece =
                summarise_piece(a, a->offset + at, cpu_min(PIECE, cpu_min((p + 1) * part, a->count) - at));
            summary_add(&parts[p], &piece);
        }
    *a->summary = (TensorSummary){0};
    for (int p = 0; p < PARTS; p++)
        summary_add(a->summary, &parts[p]);
}

/* The parameter, its first value and both moments are read. */
OpCost cost_summarise_update(const SummariseUpdate *a, RealType type) {
    (void)type;
    return cost_bytes((a->first ? 4.0 : 3.0) * sizeof(float) * (double)a->count);
}
