/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tensor.h"

#include <string.h>

static const struct {
    const char *name;
    size_t size;
} TYPES[TENSOR_TYPES] = {[TYPE_F64] = {"F64", 8}, [TYPE_F32] = {"F32", 4}, [TYPE_BF16] = {"BF16", 2},
                         [TYPE_I64] = {"I64", 8}, [TYPE_I32] = {"I32", 4}, [TYPE_U8] = {"U8", 1}};

size_t tensor_type_size(TensorType type) {
    return TYPES[type].size;
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
