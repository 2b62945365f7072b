/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fp8.h"

#include "model/linear.h"

#include <stdio.h>
#include <stdlib.h>

struct Fp8 {
    Ops *ops;
    const Params *params;
    int count, capacity, generation;
    bool again;            /* what is quantised was before */
    bool fresh;            /* some scale is not known: it is to be taken from the tensor */
    Fp8Scale *scales;      /* [count][FP8_TENSORS] */
    uint8_t *codes;        /* of what a product is about to take */
    const Fp8Scale *coded; /* of the tensor whose codes another operation has left there; NULL: none */
    Fp8Linear list[];
};

Status fp8_check(const char *gpu, int capability) {
    enum { LEAST = 89 };
    if (!capability || capability >= LEAST)
        return NULL;
    return status_error(EXIT_MISSING,
                        "train.precision = fp8: the %s is of compute capability %d.%d, which has no FP8 (%d.%d and "
                        "later have); take train.precision = bf16, or train.device = cpu, which simulates it",
                        gpu, capability / 10, capability % 10, LEAST / 10, LEAST % 10);
}

Status fp8_open(Ops *ops, const Params *params, int capacity, Fp8 **out) {
    *out = NULL;
    TRY(fp8_check(ops->device->model, ops->device->capability));
    const size_t bytes = sizeof **out + sizeof *(*out)->list * (size_t)capacity;
    Fp8 *fp8 = *out = calloc(1, bytes);
    if (!fp8)
        return status_no_memory("the list of layers in FP8", bytes);
    fp8->ops = ops;
    fp8->params = params;
    fp8->capacity = capacity;
    return NULL;
}

void fp8_close(Fp8 *fp8) {
    free(fp8);
}

void fp8_begin_list(Fp8 *fp8) {
    if (fp8)
        fp8->count = 0;
}

Fp8Linear *fp8_add(Fp8 *fp8, const char *name, int weight, int in, int out) {
    if (!fp8 || fp8->count == fp8->capacity)
        return NULL;
    Fp8Linear *linear = &fp8->list[fp8->count++];
    *linear = (Fp8Linear){.owner = fp8, .weight = weight, .in = in, .out = out};
    snprintf(linear->name, sizeof linear->name, "%s", name);
    return linear;
}

void fp8_place(Fp8 *fp8, Arena *arena, size_t rows) {
    if (!fp8)
        return;
    size_t widest = 0;
    for (int i = 0; i < fp8->count; i++) {
        Fp8Linear *linear = &fp8->list[i];
        const size_t in = (size_t)linear->in, out = (size_t)linear->out, wider = in > out ? in : out;
        linear->w = arena_take(arena, in * out);
        linear->w_transposed = arena_take(arena, in * out);
        widest = wider > widest ? wider : widest;
    }
    fp8->scales = arena_take(arena, (size_t)fp8->count * FP8_TENSORS * sizeof *fp8->scales);
    fp8->codes = arena_take(arena, rows * widest);
}

int fp8_linears(const Fp8 *fp8) {
    return fp8 ? fp8->count : 0;
}

const char *fp8_name(const Fp8 *fp8, int linear) {
    return fp8->list[linear].name;
}

int fp8_generation(const Fp8 *fp8) {
    return fp8 ? fp8->generation : 0;
}

static Fp8Scale *scale_of(const Fp8Linear *linear, Fp8Tensor tensor) {
    const Fp8 *fp8 = linear->owner;
    return fp8->scales + (linear - fp8->list) * FP8_TENSORS + tensor;
}

static void quantise(const Fp8Linear *linear, Fp8Tensor tensor, const Real *x, uint8_t *codes, uint8_t *transposed,
                     int rows, int columns) {
    const Fp8 *fp8 = linear->owner;
    Ops *ops = fp8->ops;
    Fp8Scale *scale = scale_of(linear, tensor);
    if (fp8->fresh)
        ops->measure_fp8(ops, &(MeasureFp8){.x = x, .scale = scale, .count = (size_t)rows * (size_t)columns});
    ops->quantise_fp8(ops, &(QuantiseFp8){.x = x,
                                          .scale = scale,
                                          .seen = fp8->again,
                                          .y = codes,
                                          .transposed = transposed,
                                          .rows = rows,
                                          .columns = columns});
}

void fp8_begin(Fp8 *fp8) {
    if (!fp8_linears(fp8))
        return;
    fp8->coded = NULL;
    fp8->ops->begin_fp8(fp8->ops, &(BeginFp8){.scales = fp8->scales, .count = fp8->count * FP8_TENSORS});
    for (int i = 0; i < fp8->count; i++) {
        const Fp8Linear *linear = &fp8->list[i];
        if (!linear->off)
            quantise(linear, FP8_WEIGHT, params_weight(fp8->params, linear->weight), linear->w, linear->w_transposed,
                     linear->out, linear->in);
    }
}

void fp8_end(Fp8 *fp8, const float *gate) {
    if (fp8_linears(fp8))
        fp8->ops->update_fp8(fp8->ops,
                             &(UpdateFp8){.scales = fp8->scales, .count = fp8->count * FP8_TENSORS, .gate = gate});
}

void fp8_repeat(Fp8 *fp8, bool again) {
    if (!fp8)
        return;
    fp8->again = again;
    fp8->coded = NULL;
}

void fp8_settle(Fp8 *fp8) {
    if (!fp8)
        return;
    fp8->generation += fp8->fresh;
    fp8->fresh = false;
}

static size_t scales_size(const Fp8 *fp8) {
    return (size_t)fp8->count * FP8_TENSORS * sizeof *fp8->scales;
}

Status fp8_read(const Fp8 *fp8, Fp8Scale *scales) {
    return fp8_linears(fp8) ? device_read(fp8->ops->device, scales, fp8->scales, scales_size(fp8)) : NULL;
}

Status fp8_write(Fp8 *fp8, const Fp8Scale *scales) {
    if (!fp8_linears(fp8))
        return NULL;
    fp8->fresh = false;
    for (int i = 0; i < fp8->count * FP8_TENSORS; i++)
        fp8->fresh |= scales[i].history[0] == 0;
    fp8->generation++;
    return device_write(fp8->ops->device, fp8->scales, scales, scales_size(fp8));
}

Status fp8_tell(Fp8 *fp8, Fp8Scale *scales) {
    if (!fp8_linears(fp8))
        return NULL;
    TRY(fp8_read(fp8, scales));
    Fp8Scale *without = malloc(scales_size(fp8));
    if (!without)
        return status_no_memory("the scales of FP8", scales_size(fp8));
    for (int i = 0; i < fp8->count * FP8_TENSORS; i++) {
        without[i] = scales[i];
        without[i].overflows = 0;
        without[i].all_saturated = 0;
    }
    Status status = device_write(fp8->ops->device, fp8->scales, without, scales_size(fp8));
    free(without);
    return status;
}

Status fp8_reset(Fp8 *fp8) {
    if (!fp8_linears(fp8))
        return NULL;
    Fp8Scale *scales = calloc(1, scales_size(fp8));
    if (!scales)
        return status_no_memory("the scales of FP8", scales_size(fp8));
    for (int i = 0; i < fp8->count; i++) {
        fp8->list[i].off = false;
        scales[i * FP8_TENSORS + FP8_GRADIENT].format = FP8_E5M2;
    }
    Status status = fp8_write(fp8, scales);
    free(scales);
    return status;
}

bool fp8_is_off(const Fp8 *fp8, int linear) {
    return fp8->list[linear].off;
}

void fp8_turn_off(Fp8 *fp8, int linear, bool off) {
    fp8->generation += fp8->list[linear].off != off;
    fp8->list[linear].off = off;
}

static bool in_fp8(const Linear *linear) {
    return linear && linear->fp8 && !linear->fp8->off;
}

const Fp8Codes *linear_codes(const Linear *linear, Fp8Tensor tensor, Fp8Codes *codes) {
    if (!in_fp8(linear) || linear->fp8->owner->fresh)
        return NULL;
    Fp8 *fp8 = linear->fp8->owner;
    *codes = (Fp8Codes){.scale = scale_of(linear->fp8, tensor), .seen = fp8->again, .y = fp8->codes};
    fp8->coded = codes->scale;
    return codes;
}

/* The codes of what a product takes, unless they were left already. */
static const uint8_t *codes_of(const Fp8Linear *linear, Fp8Tensor tensor, const Real *x, int rows, int columns) {
    Fp8 *fp8 = linear->owner;
    if (fp8->coded != scale_of(linear, tensor))
        quantise(linear, tensor, x, fp8->codes, NULL, rows, columns);
    fp8->coded = NULL;
    return fp8->codes;
}

void linear_forward(const Linear *linear, Ops *ops, const Params *params, const Real *x, Activation act, Real *pre,
                    Real *y, int rows, const Linear *next) {
    const Real *bias = params_weight(params, linear->bias);
    if (!in_fp8(linear)) {
        ops->linear_forward(ops, &(LinearForward){.x = x,
                                                  .w = params_weight(params, linear->weight),
                                                  .bias = bias,
                                                  .act = act,
                                                  .pre = pre,
                                                  .y = y,
                                                  .rows = rows,
                                                  .in = linear->in,
                                                  .out = linear->out});
        return;
    }
    const Fp8Linear *fp8 = linear->fp8;
    const uint8_t *codes = codes_of(fp8, FP8_INPUT, x, rows, linear->in);
    Fp8Codes left;
    ops->linear_forward_fp8(ops, &(LinearForwardFp8){.x = codes,
                                                     .x_scale = scale_of(fp8, FP8_INPUT),
                                                     .w = fp8->w,
                                                     .w_scale = scale_of(fp8, FP8_WEIGHT),
                                                     .bias = bias,
                                                     .act = act,
                                                     .pre = pre,
                                                     .y = y,
                                                     .rows = rows,
                                                     .in = linear->in,
                                                     .out = linear->out,
                                                     .codes = linear_codes(next, FP8_INPUT, &left)});
}

void linear_backward(const Linear *linear, Ops *ops, const Params *params, const Real *dy, const Real *x,
                     Activation act, const Real *pre, Real *dx, bool add, int rows, const Linear *next) {
    ops->linear_backward_weight(ops, &(LinearBackwardWeight){.dy = dy,
                                                             .x = x,
                                                             .dw = params_grad(params, linear->weight),
                                                             .dbias = params_grad(params, linear->bias),
                                                             .add = add,
                                                             .rows = rows,
                                                             .in = linear->in,
                                                             .out = linear->out});
    if (!in_fp8(linear)) {
        ops->linear_backward_input(ops, &(LinearBackwardInput){.dy = dy,
                                                               .w = params_weight(params, linear->weight),
                                                               .act = act,
                                                               .pre = pre,
                                                               .dx = dx,
                                                               .rows = rows,
                                                               .in = linear->in,
                                                               .out = linear->out});
        return;
    }
    const Fp8Linear *fp8 = linear->fp8;
    const uint8_t *codes = codes_of(fp8, FP8_GRADIENT, dy, rows, linear->out);
    Fp8Codes left;
    ops->linear_backward_input_fp8(ops, &(LinearBackwardInputFp8){.dy = codes,
                                                                  .dy_scale = scale_of(fp8, FP8_GRADIENT),
                                                                  .w_transposed = fp8->w_transposed,
                                                                  .w_scale = scale_of(fp8, FP8_WEIGHT),
                                                                  .act = act,
                                                                  .pre = pre,
                                                                  .dx = dx,
                                                                  .rows = rows,
                                                                  .in = linear->in,
                                                                  .out = linear->out,
                                                                  .codes = linear_codes(next, FP8_GRADIENT, &left)});
}
