/* SPDX-License-Identifier: Apache-2.0 */
#include "base/safetensors_write.h"
#include "base/files.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
    return strcmp((*(const Tensor *const *)a)->name, (*(const Tensor *const *)b)->name);
}

static Status check_names(const char *path, const Tensor *tensors, int count) {
    const Tensor **order = calloc((size_t)count + 1, sizeof *order);
    if (!order)
        return status_no_memory("a list of tensors", sizeof *order * (size_t)count);
    for (int i = 0; i < count; i++)
        order[i] = &tensors[i];
    qsort(order, (size_t)count, sizeof *order, by_name);
    Status status = NULL;
    for (int i = 0; i < count && !status; i++) {
        if (!strcmp(order[i]->name, "__metadata__"))
            status = status_error(EXIT_INTERNAL, "%s: no tensor may be named __metadata__", path);
        else if (i && !strcmp(order[i - 1]->name, order[i]->name))
            status = status_error(EXIT_INTERNAL, "%s: two tensors are named \"%s\"", path, order[i]->name);
    }
    free(order);
    return status;
}

static size_t bytes_of(const Tensor *tensor) {
    uint64_t bytes;
    return tensor_type_bytes(tensor->type, (uint64_t)tensor->count, &bytes) ? (size_t)bytes : 0;
}

/* Tensors that our own reader would refuse are a bug in the caller. */
static Status check_tensors(const char *path, const Tensor *tensors, int count) {
    for (int i = 0; i < count; i++) {
        const Tensor *tensor = &tensors[i];
        int64_t product;
        uint64_t bytes;
        if (tensor->dims < 0 || tensor->dims > TENSOR_MAX_DIMS || (unsigned)tensor->type >= TENSOR_TYPES)
            return status_error(EXIT_INTERNAL, "%s: tensor \"%s\" has no writable type or shape", path, tensor->name);
        if (!tensor_shape_count(tensor->shape, tensor->dims, &product) || product != tensor->count ||
            (tensor->count && !tensor->data) || !tensor_type_bytes(tensor->type, (uint64_t)product, &bytes))
            return status_error(EXIT_INTERNAL, "%s: tensor \"%s\": count and shape disagree", path, tensor->name);
    }
    return check_names(path, tensors, count);
}

/* Visits the tensors by falling element size, so that each one is aligned in the file. */
#define FOR_EACH_IN_PLACE(tensor)                                                                                      \
    for (size_t bits_ = 64; bits_; bits_ = bits_ > 8 ? bits_ / 2 : bits_ - 2)                                          \
        for (int i_ = 0; i_ < count; i_++)                                                                             \
            for (const Tensor *tensor = &tensors[i_]; tensor && tensor_type_bits(tensor->type) == bits_; tensor = NULL)

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
        uint64_t end = reached + bytes_of(tensor);
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
        TRY(files_write_all(descriptor, path, tensor->data, bytes_of(tensor)));
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
