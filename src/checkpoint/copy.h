/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoint's staging copy of the parameters and moments, in host memory. A device that the host can read is
 * copied by whichever thread likes to; another one makes the copy itself, in a stream beside its work and into pinned
 * memory, asked by the thread that drives it. */
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
    Event *ready, *done; /* what the device's copy waits for, and its end */
} CheckpointCopy;

/* What checkpoint_copy_open() would take of the host's memory, added to a measuring arena. */
void checkpoint_copy_measure(const Params *params, Arena *arena);
/* On failure checkpoint_copy_close() still has to be called. */
Status checkpoint_copy_open(CheckpointCopy *copy, const Params *params) MUST_USE;
void checkpoint_copy_close(CheckpointCopy *copy);

/* The host's copy, made on return. */
void checkpoint_copy_make(CheckpointCopy *copy);

/* The device's copy of what the work it was given so far leaves behind; made when finish returns. */
Status checkpoint_copy_start(CheckpointCopy *copy) MUST_USE;
Status checkpoint_copy_finish(CheckpointCopy *copy) MUST_USE;

#endif
