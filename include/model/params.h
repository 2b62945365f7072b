/* SPDX-License-Identifier: Apache-2.0 */
/* A model's parameters: a table of named tensors over flat arrays, so that the optimiser, the checkpoint and the norm
 * each go through memory once. Trained ones come first there. Names and shapes are the public MAE/timm ones. The arrays
 * are memory of the device that the operations run on. */
#ifndef FOVEA_MODEL_PARAMS_H
#define FOVEA_MODEL_PARAMS_H

#include "base/arena.h"
#include "base/safetensors.h"
#include "base/status.h"
#include "device/device.h"
#include "ops/ops.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char name[64];
    int dims;
    int64_t shape[4];
    size_t offset, count; /* elements, into value (and into grad, m, v when trained); known after params_end() */
    bool trainable;
    bool frozen; /* a trainable one that stays as it is: it has neither gradient nor moments */
    bool fresh;  /* it is the task's own and not of the weights that training starts from */
    int layer;   /* for layer-wise rate decay: 0 embeddings, 1 + i for block i, depth + 1 for the rest */
} Param;

struct Fp8;

typedef struct {
    Param *list;
    int count, capacity;
    size_t total, trained; /* elements; a tensor's start is rounded up to 16, the gap stays zero */
    int frozen_layers;     /* of what is added: params_freeze() */
    const Device *device;
    float *value;        /* [total] */
    uint16_t *rounded;   /* [total], the values in BF16, for matrix products; NULL when they are in FP32 */
    float *grad, *m, *v; /* [trained] */
    struct Fp8 *fp8;     /* the layers in FP8 whose weights are among them; NULL: none */
    int fp8_linears;     /* and how many */
} Params;

/* Starts an empty table of at most `capacity` tensors, its list taken from an arena of host memory. */
void params_begin(Params *params, Arena *arena, int capacity);
/* Of the tensors added from here on, the trainable ones of layers 0 .. layers-1 are frozen; 0: none. */
void params_freeze(Params *params, int layers);
/* Adds a tensor and returns its index. */
int params_add(Params *params, const char *name, bool trainable, int layer, int dims, const int64_t *shape);
/* Makes a tensor `fresh`. */
void params_add_fresh(const Params *params, int index);
/* Takes value, grad, m, v and, for BF16 products, rounded from an arena of the device's memory. */
void params_end(Params *params, Arena *arena, const Device *device, RealType products);

float *params_value(const Params *params, int index);
/* The tensor as a matrix product takes it: in the type given to params_end(). */
const Real *params_weight(const Params *params, int index);
float *params_grad(const Params *params, int index); /* NULL for one that is not trained, or while measuring */
static inline bool param_is_trained(const Param *param) {
    return param->trainable && !param->frozen;
}
const Param *params_find(const Params *params, const char *name);

/* Updates `rounded` after something other than the optimizer has set values. */
void params_round(const Params *params, Ops *ops);

/* Copies values from `file`, where a tensor is called prefix + name. Strict: EXIT_DATA listing what is missing or has
 * another shape or type. `what` is which array to fill: value, m or v (of m and v, the trained ones). After reading
 * values, call params_round(). */
Status params_read(const Params *params, float *what, const SafeTensors *file, const char *prefix) MUST_USE;
/* Fills `tensors` (params->count, or only the trained ones) with views of `what`, a copy of one of the arrays in host
 * memory, named prefix + name; `names` (count x 96 bytes) receives the names. Returns how many. */
int params_views(const Params *params, const float *what, bool trained_only, const char *prefix, char (*names)[96],
                 Tensor *tensors);

#endif
