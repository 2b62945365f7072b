/* SPDX-License-Identifier: Apache-2.0 */
/* FP8 codes: their values, and the scales that go with them. */
#ifndef FOVEA_CPU_CODES_H
#define FOVEA_CPU_CODES_H

#include "kernels/cpu/approx.h"

enum { CODES = 256, FP8_NAN = 0x7f };

/* The constants of a format. */
typedef struct {
    uint32_t drop;    /* low bits of a float's fraction that the format lacks */
    uint32_t bias;    /* difference of the exponents' biases */
    float least;      /* smallest normal value */
    float shift;      /* 2^23 times the smallest value: adding it rounds to multiples of that */
    uint32_t largest; /* code of the largest value, */
    float limit;      /* and the value: 1.75 times 2^top in both formats */
    int top;
} CodeFormat;

static inline CodeFormat code_format(int format) {
    return format == FP8_E4M3 ? (CodeFormat){20, 127 - 7, 0x1p-6f, 0x1p14f, 0x7e, 448, 8}
                              : (CodeFormat){21, 127 - 15, 0x1p-14f, 0x1p7f, 0x7b, 57344, 15};
}

/* The value of a code of `format`, times 1 / scale. */
static inline float code_value(int format, uint8_t code, float inverse) {
    const int bits = format == FP8_E4M3 ? 3 : 2;
    const int exponent = (code & 127) >> bits, fraction = code & ((1 << bits) - 1);
    const int units = exponent ? fraction + (1 << bits) : fraction; /* of the last place at this exponent */
    const int power = (exponent ? exponent : 1) - (format == FP8_E4M3 ? 7 : 15) - bits;
    const float size = (float)units * approx_from_bits((uint32_t)(127 + power) << 23) * inverse;
    const bool nan = format == FP8_E4M3 ? (code & 127) == 127 : exponent == 31;
    return approx_from_bits((nan ? 0x7fc00000u : approx_to_bits(size)) | (uint32_t)code >> 7 << 31);
}

/* The scale for `amax`, positive and finite, see Fp8Scale; a product of two inverses is a normal float still. */
static inline float code_scale(int format, float amax) {
    enum { MAX_POWER = 60 };
    const uint32_t bits = approx_to_bits(amax);
    const int top = code_format(format).top - (format == FP8_E5M2 ? FP8_MARGIN : 0);
    int power = top - ((int)(bits >> 23) - 127) - ((bits & 0x7fffffu) > 0x600000u);
    power = power > MAX_POWER ? MAX_POWER : power < -MAX_POWER ? -MAX_POWER : power;
    return approx_from_bits((uint32_t)(127 + power) << 23);
}

#endif
