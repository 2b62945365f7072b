/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: growing one, an array of items with its count and its capacity; the place of a key in a sorted one. */
#ifndef FOVEA_BASE_LIST_H
#define FOVEA_BASE_LIST_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Makes room for item number `count`: *list (malloc'ed; NULL at first) moves when it is full. `list` is the address of
 * the array's pointer; `what` names the list in the message. On failure the list is unchanged. */
Status list_grow(void *list, int64_t count, int64_t *capacity, size_t item_size, const char *what) MUST_USE;

/* Whether an item comes before the key (below 0), is the key's (0), or comes after it. */
typedef int (*ListCompare)(const void *item, const void *key);
/* The first of `count` sorted items that does not come before the key; `count` when all do. */
int64_t list_place(const void *items, int64_t count, size_t item_size, ListCompare compare, const void *key);

#endif
