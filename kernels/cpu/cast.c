#include "approx.h"
#include "cpu.h"

#include <math.h>

WIDE static void to_bf16(const float *x, uint16_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = approx_to_bits(x[i]);
        uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
        uint32_t quiet = bits >> 16 | 0x40u;
        y[i] = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
    }
}

WIDE static void from_bf16(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++)
        y[i] = approx_from_bits((uint32_t)x[i] << 16);
}

void cpu_cast_to_bf16(Ops *ops, const float *x, uint16_t *y, size_t count) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < count; i += PIECE)
        to_bf16(x + i, y + i, cpu_min(PIECE, count - i));
}

void cpu_cast_from_bf16(Ops *ops, const uint16_t *x, float *y, size_t count) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < count; i += PIECE)
        from_bf16(x + i, y + i, cpu_min(PIECE, count - i));
}

/* What tells one 8-bit format from the other. */
typedef struct {
    uint32_t drop;    /* low bits of a float's fraction that the format lacks */
    uint32_t bias;    /* difference of the exponents' biases */
    float least;      /* smallest normal value */
    float shift;      /* 2^23 times the smallest value: adding it rounds to multiples of that */
    uint32_t largest; /* code of the largest value */
} Format;

static const Format formats[] = {
    [FP8_E4M3] = {20, 127 - 7, 0x1p-6f, 0x1p14f, 0x7e},
    [FP8_E5M2] = {21, 127 - 15, 0x1p-14f, 0x1p7f, 0x7b},
};

/* Returns the largest |x|, taking NaN for 0. NaN becomes 0x7f in both formats, as conversions by the GPU do. */
WIDE static float to_fp8(const float *x, float scale, Format f, uint8_t *y, size_t count) {
    uint32_t largest = 0;
#pragma omp simd reduction(max : largest)
    for (size_t i = 0; i < count; i++) {
        uint32_t size = approx_to_bits(x[i]) & 0x7fffffffu;
        size = size > 0x7f800000u ? 0u : size;
        largest = size > largest ? size : largest; /* non-negative floats are ordered as their bits */
        uint32_t bits = approx_to_bits(x[i] * scale), sign = bits >> 31 << 7;
        bits &= 0x7fffffffu;
        uint32_t normal = (bits + (1u << (f.drop - 1)) - 1u + (bits >> f.drop & 1u)) >> f.drop;
        normal -= f.bias << (23 - f.drop);
        uint32_t small = approx_to_bits(approx_from_bits(bits) + f.shift) - approx_to_bits(f.shift);
        uint32_t code = approx_from_bits(bits) < f.least ? small : normal;
        code = code > f.largest ? f.largest : code;
        y[i] = (uint8_t)(bits > 0x7f800000u ? 0x7fu : sign | code);
    }
    return approx_from_bits(largest);
}

void cpu_quantise_fp8(Ops *ops, const float *x, float scale, Fp8Format format, uint8_t *y, float *amax, size_t count) {
    if (ops->error)
        return;
    float largest = 0;
#pragma omp parallel for num_threads(ops->threads) schedule(static) reduction(max : largest)
    for (size_t i = 0; i < count; i += PIECE) {
        float found = to_fp8(x + i, scale, formats[format], y + i, cpu_min(PIECE, count - i));
        largest = found > largest ? found : largest;
    }
    *amax = largest;
}
