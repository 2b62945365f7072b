/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/codes.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/quantise.h"
#include "kernels/cpu/real.h"

#include <stdlib.h>

/* Every value that a code stands for, a scale's power of two included, is a BF16: the products are those of the other
 * types, of the codes made values again. */
static void widen_codes(Ops *ops, const uint8_t *x, const Fp8Scale *scale, Real *y, size_t count) {
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
    char *work = (char *)cpu_scratch(ops, what, (a_count + b_count) * size / sizeof(float) + 1);
    if (!work)
        return NULL;
    widen_codes(ops, a, a_scale, work, a_count);
    widen_codes(ops, b, b_scale, work + a_count * size, b_count);
    return work;
}

void cpu_linear_forward_fp8(Ops *ops, const LinearForwardFp8 *a) {
    if (ops->error)
        return;
    const size_t x_count = (size_t)a->rows * a->in, w_count = (size_t)a->out * a->in;
    char *factors =
        open_factors(ops, "linear_forward_fp8's values", a->x, a->x_scale, x_count, a->w, a->w_scale, w_count);
    if (factors)
        cpu_linear_forward(ops, &(LinearForward){.x = factors,
                                                 .w = factors + x_count * real_size(ops->type),
                                                 .bias = a->bias,
                                                 .act = a->act,
                                                 .pre = a->pre,
                                                 .y = a->y,
                                                 .rows = a->rows,
                                                 .in = a->in,
                                                 .out = a->out});
    free(factors);
    quantise_written(ops, a->y, a->codes, a->rows, a->out);
}

OpCost cost_linear_forward_fp8(const LinearForwardFp8 *a, RealType type) {
    const double x = (double)a->rows * a->in, w = (double)a->in * a->out, y = (double)a->rows * a->out;
    const int written = a->act == ACTIVATION_NONE ? 1 : 2; /* pre, too */
    return (OpCost){x + w + (double)real_size(type) * y * written + (a->codes ? y : 0),
                    cost_product(a->rows, a->in, a->out)};
}

void cpu_linear_backward_input_fp8(Ops *ops, const LinearBackwardInputFp8 *a) {
    if (ops->error)
        return;
    const size_t dy_count = (size_t)a->rows * a->out, w_count = (size_t)a->in * a->out;
    char *factors = open_factors(ops, "linear_backward_input_fp8's values", a->dy, a->dy_scale, dy_count,
                                 a->w_transposed, a->w_scale, w_count);
    if (!factors)
        return;
    const Real *w = factors + dy_count * real_size(ops->type);
    cpu_linear_forward(ops,
                       &(LinearForward){.x = factors, .w = w, .y = a->dx, .rows = a->rows, .in = a->out, .out = a->in});
    free(factors);
    if (a->act != ACTIVATION_NONE)
        cpu_gelu_backward(
            ops,
            &(GeluBackward){.dy = a->dx, .x = a->pre, .act = a->act, .dx = a->dx, .count = (size_t)a->rows * a->in});
    quantise_written(ops, a->dx, a->codes, a->rows, a->in);
}

OpCost cost_linear_backward_input_fp8(const LinearBackwardInputFp8 *a, RealType type) {
    const double dx = (double)a->rows * a->in, w = (double)a->in * a->out, dy = (double)a->rows * a->out;
    const int planes = a->act == ACTIVATION_NONE ? 1 : 2; /* pre is read, too */
    return (OpCost){(double)real_size(type) * dx * planes + w + dy + (a->codes ? dx : 0),
                    cost_product(a->rows, a->in, a->out)};
}
