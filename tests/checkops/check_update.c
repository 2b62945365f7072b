#include "checkops.h"

#include <math.h>
#include <string.h>

void check_global_norm(Check *check) {
    const size_t count = check->round ? check_between(check, 1, 300000) : 0;
    check_shape(check, "count=%zu", count);
    float *x = check_normal(check, "x", BUFFER_INPUT, count, check->round == 2 ? 1e25 : 1); /* squares beyond a float */
    float *norm = check_output(check, "norm", 1);
    const int special = check->round % 4;
    if (count && special == 1)
        x[count / 2] = INFINITY;
    if (count && special == 3)
        x[count - 1] = NAN;
    RUN(check)
    check->ops.global_norm(&check->ops, x, count, norm);
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * x[i];
    if (isfinite(sum))
        check_scalar(check, "norm", *norm, sqrt(sum), 1.01 * ROUNDING * sqrt(sum)); /* only the result is rounded */
    else if (isfinite(*norm) || !isnan(*norm) != !isnan(sum))
        check_fail(check, "norm is %g, not %g", *norm, sum);
}

void check_find_nonfinite(Check *check) {
    const size_t count = check->round ? check_between(check, 1, 100000) : 0;
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    float *x = check_normal(check, "x", BUFFER_INPUT, count, 1e30);
    size_t want = count;
    if (check->round % 4 && count)
        for (int i = 0; i < 3; i++) {
            size_t at = random_below(&check->random, (uint32_t)count);
            at = check->round == 5 && i == 2 ? count - 1 : check->round == 6 && i == 2 ? 0 : at;
            x[at] = bad[check_between(check, 0, 2)];
            want = at < want ? at : want;
        }
    check_shape(check, "count=%zu first=%zu", count, want);
    size_t *first = check_buffer(check, "first", BUFFER_OUTPUT, 1, sizeof *first);
    RUN(check)
    check->ops.find_nonfinite(&check->ops, x, count, first);
    if (*first != want)
        check_fail(check, "found %zu", *first);
}

enum { SEGMENTS = 5 };

/* Segments of random lengths with gaps between them, which must stay as they are. */
static size_t draw_segments(Check *check, AdamwSegment *segments) {
    size_t end = 0;
    memset(segments, 0, SEGMENTS * sizeof *segments);
    for (int s = 0; s < SEGMENTS; s++) {
        segments[s].offset = end + check_between(check, 0, 3);
        segments[s].count = check_between(check, 0, s == 2 ? 20000 : 100);
        segments[s].lr_scale = s % 2 ? 0.5f : 1;
        segments[s].decay = s % 3;
        end = segments[s].offset + segments[s].count;
    }
    return end + 3;
}

void check_adamw(Check *check) {
    AdamwSegment *segments = check_buffer(check, "segments", BUFFER_INPUT, SEGMENTS, 8 * sizeof(int64_t));
    const size_t count = draw_segments(check, segments);
    const int step = check_between(check, 1, 50);
    const float norms[] = {0.5f, 4, 0, NAN, INFINITY, 2};
    float *norm = check_output(check, "norm", 1);
    check->buffers[check->buffer_count - 1].kind = BUFFER_INPUT;
    *norm = norms[check->round % 6];
    AdamwValues values = {.lr = 1e-2f, .beta1 = 0.9f, .beta2 = 0.95f, .eps = 1e-8f, .weight_decay = 0.05f};
    values.clip = check->round % 3 == 1 ? 1 : check->round % 3 == 2 ? 3 : 0;
    values.bias1 = (float)(1 - pow(0.9, step));
    values.bias2 = (float)(1 - pow(0.95, step));
    check_shape(check, "count=%zu step=%d norm=%g clip=%g", count, step, *norm, values.clip);
    float *p = check_normal(check, "param", BUFFER_BOTH, count, 1),
          *g = check_normal(check, "grad", BUFFER_INPUT, count, 1);
    float *m = check_normal(check, "m", BUFFER_BOTH, count, 1), *v = check_normal(check, "v", BUFFER_BOTH, count, 1);
    for (size_t i = 0; i < count; i++)
        v[i] *= v[i];
    double *want_p = check_copy(check, p, count), *want_m = check_copy(check, m, count);
    double *want_v = check_copy(check, v, count), *bound = check_numbers(check, count);
    RUN(check)
    check->ops.adamw(&check->ops, p, g, m, v, segments, SEGMENTS, &values, norm);
    const double clip = values.clip > 0 ? fmin(1, values.clip / *norm) : 1;
    for (int s = 0; s < SEGMENTS && isfinite(*norm); s++)
        for (size_t i = segments[s].offset; i < segments[s].offset + segments[s].count; i++) {
            const double grad = clip * g[i], rate = (double)values.lr * segments[s].lr_scale;
            want_m[i] = values.beta1 * want_m[i] + (1 - (double)values.beta1) * grad;
            want_v[i] = values.beta2 * want_v[i] + (1 - (double)values.beta2) * grad * grad;
            double way = want_m[i] / values.bias1 / (sqrt(want_v[i] / values.bias2) + values.eps);
            want_p[i] -= rate * ((segments[s].decay ? values.weight_decay : 0) * want_p[i] + way);
            /* p itself is rounded; the way errs by a few roundings of it, and by m's own, which may cancel. */
            bound[i] = 2 * ROUNDING * (fabs(want_p[i]) + rate) + 10 * ROUNDING * rate * (fabs(way) + 4);
        }
    check_bounds(check, "param", p, want_p, bound, count);
    check_near(check, "m", m, want_m, 3 * ROUNDING, count);
    check_near(check, "v", v, want_v, 3 * ROUNDING, count);
}
