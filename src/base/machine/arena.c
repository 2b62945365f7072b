/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "base/host_memory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

/* SIZE_MAX where it is not known. Linux promises memory that it does not have and kills later: better to refuse before
 * hours of work. */
static size_t available(void) {
    HostMemory memory;
    host_memory_read(&memory);
    return memory.available < 0 ? SIZE_MAX : (size_t)memory.available;
}

Status arena_open(Arena *arena, size_t size, const char *what) {
    *arena = (Arena){0};
    if (size > SIZE_MAX - ALIGNMENT)
        return status_no_memory(what, size);
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (rounded > available())
        return status_no_memory(what, rounded);
    void *base = aligned_alloc(ALIGNMENT, rounded ? rounded : ALIGNMENT);
    if (!base)
        return status_no_memory(what, rounded);
    memset(base, 0, rounded);
    *arena = (Arena){.base = base, .size = rounded};
    return NULL;
}

void arena_close(Arena *arena) {
    free(arena->base);
    *arena = (Arena){0};
}

/* A layout too large for the address space measures as SIZE_MAX, which arena_open() refuses. */
static void add_bytes(size_t *sum, size_t bytes) {
    size_t padding = -bytes % ALIGNMENT;
    if (__builtin_add_overflow(*sum, bytes, sum) || __builtin_add_overflow(*sum, padding, sum))
        *sum = SIZE_MAX;
}

void *arena_take(Arena *arena, size_t bytes) {
    size_t start = arena->used;
    add_bytes(&arena->used, bytes);
    if (arena->group_count)
        add_bytes(&arena->groups[arena->group].bytes, bytes);
    if (!arena->base)
        return NULL;
    assert(arena->used <= arena->size);
    return arena->base + start;
}

void arena_group(Arena *arena, const char *name) {
    for (arena->group = 0; arena->group < arena->group_count; arena->group++)
        if (strcmp(arena->groups[arena->group].name, name) == 0)
            return;
    assert(arena->group_count < ARENA_GROUPS);
    arena->groups[arena->group_count++].name = name;
}
