/* SPDX-License-Identifier: Apache-2.0 */
#include "base/safetensors.h"
#include "base/files.h"

#include <cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const size_t HEADER_MAX = 100000000; /* the format's own limit */
/* Of JSON in a header, which takes 30 times its bytes in memory where values are short; a tensor has about nine. */
enum { VALUES_MAX = 1 << 18, NOTES_MAX = 4096 };

typedef struct {
    Tensor tensor;
    uint64_t begin, end; /* bytes within the data section */
    void *copy;          /* owned; where the file's own bytes are not aligned for the type */
} Entry;

struct SafeTensors {
    char *bytes; /* the whole file */
    cJSON *header;
    Entry *entries;
    int count;
    const cJSON *notes; /* within header; NULL: none */
};

/* A whole number from 0 to 2^53, the range in which a JSON number is exact. */
static bool whole(const cJSON *item, uint64_t *value) {
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0) || item->valuedouble > 0x1p53)
        return false;
    *value = (uint64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static Status read_entry(const cJSON *item, const char *path, uint64_t data_size, Entry *entry) {
    const char *name = item->string;
#define REFUSE(...) return status_error(EXIT_DATA, "%s: tensor \"%s\": " __VA_ARGS__)
    if (!cJSON_IsObject(item) || cJSON_GetArraySize(item) != 3)
        REFUSE("must have dtype, shape and data_offsets, and nothing else", path, name);
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    if (!cJSON_IsString(dtype) || !cJSON_IsArray(shape) || !cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2)
        REFUSE("must have dtype (text), shape (list) and data_offsets (two numbers)", path, name);
    Tensor *tensor = &entry->tensor;
    tensor->name = name;
    if (!tensor_type_named(dtype->valuestring, &tensor->type))
        REFUSE("type %s is not supported; convert it to F32", path, name, dtype->valuestring);
    if (cJSON_GetArraySize(shape) > TENSOR_MAX_DIMS)
        REFUSE("%d dimensions; at most %d are supported", path, name, cJSON_GetArraySize(shape), TENSOR_MAX_DIMS);
    const cJSON *side;
    cJSON_ArrayForEach(side, shape) {
        uint64_t length;
        if (!whole(side, &length))
            REFUSE("a side of its shape is not a whole number", path, name);
        tensor->shape[tensor->dims++] = (int64_t)length;
    }
    if (!tensor_shape_count(tensor->shape, tensor->dims, &tensor->count))
        REFUSE("its shape is too large", path, name);
    if (!whole(cJSON_GetArrayItem(offsets, 0), &entry->begin) || !whole(cJSON_GetArrayItem(offsets, 1), &entry->end))
        REFUSE("an offset is not a whole number", path, name);
    if (entry->begin > entry->end || entry->end > data_size)
        REFUSE("bytes %llu to %llu are not within the file's %llu bytes of data", path, name,
               (unsigned long long)entry->begin, (unsigned long long)entry->end, (unsigned long long)data_size);
    uint64_t bytes;
    if (!tensor_type_bytes(tensor->type, (uint64_t)tensor->count, &bytes) || bytes != entry->end - entry->begin)
        REFUSE("its shape does not fit its %llu bytes", path, name, (unsigned long long)(entry->end - entry->begin));
#undef REFUSE
    return NULL;
}

static int by_place(const void *a, const void *b) {
    const Entry *x = *(Entry *const *)a, *y = *(Entry *const *)b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end == y->end ? 0 : x->end < y->end ? -1 : 1;
}

static int by_name(const void *a, const void *b) {
    return strcmp((*(Entry *const *)a)->tensor.name, (*(Entry *const *)b)->tensor.name);
}

/* Every byte of the data belongs to exactly one tensor, and no name appears twice. `order` is scratch. */
static Status check_cover(SafeTensors *file, const char *path, uint64_t data_size, Entry **order) {
    for (int i = 0; i < file->count; i++)
        order[i] = &file->entries[i];
    if (file->count)
        qsort(order, (size_t)file->count, sizeof *order, by_name);
    for (int i = 1; i < file->count; i++)
        if (!strcmp(order[i - 1]->tensor.name, order[i]->tensor.name))
            return status_error(EXIT_DATA, "%s: two tensors are named \"%s\"", path, order[i]->tensor.name);
    if (file->count)
        qsort(order, (size_t)file->count, sizeof *order, by_place);
    uint64_t reached = 0;
    for (int i = 0; i < file->count; i++) {
        if (order[i]->begin != reached)
            return status_error(
                EXIT_DATA, "%s: tensor \"%s\" starts at byte %llu of the data, but %llu is the %s", path,
                order[i]->tensor.name, (unsigned long long)order[i]->begin, (unsigned long long)reached,
                order[i]->begin < reached ? "end of the one before: they overlap" : "next free one: there is a hole");
        reached = order[i]->end;
    }
    if (reached != data_size)
        return status_error(EXIT_DATA, "%s: %llu bytes follow the last tensor", path,
                            (unsigned long long)(data_size - reached));
    return NULL;
}

static Status read_notes(SafeTensors *file, const char *path, const cJSON *notes) {
    if (file->notes)
        return status_error(EXIT_DATA, "%s: __metadata__ appears twice", path);
    if (!cJSON_IsObject(notes))
        return status_error(EXIT_DATA, "%s: __metadata__ is not an object", path);
    if (cJSON_GetArraySize(notes) > NOTES_MAX)
        return status_error(EXIT_DATA, "%s: __metadata__ has %d entries; at most %d are supported", path,
                            cJSON_GetArraySize(notes), NOTES_MAX);
    const cJSON *note, *other;
    cJSON_ArrayForEach(note, notes) {
        if (!cJSON_IsString(note))
            return status_error(EXIT_DATA, "%s: __metadata__ entry \"%s\" is not a text", path, note->string);
        for (other = notes->child; other != note; other = other->next)
            if (!strcmp(other->string, note->string))
                return status_error(EXIT_DATA, "%s: __metadata__ entry \"%s\" appears twice", path, note->string);
    }
    file->notes = notes;
    return NULL;
}

/* Parses the `length` bytes of JSON; spaces after it are the format's padding. */
static Status parse_header(SafeTensors *file, const char *path, const char *text, size_t length) {
    const char *end = NULL;
    size_t values = 0;
    for (size_t i = 0; i < length; i++)
        values += text[i] == ',' || text[i] == ':' || text[i] == '[' || text[i] == '{';
    if (values > VALUES_MAX)
        return status_error(EXIT_DATA, "%s: its header has %zu values; at most %d are supported", path, values,
                            VALUES_MAX);
    /* cJSON cuts text at a NUL, so that two names could look alike. */
    if (length && text[0] == '{' && !memchr(text, '\0', length))
        file->header = cJSON_ParseWithLengthOpts(text, length, &end, false);
    if (!cJSON_IsObject(file->header))
        return status_error(EXIT_DATA, "%s: its header is not a JSON object", path);
    while (end < text + length && *end == ' ')
        end++;
    if (end != text + length)
        return status_error(EXIT_DATA, "%s: its header continues after the JSON object", path);
    return NULL;
}

/* Every tensor at an address that fits its type. The data begin at byte `start` of the file: after a header that is not
 * padded, all of them move over its end, so that no copy is needed. */
static Status place_tensors(SafeTensors *file, size_t start, size_t data_size) {
    char *data = file->bytes + start - start % 8;
    memmove(data, file->bytes + start, data_size);
    for (int i = 0; i < file->count; i++) {
        Entry *entry = &file->entries[i];
        const size_t size = (tensor_type_bits(entry->tensor.type) + 7) / 8;
        entry->tensor.data = data + entry->begin;
        if (entry->begin % size == 0)
            continue;
        size_t bytes = (size_t)(entry->end - entry->begin);
        entry->copy = malloc(bytes ? bytes : 1);
        if (!entry->copy)
            return status_no_memory(entry->tensor.name, bytes);
        entry->tensor.data = memcpy(entry->copy, data + entry->begin, bytes);
    }
    return NULL;
}

static Status read_file(SafeTensors *file, const char *path) {
    size_t size;
    TRY(files_read(path, &file->bytes, &size));
    if (size < 8)
        return status_error(EXIT_DATA, "%s: not a safetensors file: it has only %zu bytes", path, size);
    uint64_t length = 0;
    for (int i = 7; i >= 0; i--)
        length = length << 8 | (unsigned char)file->bytes[i];
    if (length > HEADER_MAX || length > size - 8)
        return status_error(EXIT_DATA,
                            "%s: not a safetensors file, or cut off: the header has %llu bytes, the file %zu", path,
                            (unsigned long long)length, size);
    TRY(parse_header(file, path, file->bytes + 8, (size_t)length));

    int capacity = cJSON_GetArraySize(file->header);
    uint64_t data_size = size - 8 - length;
    file->entries = calloc((size_t)capacity + 1, sizeof *file->entries);
    Entry **order = calloc((size_t)capacity + 1, sizeof *order);
    Status status = NULL;
    if (!file->entries || !order)
        status = status_no_memory("a list of tensors", (unsigned long long)capacity * sizeof *file->entries);
    for (const cJSON *item = file->header->child; item && !status; item = item->next) {
        if (!strcmp(item->string, "__metadata__"))
            status = read_notes(file, path, item);
        else
            status = read_entry(item, path, data_size, &file->entries[file->count++]);
    }
    if (!status)
        status = check_cover(file, path, data_size, order);
    free(order);
    if (!status)
        status = place_tensors(file, 8 + (size_t)length, (size_t)data_size);
    return status;
}

Status safetensors_open(const char *path, SafeTensors **file) {
    *file = NULL;
    SafeTensors *opened = calloc(1, sizeof *opened);
    if (!opened)
        return status_no_memory("a safetensors file", sizeof *opened);
    Status status = read_file(opened, path);
    if (status) {
        safetensors_close(opened);
        return status;
    }
    *file = opened;
    return NULL;
}

void safetensors_close(SafeTensors *file) {
    if (!file)
        return;
    for (int i = 0; i < file->count; i++)
        free(file->entries[i].copy);
    free(file->entries);
    cJSON_Delete(file->header);
    free(file->bytes);
    free(file);
}

int safetensors_count(const SafeTensors *file) {
    return file->count;
}

const Tensor *safetensors_at(const SafeTensors *file, int index) {
    return &file->entries[index].tensor;
}

const Tensor *safetensors_find(const SafeTensors *file, const char *name) {
    for (int i = 0; i < file->count; i++)
        if (!strcmp(file->entries[i].tensor.name, name))
            return &file->entries[i].tensor;
    return NULL;
}

const char *safetensors_note(const SafeTensors *file, const char *key) {
    const cJSON *note = file->notes ? cJSON_GetObjectItemCaseSensitive(file->notes, key) : NULL;
    return note ? note->valuestring : NULL;
}

const char *safetensors_note_key(const SafeTensors *file, int index) {
    const cJSON *note = file->notes ? cJSON_GetArrayItem(file->notes, index) : NULL;
    return note ? note->string : NULL;
}

int safetensors_note_count(const SafeTensors *file) {
    return file->notes ? cJSON_GetArraySize(file->notes) : 0;
}
