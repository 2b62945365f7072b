/* SPDX-License-Identifier: Apache-2.0 */
#include "model/fp8.h"

#include <stdio.h>
#include <stdlib.h>

struct Fp8Layer {
    Fp8 *owner;
    char name[64];
    int weight, in, out;       /* parameter index; shape */
    uint8_t *w, *w_transposed; /* codes, [out][in] and [in][out] */
    bool off;
};

struct Fp8 {
    Ops *ops;
    const Params *params;
    int count, capacity, generation;
    bool again;            /* the step has already quantised these tensors */
    bool fresh;            /* some scale is not known: tensors are measured for it */
    Fp8Scale *scales;      /* [count][FP8_TENSORS] */
    uint8_t *codes;        /* of the next product's input */
    const Fp8Scale *coded; /* of the tensor whose codes another operation has written there; NULL: none */
    Fp8Layer list[];
};

Status fp8_check(const char *gpu, int capability) {
    enum { MIN_CAPABILITY = 89 };
    if (!capability || capability >= MIN_CAPABILITY)
        return NULL;
    return status_error(EXIT_MISSING,
                        "the %s is of compute capability %d.%d, which has no FP8 (%d.%d and later have): compute in "
                        "BF16, or on the CPU, which simulates FP8",
                        gpu, capability / 10, capability % 10, MIN_CAPABILITY / 10, MIN_CAPABILITY % 10);
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

void fp8_clear(Fp8 *fp8) {
    if (fp8)
        fp8->count = 0;
}

Fp8Layer *fp8_add(Fp8 *fp8, const char *name, int weight, int in, int out) {
    if (!fp8 || fp8->count == fp8->capacity)
        return NULL;
    Fp8Layer *layer = &fp8->list[fp8->count++];
    *layer = (Fp8Layer){.owner = fp8, .weight = weight, .in = in, .out = out};
    snprintf(layer->name, sizeof layer->name, "%s", name);
    return layer;
}

void fp8_place(Fp8 *fp8, Arena *arena, size_t rows) {
    if (!fp8)
        return;
    size_t widest = 0;
    for (int i = 0; i < fp8->count; i++) {
        Fp8Layer *layer = &fp8->list[i];
        const size_t in = (size_t)layer->in, out = (size_t)layer->out, wider = in > out ? in : out;
        layer->w = arena_take(arena, in * out);
        layer->w_transposed = arena_take(arena, in * out);
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

static Fp8Scale *find_scale(const Fp8Layer *layer, Fp8Tensor tensor) {
    const Fp8 *fp8 = layer->owner;
    return fp8->scales + (layer - fp8->list) * FP8_TENSORS + tensor;
}

static void quantise_tensor(const Fp8Layer *layer, Fp8Tensor tensor, const Real *x, uint8_t *codes, uint8_t *transposed,
                            int rows, int columns) {
    const Fp8 *fp8 = layer->owner;
    Ops *ops = fp8->ops;
    Fp8Scale *scale = find_scale(layer, tensor);
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
        const Fp8Layer *layer = &fp8->list[i];
        if (!layer->off)
            quantise_tensor(layer, FP8_WEIGHT, params_weight(fp8->params, layer->weight), layer->w, layer->w_transposed,
                            layer->out, layer->in);
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

static size_t scale_bytes(const Fp8 *fp8) {
    return (size_t)fp8->count * FP8_TENSORS * sizeof *fp8->scales;
}

Status fp8_read(const Fp8 *fp8, Fp8Scale *scales) {
    return fp8_linears(fp8) ? device_read(fp8->ops->device, scales, fp8->scales, scale_bytes(fp8)) : NULL;
}

Status fp8_write(Fp8 *fp8, const Fp8Scale *scales) {
    if (!fp8_linears(fp8))
        return NULL;
    fp8->fresh = false;
    for (int i = 0; i < fp8->count * FP8_TENSORS; i++)
        fp8->fresh |= scales[i].history[0] == 0;
    fp8->generation++;
    return device_write(fp8->ops->device, fp8->scales, scales, scale_bytes(fp8));
}

Status fp8_read_overflows(Fp8 *fp8, Fp8Scale *scales) {
    if (!fp8_linears(fp8))
        return NULL;
    TRY(fp8_read(fp8, scales));
    Fp8Scale *without = malloc(scale_bytes(fp8));
    if (!without)
        return status_no_memory("the scales of FP8", scale_bytes(fp8));
    for (int i = 0; i < fp8->count * FP8_TENSORS; i++) {
        without[i] = scales[i];
        without[i].overflows = 0;
        without[i].all_saturated = 0;
    }
    Status status = device_write(fp8->ops->device, fp8->scales, without, scale_bytes(fp8));
    free(without);
    return status;
}

Status fp8_reset(Fp8 *fp8) {
    if (!fp8_linears(fp8))
        return NULL;
    Fp8Scale *scales = calloc(1, scale_bytes(fp8));
    if (!scales)
        return status_no_memory("the scales of FP8", scale_bytes(fp8));
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

bool fp8_layer_is_on(const Fp8Layer *layer) {
    return layer && !layer->off;
}

const Fp8Codes *fp8_layer_codes(Fp8Layer *layer, Fp8Tensor tensor, Fp8Codes *codes) {
    if (!fp8_layer_is_on(layer) || layer->owner->fresh)
        return NULL;
    Fp8 *fp8 = layer->owner;
    *codes = (Fp8Codes){.scale = find_scale(layer, tensor), .seen = fp8->again, .y = fp8->codes};
    fp8->coded = codes->scale;
    return codes;
}

const uint8_t *fp8_layer_quantise(Fp8Layer *layer, Fp8Tensor tensor, const Real *x, int rows, int columns) {
    Fp8 *fp8 = layer->owner;
    if (fp8->coded != find_scale(layer, tensor))
        quantise_tensor(layer, tensor, x, fp8->codes, NULL, rows, columns);
    fp8->coded = NULL;
    return fp8->codes;
}

const Fp8Scale *fp8_layer_scale(const Fp8Layer *layer, Fp8Tensor tensor) {
    return find_scale(layer, tensor);
}

const uint8_t *fp8_layer_weight(const Fp8Layer *layer) {
    return layer->w;
}

const uint8_t *fp8_layer_weight_transposed(const Fp8Layer *layer) {
    return layer->w_transposed;
}
