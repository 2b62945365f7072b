/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/approx.h"
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <math.h>

/* Every 97th of the 2^32 floats, or 997th, and the special ones. The strides are prime: all exponents and signs, varied
 * fractions. */
static int float_stride(const Check *check) {
    return check->brief ? 997 : 97;
}
#define EVERY_FLOAT(check, bits) for (uint64_t bits = 0; bits < 0x100000000u; bits += float_stride(check))
static const float specials[] = {0.0f, -0.0f,     INFINITY,   -INFINITY,       NAN,
                                 -NAN, 0x1p-149f, -0x1p-126f, 0x1.fffffep127f, -0x1.fffffep127f};
enum { SPECIALS = sizeof specials / sizeof *specials };

static void one_exp2(Check *check, float x) {
    if (x < -126 || x > 127)
        return;
    const double got = approx_exp2(x), want = exp2((double)x);
    if (isnan(x) ? !isnan(got) : !(fabs(got / want - 1) <= 1.5e-7))
        check_fail(check, "2^%.9g is %.9g, not %.9g within 1.5e-7 of it", x, got, want);
}

void check_exp2(Check *check) {
    check_once(check);
    for (int i = 0; i < SPECIALS; i++)
        one_exp2(check, specials[i]);
    EVERY_FLOAT(check, bits)
    one_exp2(check, approx_from_bits((uint32_t)bits));
}

/* erf(x / sqrt 2) by the tail, and phi by the difference that `slope` makes; to 2e-7, twice the tail's bound. */
static void one_erf(Check *check, float x) {
    const float t = approx_size(x), tail = approx_normal_tail(t, 0), less = approx_normal_tail(t, 1);
    const double erf_got = copysign(1 - 2 * (double)tail, x), erf_want = erf(x * M_SQRT1_2);
    const double density = fabs(x) > 100 ? 0 : fabs(x) * exp(-0.5 * (double)x * x) / sqrt(2 * M_PI);
    if (isnan(x) ? !isnan(tail) || !isnan(less) : !(fabs(erf_got - erf_want) <= 2e-7))
        check_fail(check, "erf(%.9g / sqrt 2) is %.9g, not %.9g within 2e-7", x, erf_got, erf_want);
    if (!isnan(x) && !(fabs(tail - less - density) <= 2e-7))
        check_fail(check, "x phi(x) at %.9g is %.9g, not %.9g within 2e-7", x, tail - less, density);
}

void check_erf(Check *check) {
    check_once(check);
    for (int i = 0; i < SPECIALS; i++)
        one_erf(check, specials[i]);
    EVERY_FLOAT(check, bits)
    one_erf(check, approx_from_bits((uint32_t)bits));
}

enum { RUN_OF = 1 << 14 };

/* GELU within 2e-7 of |x| or 1 (Phi errs by 1e-7, the product rounds once), its slope within 5e-7: both are sums of
 * a probability and x phi(x) <= 0.25, whose exponent's rounding x^2/2 enlarges. In BF16 the results are rounded. */
static void compare_run(Check *check, const float *x, const float *y, const float *slope, Activation act, int count,
                        RealType type) {
    const double step = type == REAL_BF16 ? 0x1p-8 : 0;
    for (int i = 0; i < count; i++) {
        if (isnan(x[i])) {
            if (!isnan(y[i]) || !isnan(slope[i]))
                check_fail(check, "act %d: NaN became %.9g, slope %.9g", act, y[i], slope[i]);
            continue;
        }
        /* At infinity the limits: 0 and x, slopes 0 and 1. */
        const double want = isinf(x[i]) ? (x[i] > 0 ? INFINITY : 0) : reference_act(act, x[i]);
        const double want_slope = fabs(x[i]) > 1e3f ? x[i] > 0 : reference_act_slope(act, x[i]);
        const double bound = 2e-7 * fmax(1, fabs(x[i]) * (x[i] > 0)) + step * fabs(want);
        if (isinf(want) ? y[i] != INFINITY : !(fabs(y[i] - want) <= bound))
            check_fail(check, "act %d: of %.9g is %.9g, not %.9g", act, x[i], y[i], want);
        if (!(fabs(slope[i] - want_slope) <= 5e-7 + step * fabs(want_slope)))
            check_fail(check, "act %d: slope at %.9g is %.9g, not %.9g", act, x[i], slope[i], want_slope);
    }
}

/* The CPU's, at a stride's floats. */
static void sweep_values(Check *check) {
    static float x[RUN_OF], one[RUN_OF], y[RUN_OF], slope[RUN_OF];
    uint64_t bits = 0;
    int filled = SPECIALS;
    for (int i = 0; i < RUN_OF; i++)
        one[i] = 1;
    for (int i = 0; i < SPECIALS; i++)
        x[i] = specials[i];
    while (bits < 0x100000000u && !check->failed) {
        for (; filled < RUN_OF && bits < 0x100000000u; bits += float_stride(check))
            x[filled++] = approx_from_bits((uint32_t)bits);
        for (Activation act = ACTIVATION_GELU_ERF; act <= ACTIVATION_GELU_TANH; act++) {
            check->ops.gelu_forward(&check->ops, &(GeluForward){.x = x, .act = act, .y = y, .count = filled});
            check->ops.gelu_backward(&check->ops,
                                     &(GeluBackward){.dy = one, .x = x, .act = act, .dx = slope, .count = filled});
            compare_run(check, x, y, slope, act, filled, REAL_FP32);
        }
        filled = 0;
    }
}

/* Every backend's, at all BF16 values, or every seventh, and a float between each and the next. */
void check_gelu_everywhere(Check *check) {
    check_once(check);
    const int stride = check->brief ? 7 : 1;
    const size_t count = 2 * ((65536 + stride - 1) / stride);
    if (check->backends->of[BACKEND_CPU].wanted)
        sweep_values(check);
    for (Activation act = ACTIVATION_GELU_ERF; act <= ACTIVATION_GELU_TANH; act++) {
        float *x = check_buffer(check, "x", BUFFER_INPUT, BUFFER_REAL, count);
        float *one = check_buffer(check, "one", BUFFER_INPUT, BUFFER_REAL, count);
        float *y = check_real_output(check, "y", count), *slope = check_real_output(check, "slope", count);
        for (uint32_t i = 0; i < count; i += 2) {
            const uint32_t bits = i / 2 * stride << 16;
            x[i] = reference_float(bits);
            x[i + 1] = reference_float(bits + 0x5a5a);
            one[i] = one[i + 1] = 1;
        }
        RUN(check) {
            check->ops.gelu_forward(&check->ops, &(GeluForward){.x = AT(x), .act = act, .y = AT(y), .count = count});
            check->ops.gelu_backward(
                &check->ops, &(GeluBackward){.dy = AT(one), .x = AT(x), .act = act, .dx = AT(slope), .count = count});
        }
        EACH(check)
        compare_run(check, x, y, slope, act, count, check_type(check));
        check_free(check);
    }
}

/* TAIL: the last elements are no whole pack. */
enum { GELU_ACT, GELU_IN_PLACE, GELU_TAIL, GELU_OPTIONS };
static const Options gelu_options = {.count = GELU_OPTIONS,
                                     .levels = {[GELU_ACT] = 3, [GELU_IN_PLACE] = 2, [GELU_TAIL] = 2}};

void check_gelu_forward(Check *check) {
    int options[GELU_OPTIONS];
    check_options(check, &gelu_options, options);
    const size_t drawn = check->round ? check_between(check, 1, 20000) : 0;
    const size_t count = options[GELU_TAIL] ? drawn : (drawn + 7) / 8 * 8;
    const Activation act = options[GELU_ACT];
    const bool in_place = options[GELU_IN_PLACE];
    check_shape(check, "count=%zu act=%d in place=%d", count, act, in_place);
    float *x = check_reals(check, "x", in_place ? BUFFER_BOTH : BUFFER_INPUT, count, 2);
    float *y = in_place ? x : check_real_output(check, "y", count);
    double *want = check_numbers(check, count), *bound = check_numbers(check, count);
    for (size_t i = 0; i < count; i++) {
        want[i] = reference_act(act, x[i]);
        bound[i] = act ? 2e-7 * fmax(1, fabs(x[i])) : 0; /* as in check_gelu_everywhere */
    }
    RUN(check)
    check->ops.gelu_forward(&check->ops, &(GeluForward){.x = AT(x), .act = act, .y = AT(y), .count = count});
    check_bounds(check, "y", y, want, bound, count);
}

typedef struct {
    double *x;
    const float *dy;
    size_t count;
    Activation act;
} Gelu;

static double gelu_loss(const void *context) {
    const Gelu *g = context;
    double sum = 0;
    for (size_t i = 0; i < g->count; i++)
        sum += reference_act(g->act, g->x[i]) * g->dy[i];
    return sum;
}

void check_gelu_backward(Check *check) {
    int options[GELU_OPTIONS];
    check_options(check, &gelu_options, options);
    const size_t drawn = check->round ? check_between(check, 1, 20000) : 0;
    const size_t count = options[GELU_TAIL] ? drawn : (drawn + 7) / 8 * 8;
    const Activation act = options[GELU_ACT];
    const bool in_place = options[GELU_IN_PLACE];
    check_shape(check, "count=%zu act=%d in place=%d", count, act, in_place);
    float *x = check_reals(check, "x", BUFFER_INPUT, count, 2);
    float *dy = check_reals(check, "dy", in_place ? BUFFER_BOTH : BUFFER_INPUT, count, 1);
    float *dx = in_place ? dy : check_real_output(check, "dx", count);
    double *want = check_numbers(check, count), *bound = check_numbers(check, count);
    for (size_t i = 0; i < count; i++) {
        want[i] = dy[i] * reference_act_slope(act, x[i]);
        bound[i] = act ? 5e-7 * fabs(dy[i]) : 0; /* as in check_gelu_everywhere */
    }
    RUN(check)
    check->ops.gelu_backward(&check->ops,
                             &(GeluBackward){.dy = AT(dy), .x = AT(x), .act = act, .dx = AT(dx), .count = count});
    check_bounds(check, "dx", dx, want, bound, count);
    Gelu g = {check_copy(check, x, count), dy, count, act};
    if (!in_place)
        check_slopes(check, "dx", dx, g.x, count, gelu_loss, &g);
}
