/* SPDX-License-Identifier: Apache-2.0 */
#include "base/safetensors_write.h"
#include "base/files.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* Tensors that our own reader would refuse are a bug in the caller. */
static Status check_tensors(const char *path, const Tensor *tensors, int count) {
    for (int i = 0; i < count; i++) {
        const Tensor *tensor = &tensors[i];
        int64_t product = 1;
        if (tensor->dims < 0 || tensor->dims > TENSOR_MAX_DIMS || (unsigned)tensor->type >= TENSOR_TYPES)
            return status_error(EXIT_INTERNAL, "%s: tensor \"%s\" has no writable type or shape", path, tensor->name);
        for (int d = 0; d < tensor->dims; d++)
            if (tensor->shape[d] < 0 || __builtin_mul_overflow(product, tensor->shape[d], &product))
                product = -1;
        if (product != tensor->count || tensor->count < 0 || (tensor->count && !tensor->data))
            return status_error(EXIT_INTERNAL, "%s: tensor \"%s\": count and shape disagree", path, tensor->name);
        if (!strcmp(tensor->name, "__metadata__"))
            return status_error(EXIT_INTERNAL, "%s: no tensor may be named __metadata__", path);
        for (int j = 0; j < i; j++)
            if (!strcmp(tensors[j].name, tensor->name))
                return status_error(EXIT_INTERNAL, "%s: two tensors are named \"%s\"", path, tensor->name);
    }
    return NULL;
}

/* Visits the tensors by falling element size, so that each one is aligned in the file. */
#define FOR_EACH_IN_PLACE(tensor)                                                                                      \
    for (size_t size_ = 8; size_; size_ /= 2)                                                                          \
        for (const Tensor *tensor = tensors; tensor < tensors + count; tensor++)                                       \
            if (tensor_type_size(tensor->type) == size_)

static void print_tensor(Json *json, const Tensor *tensor, uint64_t begin, uint64_t end) {
    json_object(json, tensor->name, JSON_COMPACT);
    json_string(json, "dtype", tensor_type_name(tensor->type));
    json_array(json, "shape", JSON_COMPACT);
    for (int d = 0; d < tensor->dims; d++)
        json_integer(json, NULL, tensor->shape[d]);
    json_end(json);
    json_array(json, "data_offsets", JSON_COMPACT);
    json_unsigned(json, NULL, begin);
    json_unsigned(json, NULL, end);
    json_end(json);
    json_end(json);
}

static Status print_header(const Tensor *tensors, int count, const TensorNote *notes, int note_count, char **header) {
    Json json;
    size_t length;
    json_open(&json, NULL);
    json_object(&json, NULL, JSON_COMPACT);
    if (note_count)
        json_object(&json, "__metadata__", JSON_COMPACT);
    for (int i = 0; i < note_count; i++)
        json_string(&json, notes[i].key, notes[i].value);
    if (note_count)
        json_end(&json);
    uint64_t reached = 0;
    FOR_EACH_IN_PLACE(tensor) {
        uint64_t end = reached + (uint64_t)tensor->count * size_;
        print_tensor(&json, tensor, reached, end);
        reached = end;
    }
    json_end(&json);
    return json_close(&json, "a safetensors header", header, &length);
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
    TRY(check_tensors(path, tensors, count));
    char *header;
    int descriptor;
    TRY(print_header(tensors, count, notes, note_count, &header));
    Status status = files_new_open(path, &descriptor);
    if (!status)
        status = files_new_close(descriptor, path, write_parts(descriptor, path, header, tensors, count));
    free(header);
    return status;
}
