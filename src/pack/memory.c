/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/memory.h"

#include <stdlib.h>

struct PackMemory {
    PackMemory *next;
    _Alignas(16) unsigned char data[];
};

void *pack_memory_take(PackMemory **memory, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || __builtin_add_overflow(bytes, sizeof(PackMemory), &bytes))
        return NULL;
    PackMemory *block = calloc(1, bytes);
    if (!block)
        return NULL;
    block->next = *memory;
    *memory = block;
    return block->data;
}

void pack_memory_close(PackMemory *memory) {
    while (memory) {
        PackMemory *next = memory->next;
        free(memory);
        memory = next;
    }
}
