/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that grow: an array of items, how many it has and how many it has memory for. */
#ifndef FOVEA_BASE_LIST_H
#define FOVEA_BASE_LIST_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Makes memory for item number `count`: *list (from malloc; NULL at first) moves when it is full. `list` is the address
 * of the array's pointer; `what` names the list in the message. On failure the list stays as it was. */
Status list_grow(void *list, int64_t count, int64_t *capacity, size_t item_size, const char *what) MUST_USE;

#endif
