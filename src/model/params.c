/* SPDX-License-Identifier: Apache-2.0 */
#include "model/params.h"

#include <stdio.h>
#include <string.h>

enum { TENSOR_ALIGNMENT = 16 }; /* elements: 64 bytes, a cache line */

void params_begin(Params *params, Arena *arena, int capacity) {
    *params = (Params){.capacity = capacity};
    params->list = arena_take(arena, sizeof(Param) * (size_t)capacity);
}

void params_freeze(Params *params, int layers) {
    params->frozen_layers = layers;
}

/* From the start of a tensor to that of the next one. */
static size_t padded(size_t count) {
    return (count + TENSOR_ALIGNMENT - 1) / TENSOR_ALIGNMENT * TENSOR_ALIGNMENT;
}

int params_add(Params *params, const char *name, bool trainable, int layer, int dims, const int64_t *shape) {
    size_t count = 1;
    for (int i = 0; i < dims; i++)
        count *= (size_t)shape[i];
    const bool frozen = trainable && layer < params->frozen_layers;
    params->total += padded(count);
    if (trainable && !frozen)
        params->trained += padded(count);
    int index = params->count++;
    if (params->list) {
        Param *param = &params->list[index];
        *param = (Param){.dims = dims, .count = count, .trainable = trainable, .frozen = frozen, .layer = layer};
        snprintf(param->name, sizeof param->name, "%s", name);
        memcpy(param->shape, shape, sizeof *shape * (size_t)dims);
    }
    return index;
}

void params_add_fresh(const Params *params, int index) {
    if (params->list)
        params->list[index].fresh = true;
}

static void place_tensors(Params *params) {
    size_t trained = 0, rest = params->trained;
    for (int i = 0; params->list && i < params->count; i++) {
        Param *param = &params->list[i];
        size_t *end = param_is_trained(param) ? &trained : &rest;
        param->offset = *end;
        *end += padded(param->count);
    }
}

void params_end(Params *params, Arena *arena, const Device *device, RealType products) {
    params->device = device;
    place_tensors(params);
    arena_group(arena, "parameters");
    params->value = arena_take(arena, sizeof(float) * params->total);
    arena_group(arena, "their copies in BF16");
    if (products == REAL_BF16)
        params->rounded = arena_take(arena, sizeof *params->rounded * params->total);
    arena_group(arena, "gradients");
    params->grad = arena_take(arena, sizeof(float) * params->trained);
    arena_group(arena, "moments");
    params->m = arena_take(arena, sizeof(float) * params->trained);
    params->v = arena_take(arena, sizeof(float) * params->trained);
}

float *params_value(const Params *params, int index) {
    return params->value + params->list[index].offset;
}

const Real *params_weight(const Params *params, int index) {
    const size_t offset = params->list[index].offset;
    return params->rounded ? (const Real *)(params->rounded + offset) : params->value + offset;
}

void params_round(const Params *params, Ops *ops) {
    if (params->rounded)
        ops->cast_to_bf16(ops, &(CastToBf16){.x = params->value, .y = params->rounded, .count = params->total});
}

float *params_grad(const Params *params, int index) {
    const Param *param = &params->list[index];
    return param_is_trained(param) ? params->grad + param->offset : NULL;
}

const Param *params_find(const Params *params, const char *name) {
    for (int i = 0; i < params->count; i++)
        if (strcmp(params->list[i].name, name) == 0)
            return &params->list[i];
    return NULL;
}

static bool same_shape(const Param *param, const Tensor *tensor) {
    if (tensor->type != TYPE_F32 || tensor->dims != param->dims)
        return false;
    for (int i = 0; i < param->dims; i++)
        if (tensor->shape[i] != param->shape[i])
            return false;
    return true;
}

Status params_read(const Params *params, float *what, const SafeTensors *file, const char *prefix) {
    bool trained_only = what != params->value;
    char wrong[512] = "";
    size_t used = 0;
    int faults = 0;
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->list[i];
        if (trained_only && !param_is_trained(param))
            continue;
        char name[96];
        snprintf(name, sizeof name, "%s%s", prefix, param->name);
        const Tensor *tensor = safetensors_find(file, name);
        if (tensor && same_shape(param, tensor)) {
            TRY(device_write(params->device, what + param->offset, tensor->data, sizeof(float) * param->count));
            continue;
        }
        if (faults++ < 4)
            used += (size_t)snprintf(wrong + used, sizeof wrong - used, " %s (%s)", name,
                                     tensor ? "other shape or type" : "missing");
    }
    if (faults)
        return status_error(EXIT_DATA, "%d of the model's tensors do not fit the file:%s%s; is it this model's?",
                            faults, wrong, faults > 4 ? " ..." : "");
    return NULL;
}

int params_views(const Params *params, const float *what, bool trained_only, const char *prefix, char (*names)[96],
                 Tensor *tensors) {
    int count = 0;
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->list[i];
        if (trained_only && !param_is_trained(param))
            continue;
        snprintf(names[count], sizeof names[count], "%s%s", prefix, param->name);
        Tensor *tensor = &tensors[count];
        *tensor = (Tensor){.name = names[count],
                           .type = TYPE_F32,
                           .dims = param->dims,
                           .count = (int64_t)param->count,
                           .data = what + param->offset};
        memcpy(tensor->shape, param->shape, sizeof param->shape[0] * (size_t)param->dims);
        count++;
    }
    return count;
}
