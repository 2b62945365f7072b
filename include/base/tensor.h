/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors that a safetensors file contains. */
#ifndef FOVEA_BASE_TENSOR_H
#define FOVEA_BASE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { TYPE_F64, TYPE_F32, TYPE_BF16, TYPE_I64, TYPE_I32, TYPE_U8 } TensorType;
enum { TENSOR_TYPES = TYPE_U8 + 1, TENSOR_MAX_DIMS = 8 };

typedef struct {
    const char *name;
    TensorType type;
    int dims;
    int64_t shape[TENSOR_MAX_DIMS];
    int64_t count;    /* product of shape */
    const void *data; /* count elements */
} Tensor;

/* An entry of __metadata__. */
typedef struct {
    const char *key, *value;
} TensorNote;

/* Bytes of an element. */
size_t tensor_type_size(TensorType type);
/* The format's name of a type: "F32". */
const char *tensor_type_name(TensorType type);
bool tensor_type_named(const char *name, TensorType *type);

#endif
