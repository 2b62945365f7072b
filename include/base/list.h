/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that grow: an array of items, its count and its capacity. */
#ifndef FOVEA_BASE_LIST_H
#define FOVEA_BASE_LIST_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Makes room for item number `count`: *list (malloc'ed; NULL at first) moves when it is full. `list` is the address of
 * the array's pointer; `what` names the list in the message. On failure the list is unchanged. */
Status list_grow(void *list, int64_t count, int64_t *capacity, size_t item_size, const char *what) MUST_USE;

#endif
