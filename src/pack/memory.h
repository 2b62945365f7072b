/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of memory that are freed together: the strings and labels of a pack's rows. */
#ifndef FOVEA_PACK_MEMORY_H
#define FOVEA_PACK_MEMORY_H

#include <stddef.h>

typedef struct PackMemory PackMemory;

/* `count` cells of `size` bytes, zeroed; NULL without memory. *memory is NULL before the first call. */
void *pack_memory_take(PackMemory **memory, size_t count, size_t size);
void pack_memory_close(PackMemory *memory);

#endif
