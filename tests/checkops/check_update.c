/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <math.h>
#include <string.h>

void check_global_norm(Check *check) {
    size_t count = check->round ? check_between(check, 1, 30000) : 0;
    if (check->round == 6) /* as a model has: parts are longer than their least, and rounded up to whole packs */
        count = 1024 * 1024 + 1;
    check_shape(check, "count=%zu", count);
    float *x = check_floats(check, "x", BUFFER_INPUT, count, check->round == 2 ? 1e25 : 1); /* squares beyond a float */
    float *norm = check_float_output(check, "norm", 1);
    const int special = check->round % 4;
    if (count && special == 1)
        x[count / 2] = INFINITY;
    if (count && special == 3)
        x[count - 1] = NAN;
    RUN(check)
    check->ops.global_norm(&check->ops, &(GlobalNorm){.x = AT(x), .count = count, .norm = AT(norm)});
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * x[i];
    if (isfinite(sum))
        check_scalar(check, "norm", *norm, sqrt(sum), 1.01 * ROUNDING * sqrt(sum)); /* only the result is rounded */
    else if (isfinite(*norm) || !isnan(*norm) != !isnan(sum))
        check_fail(check, "norm is %g, not %g", *norm, sum);
}

/* Puts values that are not finite in, and returns the place of the first. */
static size_t spoil_values(Check *check, float *x, size_t count) {
    static const float bad[] = {INFINITY, -INFINITY, NAN};
    size_t first = count;
    for (int i = 0; i < 3; i++) {
        size_t at = random_below(&check->random, (uint32_t)count);
        at = check->round == 5 ? count - 1 : check->round == 6 && i == 2 ? 0 : at;
        x[at] = bad[check_between(check, 0, 2)];
        first = at < first ? at : first;
    }
    return first;
}

/* Of a tensor of activations and one of gradients, which stay FP32. */
void check_find_nonfinite(Check *check) {
    const size_t count = check->round == 0   ? 0
                         : check->round == 5 ? 1007 /* the last elements are no whole pack, and the only bad ones */
                                             : (size_t)check_between(check, 1, 50000);
    const bool spoilt = check->round % 4 && count;
    float *x = check_reals(check, "x", BUFFER_INPUT, count, 1e30);
    float *grad = check_floats(check, "grad", BUFFER_INPUT, count, 1e30);
    const size_t want = spoilt ? spoil_values(check, x, count) : count,
                 want_grad = spoilt ? spoil_values(check, grad, count) : count;
    check_shape(check, "count=%zu first=%zu, %zu", count, want, want_grad);
    uint64_t *first = check_bytes(check, "first", BUFFER_OUTPUT, 1, sizeof *first);
    uint64_t *first_grad = check_bytes(check, "first of grad", BUFFER_OUTPUT, 1, sizeof *first_grad);
    RUN(check) {
        check->ops.find_nonfinite(
            &check->ops, &(FindNonfinite){.x = AT(x), .type = check->ops.type, .count = count, .first = AT(first)});
        check->ops.find_nonfinite(
            &check->ops, &(FindNonfinite){.x = AT(grad), .type = REAL_FP32, .count = count, .first = AT(first_grad)});
    }
    if (*first != want || *first_grad != want_grad)
        check_fail(check, "found %llu, %llu", (unsigned long long)*first, (unsigned long long)*first_grad);
}

/* Each way a step can be, alone and with others, after none and after many steps, running and halted. */
void check_check_step(Check *check) {
    static const struct {
        double first, mean;
        float norm;
        double spike;
        int64_t applied;
        StepVerdict verdict;
    } cases[] = {
        {1.5, 1, 2, 3, 100, VERDICT_SOUND},
        {NAN, 1, NAN, 3, 100, VERDICT_LOSS},
        {INFINITY, 1, 2, 3, 100, VERDICT_LOSS},
        {9, 1, INFINITY, 3, 100, VERDICT_SPIKE},
        {9, 1, 2, 0, 100, VERDICT_SOUND},   /* off */
        {9, 1, 2, 3, 20, VERDICT_SPIKE},    /* settled just now */
        {9, 1, 2, 3, 19, VERDICT_SOUND},    /* the mean is young */
        {9, NAN, 2, 3, 100, VERDICT_SOUND}, /* there is none */
        {2.9, 1, INFINITY, 3, 100, VERDICT_GRADIENT},
    };
    enum { CASE, HALTED, CHECK_OPTIONS };
    static const Options known = {.count = CHECK_OPTIONS,
                                  .levels = {[CASE] = sizeof cases / sizeof *cases, [HALTED] = 2}};
    int options[CHECK_OPTIONS];
    check_options(check, &known, options);
    const int which = options[CASE], count = check_between(check, check->round == 0 ? 1 : 2, 9);
    const bool halted = options[HALTED];
    /* A loss that is no number is one micro-batch's alone: the last one's, the first one's. */
    const int bad = isfinite(cases[which].first) ? -1 : (which % 2 != halted) * (count - 1);
    check_shape(check, "case=%d count=%d bad=%d halted=%d", which, count, bad, halted);
    double *losses = check_bytes(check, "losses", BUFFER_INPUT, (size_t)count, sizeof *losses);
    float *norm = check_floats(check, "norm", BUFFER_INPUT, 1, 1);
    StepState *state = check_bytes(check, "state", BUFFER_BOTH, 1, sizeof *state);
    float *gate = check_float_output(check, "gate", 1);
    memset(state, 0, sizeof *state); /* its padding, too */
    state->spike = cases[which].spike;
    state->settled = 20;
    state->mean = cases[which].mean;
    state->applied = cases[which].applied;
    state->halted = halted;
    *norm = cases[which].norm;
    /* Micro-batches a little apart, with the case's loss as their mean. */
    for (int i = 0; i < count; i++)
        losses[i] = bad >= 0 && i != bad ? 1 : cases[which].first + (i - (count - 1) / 2.0) / 64;
    RUN(check)
    check->ops.check_step(
        &check->ops,
        &(CheckStep){.losses = AT(losses), .count = count, .norm = AT(norm), .state = AT(state), .gate = AT(gate)});
    const bool applied = cases[which].verdict == VERDICT_SOUND && !halted;
    const double mean = isnan(cases[which].mean) ? cases[which].first
                        : applied                ? 0.98 * cases[which].mean + 0.02 * cases[which].first
                                                 : cases[which].mean;
    EACH(check) {
        if (state->verdict != (int)cases[which].verdict || state->halted != !applied)
            check_fail(check, "verdict %d, halted %d, not %d, %d", state->verdict, state->halted, cases[which].verdict,
                       !applied);
        if (isnan(*gate) != !applied || (applied && *gate != *norm))
            check_fail(check, "gate is %g", *gate);
        if (state->applied != cases[which].applied + applied)
            check_fail(check, "%lld steps applied", (long long)state->applied);
        /* A few roundings of doubles, in an order of their own. */
        if (applied && fabs(state->mean - mean) > 1e-14 * mean)
            check_fail(check, "the mean is %.17g, not %.17g", state->mean, mean);
        if (isfinite(cases[which].first) && fabs(state->loss - cases[which].first) > 1e-14 * cases[which].first)
            check_fail(check, "the loss is %.17g, not %.17g", state->loss, cases[which].first);
        if (!applied && !(isnan(state->mean) && isnan(cases[which].mean)) && state->mean != cases[which].mean)
            check_fail(check, "the mean moved to %.17g", state->mean);
    }
}

enum { SEGMENTS = 5 };

/* Segments of random lengths with gaps between them, which must stay as they are. */
static size_t draw_segments(Check *check, AdamwSegment *segments, bool pulled) {
    size_t end = 0;
    memset(segments, 0, SEGMENTS * sizeof *segments);
    for (int s = 0; s < SEGMENTS; s++) {
        segments[s].offset = end + check_between(check, 0, 3);
        segments[s].count = check_between(check, 0, s == 2 ? 20000 : 100);
        segments[s].lr_scale = s % 2 ? 0.5f : 1;
        segments[s].decay = (AdamwDecay)(s % (pulled ? 3 : 2));
        end = segments[s].offset + segments[s].count;
    }
    return end + 3;
}

void check_adamw(Check *check) {
    enum { NORM, CLIP, ROUNDED, FIRST, PULLED, ADAMW_OPTIONS };
    static const Options known = {.count = ADAMW_OPTIONS,
                                  .levels = {[NORM] = 6, [CLIP] = 3, [ROUNDED] = 2, [FIRST] = 2, [PULLED] = 2}};
    int options[ADAMW_OPTIONS];
    check_options(check, &known, options);
    AdamwSegment *segments = check_bytes(check, "segments", BUFFER_INPUT, SEGMENTS, sizeof *segments);
    const size_t count = draw_segments(check, segments, options[PULLED]);
    const float norms[] = {0.5f, 4, 0, NAN, INFINITY, 2}, clips[] = {0, 1, 3};
    /* In a run's first step a moment is nothing but its new gradient's share. */
    const bool first = options[FIRST];
    const int step = first ? 1 : check_between(check, 2, 50);
    const double beta1 = 0.9, beta2 = first ? 0.999 : 0.95;
    float *norm = check_floats(check, "norm", BUFFER_INPUT, 1, 1);
    *norm = norms[options[NORM]];
    AdamwValues *values = check_bytes(check, "values", BUFFER_INPUT, 1, sizeof *values);
    *values = (AdamwValues){.lr = 1e-2f, .eps = 1e-8f, .weight_decay = 0.05f, .l2sp = 0.3f};
    values->weight1 = (float)(1 - beta1);
    values->weight2 = (float)(1 - beta2);
    values->clip = clips[options[CLIP]];
    values->bias1 = (float)(1 - pow(beta1, step));
    values->bias2 = (float)(1 - pow(beta2, step));
    check_shape(check, "count=%zu step=%d beta2=%g norm=%g clip=%g", count, step, beta2, *norm, values->clip);
    float *p = check_floats(check, "param", BUFFER_BOTH, count, 1),
          *g = check_floats(check, "grad", BUFFER_INPUT, count, 1);
    const float *start = options[PULLED] ? check_floats(check, "first", BUFFER_INPUT, count, 1) : NULL;
    float *m = check_floats(check, "m", BUFFER_BOTH, count, 1), *v = check_floats(check, "v", BUFFER_BOTH, count, 1);
    for (size_t i = 0; i < count; i++)
        m[i] *= first ? 0 : 1, v[i] *= first ? 0 : v[i];
    const bool rounding = options[ROUNDED];
    uint16_t *rounded = rounding ? check_buffer(check, "rounded", BUFFER_BOTH, BUFFER_BF16, count) : NULL;
    for (size_t i = 0; i < count && rounding; i++)
        rounded[i] = reference_bf16(p[i]); /* what stays in the gaps, too */
    double *want_p = check_copy(check, p, count), *want_m = check_copy(check, m, count);
    double *want_v = check_copy(check, v, count), *bound = check_numbers(check, count);
    RUN(check)
    check->ops.adamw(&check->ops, &(Adamw){.param = AT(p),
                                           .first = AT(start),
                                           .rounded = AT(rounded),
                                           .grad = AT(g),
                                           .m = AT(m),
                                           .v = AT(v),
                                           .count = count,
                                           .segments = AT(segments),
                                           .segment_count = SEGMENTS,
                                           .values = AT(values),
                                           .norm = AT(norm)});
    const double clip = values->clip > 0 ? fmin(1, values->clip / *norm) : 1;
    for (int s = 0; s < SEGMENTS && isfinite(*norm); s++)
        for (size_t i = segments[s].offset; i < segments[s].offset + segments[s].count; i++) {
            const double grad = clip * g[i], rate = (double)values->lr * segments[s].lr_scale;
            want_m[i] = beta1 * want_m[i] + (1 - beta1) * grad;
            want_v[i] = beta2 * want_v[i] + (1 - beta2) * grad * grad;
            double way = want_m[i] / values->bias1 / (sqrt(want_v[i] / values->bias2) + values->eps);
            const double pull = segments[s].decay == DECAY_FIRST  ? values->l2sp * (want_p[i] - start[i])
                                : segments[s].decay == DECAY_ZERO ? values->weight_decay * want_p[i]
                                                                  : 0;
            want_p[i] -= rate * (pull + way);
            /* p itself is rounded; the way errs by a few roundings of it, and by m's own, which may cancel. */
            bound[i] =
                2 * ROUNDING * (fabs(want_p[i]) + rate * (1 + fabs(pull))) + 10 * ROUNDING * rate * (fabs(way) + 4);
        }
    check_bounds(check, "param", p, want_p, bound, count);
    check_near(check, "m", m, want_m, 3 * ROUNDING, count);
    check_near(check, "v", v, want_v, 3 * ROUNDING, count);
    EACH(check)
    for (size_t i = 0; i < count && rounding; i++)
        if (rounded[i] != reference_bf16(p[i])) {
            check_fail(check, "rounded[%zu] is %04x, but param %.9g", i, rounded[i], p[i]);
            break;
        }
}

/* One element's last update, made as adamw makes it, and what is there afterwards. */
typedef struct {
    double update, error; /* error: of the operation, from floats */
} LastUpdate;

static LastUpdate update_element(float *p, double first, double grad, float *m, float *v, const AdamwSegment *segment,
                                 const AdamwValues *values) {
    const double rate = (double)values->lr * segment->lr_scale, old = *p;
    const double new_m = *m + values->weight1 * (grad - *m), new_v = *v + values->weight2 * (grad * grad - *v);
    const double decay = segment->decay == DECAY_FIRST  ? values->l2sp
                         : segment->decay == DECAY_ZERO ? values->weight_decay
                                                        : 0;
    const double way = new_m / values->bias1 / (sqrt(new_v / values->bias2) + values->eps);
    const double update = rate * (decay * (old - first) + way);
    *p = (float)(old - update);
    *m = (float)new_m;
    *v = (float)new_v;
    /* A dozen roundings of the way, and those of the parameter times the decay. */
    return (LastUpdate){update, ROUNDING * rate * (12 * fabs(way) + 4 * decay * (fabs(old) + fabs(first)))};
}

/* Ranges: all, within a segment, across segments and gaps, as long as a kernel's part, and none. Their ends are on no
 * particular element. */
enum { RANGE_ALL, RANGE_WITHIN, RANGE_ACROSS, RANGE_PART, RANGE_NONE, RANGES };

static void draw_range(Check *check, int kind, const AdamwSegment *segments, size_t count, size_t *begin, size_t *end) {
    *begin = kind == RANGE_ALL ? 0 : (size_t)check_between(check, 0, (int)count / 4);
    *end = kind == RANGE_ALL ? count : kind == RANGE_NONE ? *begin : count - (size_t)check_between(check, 0, 9);
    if (kind == RANGE_PART && *begin + 2048 < count)
        *end = *begin + 2048;
    if (kind == RANGE_WITHIN) {
        *begin = segments[2].offset + (size_t)check_between(check, 0, (int)segments[2].count);
        *end = *begin + (size_t)check_between(check, 0, (int)(segments[2].offset + segments[2].count - *begin));
    }
}

void check_summarise_update(Check *check) {
    enum { NORM, PULLED, RANGE, SUMMARISE_OPTIONS };
    static const Options known = {.count = SUMMARISE_OPTIONS, .levels = {[NORM] = 3, [PULLED] = 2, [RANGE] = RANGES}};
    static const float norms[] = {0.5f, NAN, INFINITY};
    int options[SUMMARISE_OPTIONS];
    check_options(check, &known, options);
    AdamwSegment *segments = check_bytes(check, "segments", BUFFER_INPUT, SEGMENTS, sizeof *segments);
    const size_t count = draw_segments(check, segments, options[PULLED]);
    float *norm = check_floats(check, "norm", BUFFER_INPUT, 1, 1);
    *norm = norms[options[NORM]];
    AdamwValues *values = check_bytes(check, "values", BUFFER_INPUT, 1, sizeof *values);
    *values = (AdamwValues){.lr = 1e-2f, .eps = 1e-8f, .weight_decay = 0.05f, .l2sp = 3, .clip = 0.1f};
    values->weight1 = 0.1f, values->weight2 = 0.05f, values->bias1 = 0.4f, values->bias2 = 0.3f;
    float *p = check_floats(check, "param", BUFFER_INPUT, count, 1);
    float *first = options[PULLED] ? check_floats(check, "first", BUFFER_INPUT, count, 1) : NULL;
    float *m = check_floats(check, "m", BUFFER_INPUT, count, 1), *v = check_floats(check, "v", BUFFER_INPUT, count, 1);
    TensorSummary *summary = check_bytes(check, "summary", BUFFER_OUTPUT, 1, sizeof *summary);
    check_own_comparison(check, summary);
    size_t begin, end, zeros = 0;
    draw_range(check, options[RANGE], segments, count, &begin, &end);
    check_shape(check, "count=%zu range=%zu..%zu norm=%g", count, begin, end, *norm);
    double *updates = check_numbers(check, count), squares = 0, largest = 0, squares_error = 0, error = 0;
    for (int s = 0; s < SEGMENTS; s++)
        for (size_t i = segments[s].offset; i < segments[s].offset + segments[s].count; i++) {
            const bool still = !check_between(check, 0, 9); /* neither moved nor, in some segments, pulled */
            m[i] *= !still, v[i] *= still ? 0 : v[i];
            const double grad = still ? 0 : random_normal(&check->random);
            const LastUpdate last = update_element(&p[i], segments[s].decay == DECAY_FIRST ? first[i] : 0, grad, &m[i],
                                                   &v[i], &segments[s], values);
            if (!isfinite(*norm) || i < begin || i >= end)
                continue;
            updates[i] = last.update;
            squares_error += 2 * fabs(last.update) * last.error;
            error = fmax(error, last.error);
        }
    for (size_t i = begin; i < end; i++) {
        squares += updates[i] * updates[i];
        largest = fmax(largest, fabs(updates[i]));
        zeros += updates[i] == 0;
    }
    RUN(check)
    check->ops.summarise_update(&check->ops, &(SummariseUpdate){.param = AT(p),
                                                                .first = AT(first),
                                                                .m = AT(m),
                                                                .v = AT(v),
                                                                .offset = begin,
                                                                .count = end - begin,
                                                                .segments = AT(segments),
                                                                .segment_count = SEGMENTS,
                                                                .values = AT(values),
                                                                .norm = AT(norm),
                                                                .summary = AT(summary)});
    EACH(check) {
        check_scalar(check, "squares", summary->squares, squares, squares_error);
        check_scalar(check, "largest", summary->largest, largest, error);
        if (summary->zeros != zeros || summary->nonfinite)
            check_fail(check, "%llu zeros, %llu not finite, not %zu, 0", (unsigned long long)summary->zeros,
                       (unsigned long long)summary->nonfinite, zeros);
    }
}
