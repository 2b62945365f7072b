/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions as plain polynomials, without branches, so that loops over them vectorise. The polynomials are
 * minimax, found by Remez' exchange for the weights named. */
#ifndef FOVEA_APPROX_H
#define FOVEA_APPROX_H

#include "ops/ops.h"
#include <string.h>

static inline float approx_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t approx_to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* 2^x for -126 <= x <= 127, relative error below 1.5e-7; NaN stays NaN. */
static inline float approx_exp2(float x) {
    /* Adding 1.5 * 2^23 + 127 rounds x to an integer n; the low bits are then n + 127, the exponent of 2^n. */
    const float shift = 12583039.0f;
    const float shifted = x + shift, f = x - (shifted - shift);
    /* 2^f over [-1/2, 1/2], 1 at 0; relative error 2.6e-9. */
    float p = 0.000155946776f;
    p = p * f + 0.00134066439f;
    p = p * f + 0.00961769297f;
    p = p * f + 0.0555031055f;
    p = p * f + 0.240226528f;
    p = p * f + 0.693147215f;
    p = p * f + 1.0f;
    return p * approx_from_bits(approx_to_bits(shifted) << 23);
}

/* |x|, but no more than 13, where e^(-x^2/2) is below 3e-37 and nothing changes any more; NaN stays NaN. */
static inline float approx_size(float x) {
    const float size = approx_from_bits(approx_to_bits(x) & 0x7fffffffu);
    return size > 13.0f ? 13.0f : size;
}

/* P(X > t) - slope * t * phi(t) for the standard normal distribution and its density phi, 0 <= t <= 13, slope 0 or 1:
 * the absolute error is below 1e-7. NaN stays NaN. */
static inline float approx_normal_tail(float t, float slope) {
    const float gauss = approx_exp2(t * t * -0.721347520f); /* e^(-t^2/2) */
    /* The tail is that times a smooth function, 0.5 at 0, fitted over [0, 6] with the weight gauss (error 1.8e-8). The
     * density is a multiple of gauss, so t phi(t) joins the linear term. */
    const uint32_t bits = approx_to_bits(t), six = 0x40c00000u;
    const float u = approx_from_bits(bits < six ? bits : six);
    float p = -3.23842792e-07f;
    p = p * u + 7.87950717e-06f;
    p = p * u - 8.62692974e-05f;
    p = p * u + 0.000571003408f;
    p = p * u - 0.00261228569f;
    p = p * u + 0.00904665326f;
    p = p * u - 0.0255247977f;
    p = p * u + 0.061965131f;
    p = p * u - 0.132824915f;
    p = p * u + 0.249977384f;
    p = p * u + (-0.398941144f - slope * 0.398942280f);
    p = p * u + 0.5f;
    return p * gauss;
}

#endif
