/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

Status list_grow(void *list, int64_t count, int64_t *capacity, size_t item_size, const char *what) {
    if (count < *capacity)
        return NULL;
    const int64_t wanted = *capacity ? 2 * *capacity : FIRST_CAPACITY;
    size_t bytes;
    if (__builtin_mul_overflow(wanted, item_size, &bytes))
        return status_no_memory(what, 0);
    void *old, *grown;
    memcpy(&old, list, sizeof old); /* the caller's pointer has a type of its own */
    grown = realloc(old, bytes);
    if (!grown)
        return status_no_memory(what, bytes);
    memcpy(list, &grown, sizeof grown);
    *capacity = wanted;
    return NULL;
}

int64_t list_place(const void *items, int64_t count, size_t item_size, ListCompare compare, const void *key) {
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (compare((const char *)items + (size_t)middle * item_size, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
