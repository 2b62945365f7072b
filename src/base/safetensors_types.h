/* SPDX-License-Identifier: Apache-2.0 */
/* The element types that the reader and the writer share. */
#ifndef FOVEA_BASE_SAFETENSORS_TYPES_H
#define FOVEA_BASE_SAFETENSORS_TYPES_H

#include "base/safetensors.h"
#include <stdbool.h>

/* Bytes an element. */
size_t tensor_type_size(TensorType type);
/* The format's name of a type: "F32". */
const char *tensor_type_name(TensorType type);
bool tensor_type_named(const char *name, TensorType *type);

#endif
