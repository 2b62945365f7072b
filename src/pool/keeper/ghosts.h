/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps a GPU from being free when no job holds it: memory of which no process shows, and processes that have a
 * GPU's device open, with the lease that they were started under. */
#ifndef FOVEA_POOL_KEEPER_GHOSTS_H
#define FOVEA_POOL_KEEPER_GHOSTS_H

#include "gauges/gauges.h"
#include "pool/gpu.h"

#include <stdbool.h>
#include <stdint.h>

/* Bytes of a GPU that are used beyond what its processes and its own idle state (`baseline`; -1: not learned, taken as
 * 0) explain, never below 0; -1: not known, since the GPU or a process does not report its memory. */
int64_t ghosts_memory(const GaugeSample *sample, int64_t baseline);

typedef struct {
    ForeignProcess process;
    char devices[POOL_REASON]; /* "/dev/nvidia0 /dev/nvidiactl" */
    int64_t job, epoch;        /* of its lease; 0: of none of this pool */
    bool valid;                /* that lease is */
} GhostHolder;

typedef struct {
    GhostHolder *list; /* [count] */
    int64_t count, capacity;
    int hidden; /* processes of others, whose descriptors may not be read */
} GhostHolders;

/* Processes with an open file whose path begins with `devices`: "/dev/nvidia" except in tests. Free with ghosts_free()
 * either way. */
Status ghosts_find(const char *state, const char *devices, GhostHolders *holders) MUST_USE;
void ghosts_free(GhostHolders *holders);
/* Kills the processes that were started under a lease of this pool which is not valid any more, and no others. *killed:
 * how many there were; *left: those that are still there. */
Status ghosts_sweep(const char *state, int *killed, int *left) MUST_USE;

#endif
