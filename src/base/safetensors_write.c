/* SPDX-License-Identifier: Apache-2.0 */
#include "base/files.h"
#include "base/safetensors_types.h"

#include <cJSON.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
} TYPES[] = {[TYPE_F64] = {"F64", 8}, [TYPE_F32] = {"F32", 4}, [TYPE_BF16] = {"BF16", 2},
             [TYPE_I64] = {"I64", 8}, [TYPE_I32] = {"I32", 4}, [TYPE_U8] = {"U8", 1}};
enum { TYPE_COUNT = sizeof TYPES / sizeof TYPES[0] };

size_t tensor_type_size(TensorType type) {
    return TYPES[type].size;
}

const char *tensor_type_name(TensorType type) {
    return TYPES[type].name;
}

bool tensor_type_named(const char *name, TensorType *type) {
    for (int i = 0; i < TYPE_COUNT; i++)
        if (!strcmp(name, TYPES[i].name)) {
            *type = (TensorType)i;
            return true;
        }
    return false;
}

/* What our own reader would refuse is a mistake of the caller's. */
static Status check(const char *path, const Tensor *tensors, int count) {
    for (int i = 0; i < count; i++) {
        const Tensor *tensor = &tensors[i];
        int64_t product = 1;
        if (tensor->dims < 0 || tensor->dims > TENSOR_MAX_DIMS || (unsigned)tensor->type >= TYPE_COUNT)
            return status_error(EXIT_INTERNAL, "%s: tensor \"%s\" has no writable type or shape", path, tensor->name);
        for (int d = 0; d < tensor->dims; d++)
            if (tensor->shape[d] < 0 || __builtin_mul_overflow(product, tensor->shape[d], &product))
                product = -1;
        if (product != tensor->count || tensor->count < 0 || (tensor->count && !tensor->data))
            return status_error(EXIT_INTERNAL, "%s: tensor \"%s\": count and shape disagree", path, tensor->name);
        if (!strcmp(tensor->name, "__metadata__"))
            return status_error(EXIT_INTERNAL, "%s: no tensor may be called __metadata__", path);
        for (int j = 0; j < i; j++)
            if (!strcmp(tensors[j].name, tensor->name))
                return status_error(EXIT_INTERNAL, "%s: two tensors are called \"%s\"", path, tensor->name);
    }
    return NULL;
}

/* Tensors by falling element size, so that each one lies aligned: this walks them in that order. */
#define FOR_EACH_IN_PLACE(tensor)                                                                                      \
    for (size_t size_ = 8; size_; size_ /= 2)                                                                          \
        for (const Tensor *tensor = tensors; tensor < tensors + count; tensor++)                                       \
            if (tensor_type_size(tensor->type) == size_)

static bool add_tensor(cJSON *header, const Tensor *tensor, uint64_t begin, uint64_t end) {
    cJSON *item = cJSON_AddObjectToObject(header, tensor->name);
    if (!item || !cJSON_AddStringToObject(item, "dtype", tensor_type_name(tensor->type)))
        return false;
    cJSON *shape = cJSON_AddArrayToObject(item, "shape");
    for (int d = 0; shape && d < tensor->dims; d++) {
        cJSON *side = cJSON_CreateNumber((double)tensor->shape[d]);
        if (!side)
            return false;
        cJSON_AddItemToArray(shape, side);
    }
    const double ends[2] = {(double)begin, (double)end};
    cJSON *offsets = cJSON_CreateDoubleArray(ends, 2);
    if (shape && offsets && cJSON_AddItemToObject(item, "data_offsets", offsets))
        return true;
    cJSON_Delete(offsets);
    return false;
}

/* The header's JSON, to be freed with cJSON_free(); NULL without memory. */
static char *header_text(const Tensor *tensors, int count, const TensorNote *notes, int note_count) {
    cJSON *header = cJSON_CreateObject();
    bool fine = header != NULL;
    cJSON *metadata = fine && note_count ? cJSON_AddObjectToObject(header, "__metadata__") : NULL;
    for (int i = 0; i < note_count && fine; i++)
        fine = metadata && cJSON_AddStringToObject(metadata, notes[i].key, notes[i].value);
    uint64_t reached = 0;
    FOR_EACH_IN_PLACE(tensor) {
        uint64_t end = reached + (uint64_t)tensor->count * size_;
        fine = fine && add_tensor(header, tensor, reached, end);
        reached = end;
    }
    char *text = fine ? cJSON_PrintUnformatted(header) : NULL;
    cJSON_Delete(header);
    return text;
}

static Status write_parts(int descriptor, const char *path, const char *header, const Tensor *tensors, int count) {
    size_t length = strlen(header), padding = -length % 8;
    unsigned char start[8];
    for (int i = 0; i < 8; i++)
        start[i] = (unsigned char)((uint64_t)(length + padding) >> 8 * i);
    TRY(files_write_all(descriptor, path, start, sizeof start));
    TRY(files_write_all(descriptor, path, header, length));
    TRY(files_write_all(descriptor, path, "       ", padding));
    FOR_EACH_IN_PLACE(tensor) {
        TRY(files_write_all(descriptor, path, tensor->data, (size_t)tensor->count * size_));
    }
    return NULL;
}

Status safetensors_write(const char *path, const Tensor *tensors, int count, const TensorNote *notes, int note_count) {
    TRY(check(path, tensors, count));
    char *header = header_text(tensors, count, notes, note_count);
    if (!header)
        return status_no_memory("a safetensors header", (unsigned long long)count * 128);
    int descriptor;
    Status status = files_new_open(path, &descriptor);
    if (!status)
        status = files_new_close(descriptor, path, write_parts(descriptor, path, header, tensors, count));
    cJSON_free(header);
    return status;
}
