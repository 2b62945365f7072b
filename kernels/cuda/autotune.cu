/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/autotune.cuh"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The list, and a hash table of its keys: `slots` has a power of two of numbers, at least twice as many as entries; 0
 * is empty, otherwise the entry's index plus 1. */
struct Autotune {
    bool timed;
    AutotuneChoice *entries;
    size_t count, capacity;
    size_t *slots;
};

static const size_t FIRST_CAPACITY = 64;

Status autotune_open(Cuda *cuda) {
    cuda->autotune = (Autotune *)calloc(1, sizeof *cuda->autotune);
    return cuda->autotune ? NULL : status_no_memory("the list of choices", sizeof *cuda->autotune);
}

void autotune_close(Cuda *cuda) {
    Autotune *autotune = cuda->autotune;
    if (!autotune)
        return;
    for (size_t i = 0; i < autotune->count; i++) {
        free((char *)autotune->entries[i].key);
        free((char *)autotune->entries[i].choice);
    }
    free(autotune->entries);
    free(autotune->slots);
    free(autotune);
    cuda->autotune = NULL;
}

void autotune_set_timed(Cuda *cuda, bool timed) {
    cuda->autotune->timed = timed;
}

/* The key's slot, or the empty one where it would go; there are slots, some of them empty. */
static size_t *find_slot(const Autotune *autotune, const char *key) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *at = key; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    const size_t mask = 2 * autotune->capacity - 1;
    size_t i = (size_t)(hash ^ hash >> 32) & mask;
    while (autotune->slots[i] && strcmp(autotune->entries[autotune->slots[i] - 1].key, key) != 0)
        i = (i + 1) & mask;
    return &autotune->slots[i];
}

static AutotuneChoice *find_entry(const Autotune *autotune, const char *key) {
    const size_t position = autotune->capacity ? *find_slot(autotune, key) : 0;
    return position ? &autotune->entries[position - 1] : NULL;
}

/* Makes room for one more; false when memory runs out. */
static bool grow_list(Autotune *autotune) {
    if (autotune->count < autotune->capacity)
        return true;
    const size_t capacity = autotune->capacity ? 2 * autotune->capacity : FIRST_CAPACITY;
    AutotuneChoice *entries = (AutotuneChoice *)realloc(autotune->entries, capacity * sizeof *entries);
    if (entries)
        autotune->entries = entries;
    size_t *slots = (size_t *)calloc(2 * capacity, sizeof *slots);
    if (!entries || !slots) {
        free(slots);
        return false;
    }
    free(autotune->slots);
    autotune->slots = slots;
    autotune->capacity = capacity;
    for (size_t i = 0; i < autotune->count; i++)
        *find_slot(autotune, entries[i].key) = i + 1;
    return true;
}

static Status put_choice(Autotune *autotune, const AutotuneChoice *given) {
    AutotuneChoice *entry = find_entry(autotune, given->key);
    char *key = entry ? (char *)entry->key : strdup(given->key), *choice = strdup(given->choice);
    if (!key || !choice || (!entry && !grow_list(autotune))) {
        free(entry ? NULL : key);
        free(choice);
        return status_no_memory("the list of choices", sizeof *autotune->entries * (autotune->count + 1));
    }
    if (entry) {
        free((char *)entry->choice);
    } else {
        *find_slot(autotune, key) = autotune->count + 1;
        entry = &autotune->entries[autotune->count++];
    }
    *entry = AutotuneChoice{key, choice, given->microseconds, given->refused};
    return NULL;
}

Status autotune_import(Cuda *cuda, const AutotuneChoice *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        TRY(put_choice(cuda->autotune, &entries[i]));
    return NULL;
}

const AutotuneChoice *autotune_export(const Cuda *cuda, size_t *count) {
    *count = cuda->autotune->count;
    return cuda->autotune->entries;
}

bool autotune_is_timed(const Ops *ops) {
    const Autotune *autotune = cuda_context(ops)->autotune;
    return autotune && autotune->timed;
}

bool autotune_may_time(const Ops *ops) {
    return autotune_is_timed(ops) && !cuda_context(ops)->capturing;
}

const char *autotune_choice(const Ops *ops, const char *key) {
    const AutotuneChoice *entry = autotune_is_timed(ops) ? find_entry(cuda_context(ops)->autotune, key) : NULL;
    return entry ? entry->choice : NULL;
}

void autotune_record(Ops *ops, const char *key, const char *choice, double seconds) {
    Autotune *autotune = cuda_context(ops)->autotune;
    const AutotuneChoice entry = {key, choice, 1e6 * seconds, find_entry(autotune, key) != NULL};
    Status status = put_choice(autotune, &entry);
    if (status)
        cuda_fail(ops, status);
}

void *autotune_allocate(const Ops *ops, size_t bytes) {
    void *memory;
    Status status = ops->device->allocate(ops->device, bytes, "results of timing", &memory);
    status_free(status);
    return status ? NULL : memory;
}
