/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors format: an 8-byte little-endian header length, a JSON header, then the tensors' bytes, row-major.
 * Read with every bound checked (header at most 100 MB, no holes, no overlap, shape and bytes agreeing). */
#ifndef FOVEA_BASE_SAFETENSORS_H
#define FOVEA_BASE_SAFETENSORS_H

#include "base/status.h"
#include <stddef.h>
#include <stdint.h>

typedef enum { TYPE_F64, TYPE_F32, TYPE_BF16, TYPE_I64, TYPE_I32, TYPE_U8 } TensorType;

enum { TENSOR_MAX_DIMS = 8 };

typedef struct {
    const char *name;
    TensorType type;
    int dims;
    int64_t shape[TENSOR_MAX_DIMS];
    int64_t count;    /* product of shape */
    const void *data; /* count elements */
} Tensor;

typedef struct {
    const char *key, *value;
} TensorNote; /* an entry of __metadata__ */

typedef struct SafeTensors SafeTensors;

/* Reads the whole file. EXIT_IO when it cannot be read, EXIT_DATA when it is no valid safetensors file, naming path and
 * tensor. Free with safetensors_close(). */
Status safetensors_open(const char *path, SafeTensors **file) MUST_USE;
void safetensors_close(SafeTensors *file);
int safetensors_count(const SafeTensors *file);
const Tensor *safetensors_at(const SafeTensors *file, int index);
const Tensor *safetensors_find(const SafeTensors *file, const char *name); /* NULL: none */
const char *safetensors_note(const SafeTensors *file, const char *key);    /* NULL: none */

/* Writes `count` tensors to a new file at `path` and fsyncs it. EXIT_IO naming the path. */
Status safetensors_write(const char *path, const Tensor *tensors, int count, const TensorNote *notes,
                         int note_count) MUST_USE;

#endif
