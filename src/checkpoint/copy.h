/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint's staging copy of parameters and moments, in host memory. Memory that the host can read is copied by
 * any thread. Another device copies by itself, on a stream of its own and into pinned memory, started by the thread
 * that drives it. */
#ifndef FOVEA_CHECKPOINT_COPY_H
#define FOVEA_CHECKPOINT_COPY_H

#include "model/params.h"

typedef struct {
    const Params *params;
    const Device *device;
    float *value, *m, *v; /* as in params */
    Arena arena;          /* the copy, unless it is pinned */
    void *pinned;         /* NULL: copied by the host */
    Stream *stream;
    Event *ready, *done; /* the device's copy waits for the first and ends with the second */
} CheckpointCopy;

/* Adds to a measuring arena what checkpoint_copy_open() allocates on the host. */
void checkpoint_copy_measure(const Params *params, Arena *arena);
/* On failure checkpoint_copy_close() still has to be called. */
Status checkpoint_copy_open(CheckpointCopy *copy, const Params *params) MUST_USE;
void checkpoint_copy_close(CheckpointCopy *copy);

/* Makes the host's copy; complete on return. */
void checkpoint_copy_make(CheckpointCopy *copy);

/* Make the device's copy of the result of all work queued so far; complete when finish returns. */
Status checkpoint_copy_start(CheckpointCopy *copy) MUST_USE;
Status checkpoint_copy_finish(CheckpointCopy *copy) MUST_USE;

#endif
