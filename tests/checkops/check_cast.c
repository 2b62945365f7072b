#include "checkops.h"
#include "reference.h"

#include <math.h>

enum { CODES = 65536, MORE = 5 }; /* MORE: so that counts are odd */

void check_cast_to_bf16(Check *check) {
    /* Every BF16 value, its float neighbours, the halfway points between two and their neighbours. */
    static const uint32_t offsets[] = {0, 1, 0x7fff, 0x8000, 0x8001, 0xffff};
    const size_t count = (size_t)CODES * 6 + MORE;
    float *x = check_buffer(check, "x", BUFFER_INPUT, BUFFER_FLOAT, count);
    for (size_t i = 0; i < count; i++)
        x[i] = reference_float(((uint32_t)(i / 6) << 16) + offsets[i % 6]);
    uint16_t *y = check_buffer(check, "y", BUFFER_OUTPUT, BUFFER_BF16, count);
    RUN(check)
    check->ops.cast_to_bf16(&check->ops, AT(x), AT(y), count);
    EACH(check)
    for (size_t i = 0; i < count && !check->failed; i++) {
        const uint16_t want = reference_bf16(x[i]);
        if (isnan(x[i]) ? (y[i] & 0x7fc0) != 0x7fc0 || (y[i] & 0x7fff) <= 0x7f80 : y[i] != want)
            check_fail(check, "%a became %04x, not %04x", x[i], y[i], want);
    }
}

void check_cast_from_bf16(Check *check) {
    uint16_t *x = check_buffer(check, "x", BUFFER_INPUT, BUFFER_BF16, CODES + MORE);
    float *y = check_float_output(check, "y", CODES + MORE);
    for (int i = 0; i < CODES + MORE; i++)
        x[i] = (uint16_t)i;
    RUN(check)
    check->ops.cast_from_bf16(&check->ops, AT(x), AT(y), CODES + MORE);
    EACH(check)
    for (int i = 0; i < CODES + MORE && !check->failed; i++) {
        const int code = i % CODES, exponent = code >> 7 & 255, fraction = code & 127;
        double want = ldexp(fraction + (exponent ? 128 : 0), (exponent ? exponent : 1) - 134);
        want = exponent == 255 ? fraction ? NAN : INFINITY : want;
        want = code >> 15 ? -want : want;
        if (isnan(want) ? !isnan(y[i]) : y[i] != want || !signbit(y[i]) != !signbit(want))
            check_fail(check, "%04x became %a, not %a", (unsigned)code, y[i], want);
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

/* Quantises x [rows][columns] everywhere and holds every code against the nearest. */
static void check_format(Check *check, const float *x, int rows, int columns, float factor, Fp8Format format,
                         bool transposing) {
    const size_t count = (size_t)rows * columns;
    check_shape(check, "format=%d rows=%d columns=%d scale=%g transposed=%d", format, rows, columns, factor,
                transposing);
    float *values = check_buffer(check, "x", BUFFER_INPUT, BUFFER_REAL, count);
    float *scale = check_buffer(check, "scale", BUFFER_INPUT, BUFFER_FLOAT, 1);
    uint8_t *y = check_bytes(check, "y", BUFFER_OUTPUT, count, 1);
    uint8_t *transposed = transposing ? check_bytes(check, "transposed", BUFFER_OUTPUT, count, 1) : NULL;
    float *amax = check_float_output(check, "amax", 1);
    float largest = 0;
    for (size_t i = 0; i < count; i++) {
        values[i] = x[i];
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    }
    *scale = factor;
    RUN(check)
    check->ops.quantise_fp8(&check->ops, AT(values), AT(scale), format, AT(y), AT(transposed), AT(amax), rows, columns);
    uint8_t *want = check_bytes(check, "want", BUFFER_INPUT, count, 1);
    for (size_t i = 0; i < count; i++) {
        const float scaled = x[i] * factor;
        const double held = fmax(-1e6, fmin(1e6, scaled)); /* beyond both formats: distances stay finite */
        want[i] = (uint8_t)(isnan(scaled) ? 0x7f : nearest_fp8(held, format));
    }
    EACH(check) {
        for (size_t i = 0; i < count && !check->failed; i++) {
            if (y[i] != want[i])
                check_fail(check, "%a times %g became %02x, not %02x", x[i], factor, y[i], want[i]);
            if (transposing && transposed[i % columns * rows + i / columns] != want[i])
                check_fail(check, "transposed: %a times %g became %02x, not %02x", x[i], factor,
                           transposed[i % columns * rows + i / columns], want[i]);
        }
        if (*amax != largest)
            check_fail(check, "amax is %g, not %g", *amax, largest);
    }
    check_free(check);
}

void check_quantise_fp8(Check *check) {
    static float x[CODES];
    for (int i = 0; i < CODES; i++)
        x[i] = reference_float((uint32_t)i << 16);
    check_format(check, x, 256, 256, 1, FP8_E4M3, true);
    check_format(check, x, 1024, 64, 1, FP8_E5M2, true);
    check_format(check, x, 16, 4096, 3.7f, FP8_E4M3, false);
    /* Odd shapes and none, of values that BF16 has, too, without infinities: amax is the largest of the rest. */
    static const int shapes[][2] = {{1, 1}, {0, 5}, {33, 65}, {130, 3}, {7, 200}, {1, 1000}, {1000, 1}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int i = 0; i < 7000; i++)
            x[i] = i % 500 == 499 ? NAN : (float)check_between(check, -128, 127) / 8;
        check_format(check, x, shapes[s][0], shapes[s][1], 100, FP8_E5M2, s % 4 != 3);
    }
}
