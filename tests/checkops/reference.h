/* The reference's elementary functions, in double. */
#ifndef CHECKOPS_REFERENCE_H
#define CHECKOPS_REFERENCE_H

#include "ops.h"
#include <math.h>

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

#endif
