/* SPDX-License-Identifier: Apache-2.0 */
/* The references' elementary functions, in double, and rounding. */
#ifndef CHECKOPS_REFERENCE_H
#define CHECKOPS_REFERENCE_H

#include "ops/ops.h"
#include <math.h>
#include <string.h>

static inline double reference_act(Activation act, double x) {
    if (act == ACTIVATION_GELU_ERF)
        return 0.5 * x * erfc(-x * M_SQRT1_2);
    if (act == ACTIVATION_GELU_TANH)
        return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    return x;
}

static inline double reference_act_slope(Activation act, double x) {
    if (act == ACTIVATION_GELU_ERF)
        return 0.5 * erfc(-x * M_SQRT1_2) + x * exp(-0.5 * x * x) / sqrt(2 * M_PI);
    if (act == ACTIVATION_GELU_TANH) {
        double t = tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
    }
    return 1;
}

static inline float reference_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The BF16 nearest to a number by search: of the two codes around it, the nearer; between them, the even one. */
static inline uint16_t reference_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint16_t below = (uint16_t)(bits >> 16), above = (uint16_t)(below + 1); /* in size; the sign stays */
    if (isinf(x))
        return below;
    if (isnan(x))
        return below | 0x40; /* quiet */
    const double low = reference_float((uint32_t)below << 16);
    const double high = (above & 0x7fff) == 0x7f80 ? copysign(0x1p128, x) : reference_float((uint32_t)above << 16);
    const double to_low = fabs(x - low), to_high = fabs(high - x);
    return to_low < to_high || (to_low == to_high && below % 2 == 0) ? below : above;
}

static inline float reference_from_bf16(uint16_t x) {
    return reference_float((uint32_t)x << 16);
}

static inline float reference_rounded(float x) {
    return reference_from_bf16(reference_bf16(x));
}

#endif
