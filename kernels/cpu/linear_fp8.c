/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/codes.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <stdlib.h>

/* Every value that a code stands for, a scale's power of two included, is a BF16: the products are those of the other
 * types, of the codes made values again. */
static void widen(Ops *ops, const uint8_t *x, const Fp8Scale *scale, Real *y, size_t count) {
    float values[CODES];
    uint16_t rounded[CODES];
    for (int code = 0; code < CODES; code++) {
        values[code] = code_value(scale->format, (uint8_t)code, scale->inverse);
        rounded[code] = real_to_bf16(values[code]);
    }
    float *wide = y;
    uint16_t *narrow = y;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < count; i += PIECE)
        for (size_t j = i; j < count && j < i + PIECE; j++)
            if (ops->type == REAL_FP32)
                wide[j] = values[x[j]];
            else
                narrow[j] = rounded[x[j]];
}

/* Room for both factors' values. */
static Real *open_factors(Ops *ops, const char *what, const uint8_t *a, const Fp8Scale *a_scale, size_t a_count,
                          const uint8_t *b, const Fp8Scale *b_scale, size_t b_count) {
    const size_t size = real_size(ops->type);
    char *room = (char *)cpu_scratch(ops, what, (a_count + b_count) * size / sizeof(float) + 1);
    if (!room)
        return NULL;
    widen(ops, a, a_scale, room, a_count);
    widen(ops, b, b_scale, room + a_count * size, b_count);
    return room;
}

void cpu_linear_forward_fp8(Ops *ops, const uint8_t *x, const Fp8Scale *x_scale, const uint8_t *w,
                            const Fp8Scale *w_scale, const Real *bias, Activation act, Real *pre, Real *y, int rows,
                            int in, int out, const Fp8Codes *codes) {
    if (ops->error)
        return;
    const size_t x_count = (size_t)rows * in, w_count = (size_t)out * in;
    char *factors = open_factors(ops, "linear_forward_fp8's values", x, x_scale, x_count, w, w_scale, w_count);
    if (factors)
        cpu_linear_forward(ops, factors, factors + x_count * real_size(ops->type), bias, act, pre, y, rows, in, out);
    free(factors);
    cpu_leave_codes(ops, y, codes, rows, out);
}

void cpu_linear_backward_input_fp8(Ops *ops, const uint8_t *dy, const Fp8Scale *dy_scale, const uint8_t *w_transposed,
                                   const Fp8Scale *w_scale, Activation act, const Real *pre, Real *dx, int rows, int in,
                                   int out, const Fp8Codes *codes) {
    if (ops->error)
        return;
    const size_t dy_count = (size_t)rows * out, w_count = (size_t)in * out;
    char *factors =
        open_factors(ops, "linear_backward_input_fp8's values", dy, dy_scale, dy_count, w_transposed, w_scale, w_count);
    if (!factors)
        return;
    const Real *w = factors + dy_count * real_size(ops->type);
    cpu_linear_forward(ops, factors, w, NULL, ACTIVATION_NONE, NULL, dx, rows, out, in);
    free(factors);
    if (act != ACTIVATION_NONE)
        cpu_gelu_backward(ops, dx, pre, act, dx, (size_t)rows * in);
    cpu_leave_codes(ops, dx, codes, rows, in);
}
