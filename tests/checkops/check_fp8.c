/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CODES = 65536 };

/* The value of a code, from the formats' definition: E4M3 has no infinities and one NaN, E5M2 is IEEE-like. */
static double fp8_value(int code, Fp8Format format) {
    const int bits = format == FP8_E4M3 ? 3 : 2, bias = format == FP8_E4M3 ? 7 : 15;
    const int exponent = (code & 127) >> bits, fraction = code & ((1 << bits) - 1);
    double value = ldexp(fraction + (exponent ? 1 << bits : 0), (exponent ? exponent : 1) - bias - bits);
    if (format == FP8_E4M3 ? (code & 127) == 127 : exponent == 31)
        value = NAN; /* E5M2's infinities too: nothing becomes one */
    return code >> 7 ? -value : value;
}

/* The values of the codes without a sign. */
typedef struct {
    double of[128];
} Fp8Values;

static Fp8Values fp8_values(Fp8Format format) {
    Fp8Values values;
    for (int code = 0; code < 128; code++)
        values.of[code] = fp8_value(code, format);
    return values;
}

/* The nearest finite value by searching all codes about the place where they pass x; of two, the one with the even
 * code. */
static int nearest_fp8(double x, const Fp8Values *values) {
    int best = 0, step = 64;
    for (; step; step /= 2)
        best += values->of[best + step] <= fabs(x) ? step : 0;
    for (int code = best; code < 128 && code <= best + 1; code++) {
        const double there = fabs(fabs(x) - values->of[code]), here = fabs(fabs(x) - values->of[best]);
        if (there < here || (there == here && code % 2 == 0))
            best = code;
    }
    return best | (signbit(x) ? 128 : 0);
}

static double fp8_limit(Fp8Format format) {
    return format == FP8_E4M3 ? 448 : 57344;
}

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The largest by size, NaN above all. */
static float amax_of(const float *x, size_t count) {
    uint32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        const uint32_t size = bits_of(x[i]) & 0x7fffffffu;
        largest = size > largest ? size : largest;
    }
    return reference_float(largest);
}

/* The largest power of two that leaves amax, or 16 times a gradient's, within the format, by trying them all. */
static float scale_of(Fp8Format format, float amax) {
    double scale = 0x1p60;
    while (scale > 0x1p-60 && scale * amax * (format == FP8_E5M2 ? 16 : 1) > fp8_limit(format))
        scale /= 2;
    return (float)scale;
}

/* Whether two structures are equal, NaN included. */
static bool same_scale(const Fp8Scale *a, const Fp8Scale *b) {
    return !memcmp(a, b, sizeof *a);
}

static int code_of(float x, const Fp8Values *values) {
    return isnan(x) ? 0x7f : nearest_fp8(fmax(-1e6, fmin(1e6, x)), values); /* beyond both: distances stay finite */
}

/* What quantising x makes of a scale; its codes. */
static void expect_codes(const float *x, size_t count, bool seen, Fp8Scale *scale, uint8_t *codes) {
    const float factor = scale->scale != 0 ? scale->scale : 1;
    if (!seen && !(amax_of(x, count) < scale->amax)) /* NaN, too */
        scale->amax = amax_of(x, count);
    const Fp8Values values = fp8_values((Fp8Format)scale->format);
    for (size_t i = 0; i < count; i++) {
        codes[i] = (uint8_t)code_of(x[i] * factor, &values);
        scale->saturated += !seen && fabs(x[i] * factor) > fp8_limit((Fp8Format)scale->format);
    }
}

Codes check_codes(Check *check, CodesKind kind, size_t count) {
    Codes codes = {.scale = check_bytes(check, "codes' scale", BUFFER_BOTH, 1, sizeof *codes.scale)};
    /* 0: not measured yet */
    *codes.scale = (Fp8Scale){.scale = check->round % 5 == 4 ? 0 : (float)ldexp(1, check_between(check, 4, 9)),
                              .format = check_between(check, 0, 1),
                              .amax = check_coin(check) ? 1 : 0,
                              .saturated = 7};
    codes.before = *codes.scale;
    codes.seen = kind == CODES_SEEN;
    if (kind != CODES_NONE)
        codes.y = check_bytes(check, "codes", BUFFER_OUTPUT, count, 1);
    check_own_comparison(check, codes.scale);
    check_own_comparison(check, codes.y);
    return codes;
}

const Fp8Codes *check_codes_at(Check *check, Codes *codes) {
    codes->at = (Fp8Codes){.scale = AT(codes->scale), .seen = codes->seen, .y = AT(codes->y)};
    return codes->y ? &codes->at : NULL;
}

void check_codes_of(Check *check, const Codes *codes, const float *tensor, size_t count) {
    if (!codes->y)
        return;
    uint8_t *want = check_allocate(count);
    EACH(check) {
        Fp8Scale after = codes->before;
        expect_codes(tensor, count, codes->seen, &after, want);
        for (size_t i = 0; i < count && !check->failed; i++)
            if (codes->y[i] != want[i])
                check_fail(check, "the code of %a times %g is %02x, not %02x", tensor[i], after.scale, codes->y[i],
                           want[i]);
        if (!same_scale(codes->scale, &after))
            check_fail(check, "its codes saw amax %g and %u saturated, not %g and %u", codes->scale->amax,
                       codes->scale->saturated, after.amax, after.saturated);
    }
    free(want);
}

/* Quantises x [rows][columns] on every backend and compares every code with the nearest. */
static void check_format(Check *check, const float *x, int rows, int columns, float factor, Fp8Format format,
                         bool transposing, bool seen) {
    const size_t count = (size_t)rows * columns;
    check_shape(check, "format=%d rows=%d columns=%d scale=%g transposed=%d", format, rows, columns, factor,
                transposing);
    float *values = check_buffer(check, "x", BUFFER_INPUT, BUFFER_REAL, count);
    Fp8Scale *scale = check_bytes(check, "scale", BUFFER_BOTH, 1, sizeof *scale);
    uint8_t *y = check_bytes(check, "y", BUFFER_OUTPUT, count, 1);
    uint8_t *transposed = transposing ? check_bytes(check, "transposed", BUFFER_OUTPUT, count, 1) : NULL;
    for (size_t i = 0; i < count; i++)
        values[i] = x[i];
    /* What earlier calls of the step left is joined. */
    const float before = check_coin(check) ? 3 : 0;
    *scale = (Fp8Scale){.scale = factor, .format = format, .amax = before, .saturated = 7};
    Fp8Scale after = *scale;
    RUN(check)
    check->ops.quantise_fp8(&check->ops, &(QuantiseFp8){.x = AT(values),
                                                        .scale = AT(scale),
                                                        .seen = seen,
                                                        .y = AT(y),
                                                        .transposed = AT(transposed),
                                                        .rows = rows,
                                                        .columns = columns});
    uint8_t *want = check_bytes(check, "want", BUFFER_INPUT, count, 1);
    expect_codes(x, count, seen, &after, want);
    EACH(check) {
        for (size_t i = 0; i < count && !check->failed; i++) {
            if (y[i] != want[i])
                check_fail(check, "%a times %g became %02x, not %02x", x[i], factor, y[i], want[i]);
            if (transposing && transposed[i % columns * rows + i / columns] != want[i])
                check_fail(check, "transposed: %a times %g became %02x, not %02x", x[i], factor,
                           transposed[i % columns * rows + i / columns], want[i]);
        }
        if (!same_scale(scale, &after))
            check_fail(check, "saw amax %g and %u saturated, not %g and %u", scale->amax, scale->saturated, after.amax,
                       after.saturated);
    }
    check_free(check);
}

void check_quantise_fp8(Check *check) {
    check_once(check);
    static float x[CODES];
    for (int i = 0; i < CODES; i++)
        x[i] = reference_float((uint32_t)i << 16);
    check_format(check, x, 256, 256, 1, FP8_E4M3, true, false);
    check_format(check, x, 1024, 64, 1, FP8_E5M2, true, true);
    check_format(check, x, 16, 4096, 3.7f, FP8_E4M3, false, true);
    check_format(check, x, 16, 4096, 0, FP8_E5M2, false, false);
    /* Odd shapes and none, of values that BF16 has, too; without NaN every other time. */
    static const int shapes[][2] = {{1, 1}, {0, 5}, {33, 65}, {130, 3}, {7, 200}, {48, 20}, {1, 1000}, {1000, 1}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int i = 0; i < 7000; i++)
            x[i] = s % 2 && i % 500 == 499 ? NAN : (float)check_between(check, -128, 127) / 8;
        check_format(check, x, shapes[s][0], shapes[s][1], s == 5 ? 0 : 4096, s % 3 ? FP8_E5M2 : FP8_E4M3, s % 4 != 3,
                     s % 4 == 2);
    }
}

/* A scale in the middle of a run, or at its beginning. */
static Fp8Scale draw_scale(Check *check) {
    Fp8Scale s = {.format = check_between(check, 0, 1),
                  .recent = random_u32(&check->random),
                  .overflows = (uint32_t)check_between(check, 0, 99),
                  .all_saturated = random_u32(&check->random) * 16ull,
                  .position = 0};
    const int steps = check_coin(check) ? 0 : check_between(check, 1, 2 * FP8_HISTORY);
    for (int i = 0; i < steps; i++) {
        s.history[s.position] = reference_rounded((float)exp(10 * random_normal(&check->random)));
        s.position = (s.position + 1) % FP8_HISTORY;
    }
    s.scale = steps ? scale_of((Fp8Format)s.format, amax_of(s.history, FP8_HISTORY)) : 0;
    s.inverse = steps ? 1 / s.scale : 1;
    return s;
}

/* What a step saw: numbers of every size, the bounds of a power of two, nothing, and what is no number. */
static void draw_seen(Check *check, Fp8Scale *s) {
    const float special[] = {0, INFINITY, NAN, 448, reference_float(bits_of(448) + 1), 57344, 1e-38f, 3e38f, 0x1p-149f};
    const int which = check_between(check, 0, 17);
    s->amax = which < 9 ? special[which] : (float)exp(20 * random_normal(&check->random));
    s->saturated = check_coin(check) ? 0 : random_u32(&check->random) >> 8;
}

void check_begin_fp8(Check *check) {
    const int count = check->round == 1 ? 300 : check_between(check, 1, 40);
    check_shape(check, "count=%d", count);
    Fp8Scale *scales = check_bytes(check, "scales", BUFFER_BOTH, (size_t)count, sizeof *scales);
    for (int i = 0; i < count; i++) {
        scales[i] = draw_scale(check);
        draw_seen(check, &scales[i]);
        if (scales[i].history[0] == 0) /* measured, in the step before */
            scales[i].scale = 4, scales[i].inverse = 0.25f;
    }
    Fp8Scale *first = check_allocate(sizeof *first * (size_t)count);
    memcpy(first, scales, sizeof *first * (size_t)count);
    RUN(check)
    check->ops.begin_fp8(&check->ops, &(BeginFp8){.scales = AT(scales), .count = count});
    for (int i = 0; i < count; i++) {
        Fp8Scale want = first[i];
        want.amax = 0;
        want.saturated = 0;
        if (want.history[0] == 0)
            want.scale = 0, want.inverse = 1;
        if (!same_scale(&scales[i], &want))
            check_fail(check, "scale %d is not as a step begins", i);
    }
    free(first);
}

void check_update_fp8(Check *check) {
    const int count = check->round == 1 ? 300 : check_between(check, 1, 40);
    const float gates[] = {1, INFINITY, NAN};
    const int which = check->round % 6 - 3; /* below 0: none, or one that is open */
    check_shape(check, "count=%d gate=%g", count, which < 0 ? 0 : gates[which]);
    float *gate = check_buffer(check, "gate", BUFFER_INPUT, BUFFER_FLOAT, 1);
    *gate = which < 0 ? 1e30f : gates[which];
    Fp8Scale *scales = check_bytes(check, "scales", BUFFER_BOTH, (size_t)count, sizeof *scales);
    for (int i = 0; i < count; i++) {
        scales[i] = draw_scale(check);
        draw_seen(check, &scales[i]);
    }
    Fp8Scale *first = check_allocate(sizeof *first * (size_t)count);
    memcpy(first, scales, sizeof *first * (size_t)count);
    RUN(check)
    check->ops.update_fp8(&check->ops,
                          &(UpdateFp8){.scales = AT(scales), .count = count, .gate = AT(which == -1 ? NULL : gate)});
    for (int i = 0; i < count && !check->failed; i++) {
        Fp8Scale want = first[i];
        const bool overflow = want.saturated || !isfinite(want.amax);
        want.recent = want.recent * 2 + overflow;
        want.overflows += overflow;
        want.all_saturated += want.saturated;
        if (isfinite(want.amax) && want.amax > 0) {
            want.history[want.position] = want.amax;
            want.position = (want.position + 1) % FP8_HISTORY;
            want.scale = scale_of((Fp8Format)want.format, amax_of(want.history, FP8_HISTORY));
            want.inverse = 1 / want.scale;
        }
        want.amax = 0;
        want.saturated = 0;
        want = which > 0 ? first[i] : want;
        if (!same_scale(&scales[i], &want))
            check_fail(check, "scale %d after amax %g is %g, not %g, or its counts are wrong", i, first[i].amax,
                       scales[i].scale, want.scale);
    }
    free(first);
}

/* Where the largest value is: a grid of `blocks` of 256 threads reads a tensor in laps, and each element of the first,
 * the second and the last lap's ends may be left out by a stride that is a block or an element wrong. */
static size_t place_of_largest(const Check *check, size_t count) {
    const size_t block = 256, blocks = check->round == 3 ? 1024 : 1 + check->round % 3, lap = blocks * block;
    const size_t places[] = {lap, lap - 1, lap + block - 1, count - 1, 2 * lap, 0, 2 * lap - 1};
    const size_t place = places[check->round == 3 ? 2 : check->round % 7];
    return place < count ? place : count - 1;
}

void check_measure_fp8(Check *check) {
    /* The third one for a GPU: the emulator's grids are smaller. */
    const size_t count = check->round == 0   ? 0
                         : check->round == 3 ? 1024 * 256 + 300
                                             : (size_t)check_between(check, 1, 4000);
    Fp8Scale *known = check_bytes(check, "known", BUFFER_BOTH, 1, sizeof *known);
    Fp8Scale *fresh = check_bytes(check, "fresh", BUFFER_BOTH, 1, sizeof *fresh);
    float *x = check_reals(check, "x", BUFFER_INPUT, count, exp(5 * random_normal(&check->random)));
    const bool broken = check->round % 4 == 2;
    const size_t at = place_of_largest(check, count);
    if (count)
        x[at] = broken ? check->round % 8 == 2 ? NAN : -INFINITY : 8 * amax_of(x, count);
    check_shape(check, "count=%zu at=%zu broken=%d", count, at, broken);
    const Fp8Format format = (Fp8Format)check_between(check, 0, 1);
    *known = (Fp8Scale){.scale = 2, .inverse = 0.5f, .format = format};
    *fresh = (Fp8Scale){.inverse = 1, .format = format};
    const Fp8Scale before[2] = {*known, *fresh};
    RUN(check) {
        check->ops.measure_fp8(&check->ops, &(MeasureFp8){.x = AT(x), .scale = AT(known), .count = count});
        check->ops.measure_fp8(&check->ops, &(MeasureFp8){.x = AT(x), .scale = AT(fresh), .count = count});
    }
    EACH(check) {
        Fp8Scale want = before[1];
        want.amax = amax_of(x, count);
        if (isfinite(want.amax) && want.amax > 0) {
            want.scale = scale_of(format, want.amax);
            want.inverse = 1 / want.scale;
        }
        if (!same_scale(known, &before[0]))
            check_fail(check, "a known scale changed");
        if (!same_scale(fresh, &want))
            check_fail(check, "amax %g gave the scale %g, not %g of amax %g", fresh->amax, fresh->scale, want.scale,
                       want.amax);
    }
}

/* A linear layer in codes, and their values. */
typedef struct {
    int rows, in, out;
    Activation act;
    Fp8Scale *a_scale, *w_scale;
    uint8_t *a, *w;           /* x or dy; w, or transposed */
    double *values, *weights; /* of a and w */
} Coded;

/* Codes as a tensor of normal numbers would have, of every size now and then, none of them NaN. */
static uint8_t *draw_codes(Check *check, const char *name, size_t count, Fp8Format format, bool all,
                           const Fp8Scale *scale, double **values) {
    uint8_t *codes = check_bytes(check, name, BUFFER_INPUT, count, 1);
    const Fp8Values known = fp8_values(format);
    *values = check_numbers(check, count);
    for (size_t i = 0; i < count; i++) {
        do
            codes[i] = (uint8_t)(all ? random_below(&check->random, 256)
                                     : (uint32_t)nearest_fp8(100 * random_normal(&check->random), &known));
        while (isnan(fp8_value(codes[i], format)));
        (*values)[i] = fp8_value(codes[i], format) * scale->inverse;
    }
    return codes;
}

static Fp8Scale *draw_power(Check *check, const char *name, Fp8Format format) {
    Fp8Scale *scale = check_bytes(check, name, BUFFER_INPUT, 1, sizeof *scale);
    *scale = (Fp8Scale){.scale = (float)ldexp(1, check_between(check, 3, 8)), .format = format};
    scale->inverse = 1 / scale->scale;
    return scale;
}

/* SHAPE: that a GPU has a product for, or not. VALUES: as a model's, or all codes. */
enum { CODED_ACT, CODED_BIAS, CODED_CODES, CODED_SHAPE, CODED_VALUES, CODED_OPTIONS };
static const Options coded_options = {
    .count = CODED_OPTIONS,
    .levels = {[CODED_ACT] = 3, [CODED_BIAS] = 2, [CODED_CODES] = CODES_KINDS, [CODED_SHAPE] = 2, [CODED_VALUES] = 2}};

static Coded draw_coded(Check *check, Fp8Format format, int options[CODED_OPTIONS]) {
    check_options(check, &coded_options, options);
    Coded c = {.rows = check->round ? check_between(check, 1, 150) : 0,
               .in = 16 * check_between(check, 1, 9),
               .out = 16 * check_between(check, 1, 9),
               .act = options[CODED_ACT]};
    if (options[CODED_SHAPE])
        c.in += check_between(check, -15, -1), c.out += check_between(check, -15, 7);
    if (check->round == 13)
        c.in = 768, c.rows = 33;
    if (check->round == 15)
        c.out = 768, c.rows = 33;
    check->cpu_fp32 = true; /* GPUs make FP8 products into BF16 alone */
    check_shape(check, "rows=%d in=%d out=%d act=%d bias=%d codes=%d", c.rows, c.in, c.out, c.act, options[CODED_BIAS],
                options[CODED_CODES]);
    const bool forward = format == FP8_E4M3;
    c.a_scale = draw_power(check, "its scale", format);
    c.w_scale = draw_power(check, "w's scale", FP8_E4M3);
    c.a = draw_codes(check, forward ? "x" : "dy", (size_t)c.rows * (forward ? c.in : c.out), format,
                     options[CODED_VALUES], c.a_scale, &c.values);
    c.w = draw_codes(check, "w", (size_t)c.in * c.out, FP8_E4M3, options[CODED_VALUES], c.w_scale, &c.weights);
    return c;
}

/* Sums of values [rows][length] by weights [columns][length], and of the terms' sizes. */
static void multiply_codes(const Coded *c, int columns, int length, double *sums, double *sizes) {
    for (int r = 0; r < c->rows; r++)
        for (int j = 0; j < columns; j++)
            for (int i = 0; i < length; i++) {
                const double term = c->values[(size_t)r * length + i] * c->weights[(size_t)j * length + i];
                sums[(size_t)r * columns + j] += term;
                sizes[(size_t)r * columns + j] += fabs(term);
            }
}

void check_linear_forward_fp8(Check *check) {
    int options[CODED_OPTIONS];
    Coded c = draw_coded(check, FP8_E4M3, options);
    const size_t count = (size_t)c.rows * c.out;
    const bool biased = options[CODED_BIAS];
    /* Of the products' own size, so that GELU sees some of each kind only when that is about 1; its own check has all.
     */
    const double size = 1e4 * c.a_scale->inverse * c.w_scale->inverse * sqrt(c.in);
    float *bias = check_reals(check, "bias", BUFFER_INPUT, (size_t)c.out, size);
    float *pre = c.act ? check_real_output(check, "pre", count) : NULL;
    float *y = check_real_output(check, "y", count);
    Codes codes = check_codes(check, options[CODED_CODES], count);
    if (c.act) /* of pre, which is rounded first; GELU's slope reaches 1.13 */
        check_tolerance(check, y, 0, 2.13 * 0x1p-8);
    RUN(check)
    check->ops.linear_forward_fp8(&check->ops, &(LinearForwardFp8){.x = AT(c.a),
                                                                   .x_scale = AT(c.a_scale),
                                                                   .w = AT(c.w),
                                                                   .w_scale = AT(c.w_scale),
                                                                   .bias = AT(biased ? bias : NULL),
                                                                   .act = c.act,
                                                                   .pre = AT(pre),
                                                                   .y = AT(y),
                                                                   .rows = c.rows,
                                                                   .in = c.in,
                                                                   .out = c.out,
                                                                   .codes = check_codes_at(check, &codes)});
    check_codes_of(check, &codes, y, count);
    double *want = check_numbers(check, count), *bound = check_numbers(check, count);
    multiply_codes(&c, c.out, c.in, want, bound);
    for (size_t i = 0; i < count; i++) {
        const double added = biased ? bias[i % (size_t)c.out] : 0;
        want[i] += added;
        bound[i] = (bound[i] + fabs(added)) * (c.in + 1) * ROUNDING; /* as linear_forward's */
    }
    check_bounds(check, c.act ? "pre" : "y", c.act ? pre : y, want, bound, count);
    for (size_t i = 0; i < count && c.act; i++) {
        bound[i] = 1.13 * bound[i] + 2e-7 * (1 + fabs(want[i]));
        want[i] = reference_act(c.act, want[i]);
    }
    check_bounds(check, "y", y, want, bound, count);
}

void check_linear_backward_input_fp8(Check *check) {
    int options[CODED_OPTIONS];
    Coded c = draw_coded(check, FP8_E5M2, options);
    const size_t count = (size_t)c.rows * c.in;
    float *pre = check_reals(check, "pre", BUFFER_INPUT, count, 2);
    float *dx = check_real_output(check, "dx", count);
    Codes codes = check_codes(check, options[CODED_CODES], count);
    if (c.act) /* the product is rounded before the slope multiplies it */
        check_tolerance(check, dx, 0, 2.13 * 0x1p-8);
    RUN(check)
    check->ops.linear_backward_input_fp8(&check->ops,
                                         &(LinearBackwardInputFp8){.dy = AT(c.a),
                                                                   .dy_scale = AT(c.a_scale),
                                                                   .w_transposed = AT(c.w),
                                                                   .w_scale = AT(c.w_scale),
                                                                   .act = c.act,
                                                                   .pre = AT(c.act ? pre : NULL),
                                                                   .dx = AT(dx),
                                                                   .rows = c.rows,
                                                                   .in = c.in,
                                                                   .out = c.out,
                                                                   .codes = check_codes_at(check, &codes)});
    check_codes_of(check, &codes, dx, count);
    double *want = check_numbers(check, count), *bound = check_numbers(check, count);
    multiply_codes(&c, c.in, c.out, want, bound);
    for (size_t i = 0; i < count; i++) {
        const double slope = c.act ? reference_act_slope(c.act, pre[i]) : 1;
        bound[i] = (c.out + 2) * ROUNDING * bound[i] * fabs(slope) + (c.act ? 5e-7 * fabs(want[i]) : 0) + 1e-37;
        want[i] *= slope;
    }
    check_bounds(check, "dx", dx, want, bound, count);
}
