/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tensor.h"

#include <string.h>

static const struct {
    const char *name;
    size_t bits;
} TYPES[TENSOR_TYPES] = {
    [TYPE_F64] = {"F64", 64},
    [TYPE_F32] = {"F32", 32},
    [TYPE_BF16] = {"BF16", 16},
    [TYPE_I64] = {"I64", 64},
    [TYPE_I32] = {"I32", 32},
    [TYPE_U8] = {"U8", 8},
    [TYPE_F16] = {"F16", 16},
    [TYPE_I16] = {"I16", 16},
    [TYPE_I8] = {"I8", 8},
    [TYPE_BOOL] = {"BOOL", 8},
    [TYPE_U64] = {"U64", 64},
    [TYPE_U32] = {"U32", 32},
    [TYPE_U16] = {"U16", 16},
    [TYPE_C64] = {"C64", 64},
    [TYPE_F8_E4M3] = {"F8_E4M3", 8},
    [TYPE_F8_E5M2] = {"F8_E5M2", 8},
    [TYPE_F8_E8M0] = {"F8_E8M0", 8},
    [TYPE_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 8},
    [TYPE_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 8},
    [TYPE_F6_E2M3] = {"F6_E2M3", 6},
    [TYPE_F6_E3M2] = {"F6_E3M2", 6},
    [TYPE_F4] = {"F4", 4},
};

size_t tensor_type_bits(TensorType type) {
    return TYPES[type].bits;
}

bool tensor_type_bytes(TensorType type, uint64_t count, uint64_t *bytes) {
    uint64_t bits;
    if (TYPES[type].bits % 8 == 0)
        return !__builtin_mul_overflow(count, TYPES[type].bits / 8, bytes);
    if (__builtin_mul_overflow(count, TYPES[type].bits, &bits) || bits % 8)
        return false;
    *bytes = bits / 8;
    return true;
}

bool tensor_shape_count(const int64_t *shape, int dims, int64_t *count) {
    int64_t product = 1;
    bool empty = false;
    for (int i = 0; i < dims; i++) {
        if (shape[i] < 0)
            return false;
        empty |= shape[i] == 0;
    }
    for (int i = 0; i < dims && !empty; i++)
        if (__builtin_mul_overflow(product, shape[i], &product))
            return false;
    *count = empty ? 0 : product;
    return true;
}

const char *tensor_type_name(TensorType type) {
    return TYPES[type].name;
}

bool tensor_type_named(const char *name, TensorType *type) {
    for (int i = 0; i < TENSOR_TYPES; i++)
        if (!strcmp(name, TYPES[i].name)) {
            *type = (TensorType)i;
            return true;
        }
    return false;
}
