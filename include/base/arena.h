/* SPDX-License-Identifier: Apache-2.0 */
/* One block of memory, laid out before it is allocated: the same layout code runs twice, first on a measuring arena
 * (no base: arena_take() returns NULL and counts), then on one of the measured size. */
#ifndef FOVEA_BASE_ARENA_H
#define FOVEA_BASE_ARENA_H

#include "base/status.h"
#include <stddef.h>

enum { ARENA_GROUPS = 24 };

typedef struct {
    const char *name;
    size_t bytes;
} ArenaGroup;

typedef struct {
    unsigned char *base; /* NULL while measuring */
    size_t used, size;   /* bytes */
    ArenaGroup groups[ARENA_GROUPS];
    int group_count, group; /* how many, and the one that counts now */
} Arena;

/* Allocates `size` zeroed bytes for `what` (named in the error). Freed with arena_close(). */
Status arena_open(Arena *arena, size_t size, const char *what) MUST_USE;
void arena_close(Arena *arena);

/* `bytes` aligned to 64; NULL while measuring. Taking more than was measured is a bug and asserts. */
void *arena_take(Arena *arena, size_t bytes);
/* Counts what is taken from here on under `name`, which is borrowed. Without a call nothing is counted by group. */
void arena_group(Arena *arena, const char *name);

#endif
