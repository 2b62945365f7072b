/* SPDX-License-Identifier: Apache-2.0 */
/* The tensors that a safetensors file contains. */
#ifndef FOVEA_BASE_TENSOR_H
#define FOVEA_BASE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of the format's; F4 and F6 pack elements into bytes without gaps. */
typedef enum {
    TYPE_F64,
    TYPE_F32,
    TYPE_BF16,
    TYPE_I64,
    TYPE_I32,
    TYPE_U8,
    TYPE_F16,
    TYPE_I16,
    TYPE_I8,
    TYPE_BOOL,
    TYPE_U64,
    TYPE_U32,
    TYPE_U16,
    TYPE_C64, /* two floats */
    TYPE_F8_E4M3,
    TYPE_F8_E5M2,
    TYPE_F8_E8M0,
    TYPE_F8_E4M3FNUZ,
    TYPE_F8_E5M2FNUZ,
    TYPE_F6_E2M3,
    TYPE_F6_E3M2,
    TYPE_F4
} TensorType;
enum { TENSOR_TYPES = TYPE_F4 + 1, TENSOR_MAX_DIMS = 8 };

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

size_t tensor_type_bits(TensorType type);
/* The bytes of `count` elements; false for more than 2^64, and where they end within a byte. */
bool tensor_type_bytes(TensorType type, uint64_t count, uint64_t *bytes);
/* The product of `dims` sides, none below 0; false for more than 2^63 - 1. */
bool tensor_shape_count(const int64_t *shape, int dims, int64_t *count);
/* The format's name of a type: "F32". */
const char *tensor_type_name(TensorType type);
bool tensor_type_named(const char *name, TensorType *type);

#endif
