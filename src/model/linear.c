/* SPDX-License-Identifier: Apache-2.0 */
#include "model/linear.h"

#include <stdio.h>

Linear linear_add(Params *params, const char *name, int layer, int in, int out) {
    char part[64];
    Linear linear = {.in = in, .out = out};
    snprintf(part, sizeof part, "%s.weight", name);
    linear.weight = params_add(params, part, true, layer, 2, (int64_t[]){out, in});
    snprintf(part, sizeof part, "%s.bias", name);
    linear.bias = params_add(params, part, true, layer, 1, (int64_t[]){out});
    return linear;
}

const Fp8Codes *linear_codes(const Linear *linear, Fp8Tensor tensor, Fp8Codes *codes) {
    return linear ? fp8_layer_codes(linear->fp8, tensor, codes) : NULL;
}

void linear_forward(const Linear *linear, Ops *ops, const Params *params, const LinearPass *a) {
    const Real *bias = params_weight(params, linear->bias);
    Fp8Layer *fp8 = linear->fp8;
    if (!fp8_layer_is_on(fp8)) {
        ops->linear_forward(ops, &(LinearForward){.x = a->x,
                                                  .w = params_weight(params, linear->weight),
                                                  .bias = bias,
                                                  .act = a->act,
                                                  .pre = a->pre,
                                                  .y = a->y,
                                                  .rows = a->rows,
                                                  .in = linear->in,
                                                  .out = linear->out});
        return;
    }
    const uint8_t *x = fp8_layer_quantise(fp8, FP8_INPUT, a->x, a->rows, linear->in);
    Fp8Codes codes;
    ops->linear_forward_fp8(ops, &(LinearForwardFp8){.x = x,
                                                     .x_scale = fp8_layer_scale(fp8, FP8_INPUT),
                                                     .w = fp8_layer_weight(fp8),
                                                     .w_scale = fp8_layer_scale(fp8, FP8_WEIGHT),
                                                     .bias = bias,
                                                     .act = a->act,
                                                     .pre = a->pre,
                                                     .y = a->y,
                                                     .rows = a->rows,
                                                     .in = linear->in,
                                                     .out = linear->out,
                                                     .codes = linear_codes(a->next, FP8_INPUT, &codes)});
}

static void input_gradient(const Linear *linear, Ops *ops, const Params *params, const LinearGradient *a) {
    Fp8Layer *fp8 = linear->fp8;
    if (!fp8_layer_is_on(fp8)) {
        ops->linear_backward_input(ops, &(LinearBackwardInput){.dy = a->dy,
                                                               .w = params_weight(params, linear->weight),
                                                               .act = a->act,
                                                               .pre = a->pre,
                                                               .dx = a->dx,
                                                               .rows = a->rows,
                                                               .in = linear->in,
                                                               .out = linear->out});
        return;
    }
    const uint8_t *dy = fp8_layer_quantise(fp8, FP8_GRADIENT, a->dy, a->rows, linear->out);
    Fp8Codes codes;
    ops->linear_backward_input_fp8(ops,
                                   &(LinearBackwardInputFp8){.dy = dy,
                                                             .dy_scale = fp8_layer_scale(fp8, FP8_GRADIENT),
                                                             .w_transposed = fp8_layer_weight_transposed(fp8),
                                                             .w_scale = fp8_layer_scale(fp8, FP8_WEIGHT),
                                                             .act = a->act,
                                                             .pre = a->pre,
                                                             .dx = a->dx,
                                                             .rows = a->rows,
                                                             .in = linear->in,
                                                             .out = linear->out,
                                                             .codes = linear_codes(a->next, FP8_GRADIENT, &codes)});
}

void linear_backward(const Linear *linear, Ops *ops, const Params *params, const LinearGradient *a) {
    ops->linear_backward_weight(ops, &(LinearBackwardWeight){.dy = a->dy,
                                                             .x = a->x,
                                                             .dw = params_grad(params, linear->weight),
                                                             .dbias = params_grad(params, linear->bias),
                                                             .add = a->add,
                                                             .rows = a->rows,
                                                             .in = linear->in,
                                                             .out = linear->out});
    if (a->dx)
        input_gradient(linear, ops, params, a);
}
