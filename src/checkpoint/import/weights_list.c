/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/import/weights_list.h"
#include "base/list.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 512 };

/* A name that can be printed on a line and written as JSON. */
static bool is_plain(const char *name, size_t length) {
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < ' ' || name[i] == 0x7f)
            return false;
    return length > 0 && length <= NAME_MAX_BYTES;
}

static Status copy_name(const WeightsList *list, const char *name, size_t length, char **copy) {
    *copy = NULL;
    if (!is_plain(name, length))
        return status_error(EXIT_DATA, "%s: a tensor's name is empty, longer than %d bytes or no plain text",
                            list->path, NAME_MAX_BYTES);
    TRY(text_format(copy, "%.*s", (int)length, name));
    if (!utf8_stray(*copy) && strcmp(*copy, "__metadata__") != 0)
        return NULL;
    free(*copy);
    *copy = NULL;
    return status_error(EXIT_DATA, "%s: a tensor's name is no UTF-8, or __metadata__", list->path);
}

Status weights_list_add(WeightsList *list, const char *name, size_t length, const Tensor *tensor, void *copy) {
    Weight weight = {.tensor = *tensor, .copy = copy};
    Status status = copy_name(list, name, length, &weight.origin);
    if (!status)
        status = names_map(weight.origin, &weight.mapped);
    if (!status)
        status = list_grow(&list->items, list->count, &list->capacity, sizeof *list->items, "a list of tensors");
    if (status) {
        free(weight.mapped.name);
        free(weight.origin);
        free(copy);
        return status;
    }
    weight.tensor.name = weight.mapped.name;
    list->items[list->count++] = weight;
    return NULL;
}

static int by_name(const void *a, const void *b) {
    const Weight *x = *(Weight *const *)a, *y = *(Weight *const *)b;
    const int order = strcmp(x->mapped.name, y->mapped.name);
    return order ? order : x->mapped.third - y->mapped.third;
}

static void free_weight(Weight *weight) {
    free(weight->mapped.name);
    free(weight->origin);
    free(weight->copy);
    *weight = (Weight){0};
}

/* Whether b can follow a in one tensor: the same type, and the same shape. */
static bool fit_together(const Tensor *a, const Tensor *b) {
    return a->type == b->type && a->dims == b->dims && a->dims > 0 &&
           memcmp(a->shape, b->shape, sizeof a->shape[0] * (size_t)a->dims) == 0;
}

/* thirds[0] becomes query, key and value in one; the other two become empty weights. */
static Status join_thirds(const WeightsList *list, Weight *const thirds[3]) {
    Tensor *joined = &thirds[0]->tensor;
    uint64_t bytes;
    if (!fit_together(joined, &thirds[1]->tensor) || !fit_together(joined, &thirds[2]->tensor))
        return status_error(EXIT_DATA, "%s: tensor \"%s\" and its key's or value's have different shapes or types",
                            list->path, thirds[0]->origin);
    if (!tensor_type_bytes(joined->type, (uint64_t)joined->count, &bytes) || bytes > SIZE_MAX / 4)
        return status_error(EXIT_DATA, "%s: tensor \"%s\" is too large", list->path, thirds[0]->origin);
    char *data = malloc(3 * (size_t)bytes + 1);
    if (!data)
        return status_no_memory("a tensor", 3 * bytes);
    for (int i = 0; i < 3; i++)
        if (bytes)
            memcpy(data + (size_t)i * bytes, thirds[i]->tensor.data, (size_t)bytes);
    free(thirds[0]->copy);
    thirds[0]->copy = data;
    joined->data = data;
    joined->shape[0] *= 3;
    joined->count *= 3;
    thirds[0]->mapped.third = -1;
    free_weight(thirds[1]);
    free_weight(thirds[2]);
    return NULL;
}

/* Tensors of one name are in order[first] to order[end - 1], by their thirds. */
static Status finish_name(const WeightsList *list, Weight *const *order, int first, int end) {
    if (order[first]->mapped.third < 0 && end == first + 1)
        return NULL;
    bool thirds = end == first + 3;
    for (int i = 0; i < 3 && thirds; i++)
        thirds = order[first + i]->mapped.third == i;
    if (thirds)
        return join_thirds(list, order + first);
    if (end == first + 1 || order[first]->mapped.third != order[first + 1]->mapped.third)
        return status_error(EXIT_DATA, "%s: tensor \"%s\" has no query, key or value beside it", list->path,
                            order[first]->origin);
    return status_error(EXIT_DATA, "%s: tensors \"%s\" and \"%s\" are both %s", list->path, order[first]->origin,
                        order[first + 1]->origin, order[first]->mapped.name);
}

Status weights_list_finish(WeightsList *list) {
    Weight **order = calloc((size_t)list->count + 1, sizeof *order);
    if (!order)
        return status_no_memory("a list of tensors", sizeof *order * (size_t)list->count);
    for (int i = 0; i < list->count; i++)
        order[i] = &list->items[i];
    qsort(order, (size_t)list->count, sizeof *order, by_name);
    Status status = NULL;
    for (int first = 0, end; first < list->count && !status; first = end) {
        for (end = first + 1; end < list->count; end++)
            if (strcmp(order[end]->mapped.name, order[first]->mapped.name) != 0)
                break;
        status = finish_name(list, order, first, end);
    }
    free(order);
    int kept = 0;
    for (int i = 0; i < list->count && !status; i++)
        if (list->items[i].origin)
            list->items[kept++] = list->items[i];
    if (!status)
        list->count = kept;
    return status;
}

void weights_list_free(WeightsList *list) {
    for (int i = 0; i < list->count; i++)
        free_weight(&list->items[i]);
    free(list->items);
    *list = (WeightsList){0};
}
