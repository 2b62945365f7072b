#include "../../kernels/cpu/approx.h"
#include "checkops.h"

#include <math.h>
#include <string.h>

enum { CODES = 65536 };

/* The BF16 nearest to x by search: of the two codes around it, the nearer; between them, the even one. */
static uint16_t nearest_bf16(float x) {
    uint16_t below = (uint16_t)(approx_to_bits(x) >> 16), above = (uint16_t)(below + 1); /* in size; the sign stays */
    double low = approx_from_bits((uint32_t)below << 16);
    double high = (above & 0x7fff) == 0x7f80 ? copysign(0x1p128, x) : approx_from_bits((uint32_t)above << 16);
    double to_low = fabs(x - low), to_high = fabs(high - x);
    return to_low < to_high || (to_low == to_high && below % 2 == 0) ? below : above;
}

void check_cast_to_bf16(Check *check) {
    /* Every BF16 value, its float neighbours, the halfway points between two and their neighbours. */
    static const uint32_t offsets[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    const size_t count = (size_t)CODES * 6;
    float *x = check_buffer(check, "x", BUFFER_INPUT, count, sizeof *x);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = ((uint32_t)(i / 6) << 16) + offsets[i % 6];
        memcpy(&x[i], &bits, sizeof bits);
    }
    uint16_t *y = check_buffer(check, "y", BUFFER_OUTPUT, count, sizeof *y);
    RUN(check)
    check->ops.cast_to_bf16(&check->ops, x, y, count);
    for (size_t i = 0; i < count && !check->failed; i++) {
        uint16_t want = isinf(x[i]) ? (uint16_t)(approx_to_bits(x[i]) >> 16) : nearest_bf16(x[i]);
        if (isnan(x[i]) ? (y[i] & 0x7fc0) != 0x7fc0 || (y[i] & 0x7fff) <= 0x7f80 : y[i] != want)
            check_fail(check, "%a became %04x, not %04x", x[i], y[i], want);
    }
}

void check_cast_from_bf16(Check *check) {
    uint16_t *x = check_buffer(check, "x", BUFFER_INPUT, CODES, sizeof *x);
    float *y = check_output(check, "y", CODES);
    for (int i = 0; i < CODES; i++)
        x[i] = (uint16_t)i;
    RUN(check)
    check->ops.cast_from_bf16(&check->ops, x, y, CODES);
    for (int i = 0; i < CODES; i++) {
        const int exponent = i >> 7 & 255, fraction = i & 127;
        double want = ldexp(fraction + (exponent ? 128 : 0), (exponent ? exponent : 1) - 134);
        want = exponent == 255 ? fraction ? NAN : INFINITY : want;
        want = i >> 15 ? -want : want;
        if (isnan(want) ? !isnan(y[i]) : y[i] != want || !signbit(y[i]) != !signbit(want))
            check_fail(check, "%04x became %a, not %a", (unsigned)i, y[i], want);
    }
}

/* What a code stands for, from the formats' definition: E4M3 has no infinities and one NaN, E5M2 is IEEE-like. */
static double fp8_value(int code, Fp8Format format) {
    const int bits = format == FP8_E4M3 ? 3 : 2, bias = format == FP8_E4M3 ? 7 : 15;
    const int exponent = (code & 127) >> bits, fraction = code & ((1 << bits) - 1);
    double value = ldexp(fraction + (exponent ? 1 << bits : 0), (exponent ? exponent : 1) - bias - bits);
    if (format == FP8_E4M3 ? (code & 127) == 127 : exponent == 31)
        value = NAN; /* E5M2's infinities too: nothing becomes one */
    return code >> 7 ? -value : value;
}

/* The nearest finite value by searching all codes; of two, the one with the even code. */
static int nearest_fp8(double x, Fp8Format format) {
    int best = 0;
    for (int code = 0; code < 128; code++) {
        double there = fabs(fabs(x) - fp8_value(code, format)), here = fabs(fabs(x) - fp8_value(best, format));
        if (there < here || (there == here && code % 2 == 0))
            best = code;
    }
    return best | (signbit(x) ? 128 : 0);
}

static void check_format(Check *check, const float *x, float scale, Fp8Format format, uint8_t *y, float *amax) {
    RUN(check)
    check->ops.quantise_fp8(&check->ops, x, scale, format, y, amax, CODES);
    for (int i = 0; i < CODES && !check->failed; i++) {
        float scaled = x[i] * scale;
        double held = fmax(-1e6, fmin(1e6, scaled)); /* beyond both formats: distances stay finite */
        int want = isnan(scaled) ? 0x7f : nearest_fp8(held, format);
        if (y[i] != want)
            check_fail(check, "format %d: %a times %g became %02x, not %02x", format, x[i], scale, y[i], want);
    }
    if (*amax != INFINITY)
        check_fail(check, "amax is %g with infinities among the values", *amax);
}

void check_quantise_fp8(Check *check) {
    float *x = check_buffer(check, "x", BUFFER_INPUT, CODES, sizeof *x), *amax = check_output(check, "amax", 1);
    uint8_t *y = check_buffer(check, "y", BUFFER_OUTPUT, CODES, 1);
    for (int i = 0; i < CODES; i++)
        x[i] = approx_from_bits((uint32_t)i << 16);
    check_format(check, x, 1, FP8_E4M3, y, amax);
    check_format(check, x, 1, FP8_E5M2, y, amax);
    check_format(check, x, 3.7f, FP8_E4M3, y, amax);
    const float few[] = {-3, 2.5f, NAN, 0};
    check->ops.quantise_fp8(&check->ops, few, 100, FP8_E5M2, y, amax, 4);
    check_scalar(check, "amax", *amax, 3, 0);
    check->ops.quantise_fp8(&check->ops, few, 1, FP8_E5M2, y, amax, 0);
    check_scalar(check, "amax of nothing", *amax, 0, 0);
}
