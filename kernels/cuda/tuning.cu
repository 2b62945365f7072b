/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/tuning.cuh"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The list, and places in it by the hash of the key: `slots` is a power of two of numbers, at least twice as many as
 * entries, 0 for an empty one and otherwise the entry's place and 1. */
struct Tuning {
    bool timed;
    TuneEntry *entries;
    size_t count, room;
    size_t *slots;
};

static const size_t FIRST_ROOM = 64;

Status tuning_open(Cuda *cuda) {
    cuda->tuning = (Tuning *)calloc(1, sizeof *cuda->tuning);
    return cuda->tuning ? NULL : status_no_memory("the list of choices", sizeof *cuda->tuning);
}

void tuning_close(Cuda *cuda) {
    Tuning *tuning = cuda->tuning;
    if (!tuning)
        return;
    for (size_t i = 0; i < tuning->count; i++) {
        free((char *)tuning->entries[i].key);
        free((char *)tuning->entries[i].choice);
    }
    free(tuning->entries);
    free(tuning->slots);
    free(tuning);
    cuda->tuning = NULL;
}

void tuning_set(Cuda *cuda, bool timed) {
    cuda->tuning->timed = timed;
}

/* The key's slot, or the empty one where it would go; there are slots, and empty ones among them. */
static size_t *slot_of(const Tuning *tuning, const char *key) {
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *at = key; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    const size_t mask = 2 * tuning->room - 1;
    size_t i = (size_t)(hash ^ hash >> 32) & mask;
    while (tuning->slots[i] && strcmp(tuning->entries[tuning->slots[i] - 1].key, key) != 0)
        i = (i + 1) & mask;
    return &tuning->slots[i];
}

static TuneEntry *entry_of(const Tuning *tuning, const char *key) {
    const size_t place = tuning->room ? *slot_of(tuning, key) : 0;
    return place ? &tuning->entries[place - 1] : NULL;
}

/* Makes room for one more; false for want of memory. */
static bool grow(Tuning *tuning) {
    if (tuning->count < tuning->room)
        return true;
    const size_t room = tuning->room ? 2 * tuning->room : FIRST_ROOM;
    TuneEntry *entries = (TuneEntry *)realloc(tuning->entries, room * sizeof *entries);
    if (entries)
        tuning->entries = entries;
    size_t *slots = (size_t *)calloc(2 * room, sizeof *slots);
    if (!entries || !slots) {
        free(slots);
        return false;
    }
    free(tuning->slots);
    tuning->slots = slots;
    tuning->room = room;
    for (size_t i = 0; i < tuning->count; i++)
        *slot_of(tuning, entries[i].key) = i + 1;
    return true;
}

static Status put(Tuning *tuning, const TuneEntry *given) {
    TuneEntry *entry = entry_of(tuning, given->key);
    char *key = entry ? (char *)entry->key : strdup(given->key), *choice = strdup(given->choice);
    if (!key || !choice || (!entry && !grow(tuning))) {
        free(entry ? NULL : key);
        free(choice);
        return status_no_memory("the list of choices", sizeof *tuning->entries * (tuning->count + 1));
    }
    if (entry) {
        free((char *)entry->choice);
    } else {
        *slot_of(tuning, key) = tuning->count + 1;
        entry = &tuning->entries[tuning->count++];
    }
    *entry = TuneEntry{key, choice, given->microseconds, given->refused};
    return NULL;
}

Status tuning_give(Cuda *cuda, const TuneEntry *entries, size_t count) {
    for (size_t i = 0; i < count; i++)
        TRY(put(cuda->tuning, &entries[i]));
    return NULL;
}

const TuneEntry *tuning_list(const Cuda *cuda, size_t *count) {
    *count = cuda->tuning->count;
    return cuda->tuning->entries;
}

bool tuning_timed(const Ops *ops) {
    const Tuning *tuning = cuda_context(ops)->tuning;
    return tuning && tuning->timed;
}

bool tuning_may_time(const Ops *ops) {
    return tuning_timed(ops) && !cuda_context(ops)->capturing;
}

const char *tuning_choice(const Ops *ops, const char *key) {
    const TuneEntry *entry = tuning_timed(ops) ? entry_of(cuda_context(ops)->tuning, key) : NULL;
    return entry ? entry->choice : NULL;
}

void tuning_keep(Ops *ops, const char *key, const char *choice, double seconds) {
    Tuning *tuning = cuda_context(ops)->tuning;
    const TuneEntry entry = {key, choice, 1e6 * seconds, entry_of(tuning, key) != NULL};
    Status status = put(tuning, &entry);
    if (status)
        cuda_fail(ops, status);
}

void *tuning_room(const Ops *ops, size_t bytes) {
    void *memory;
    Status status = ops->device->allocate(ops->device, bytes, "results of timing", &memory);
    status_free(status);
    return status ? NULL : memory;
}
