/* SPDX-License-Identifier: Apache-2.0 */
/* Writes checkpoints from a thread of its own while training continues. */
#ifndef FOVEA_CHECKPOINT_WRITE_H
#define FOVEA_CHECKPOINT_WRITE_H

#include "base/arena.h"
#include "checkpoint/state.h"
#include "model/params.h"

typedef struct CheckpointWriter CheckpointWriter;

/* What the writer would take of the host's memory, added to a measuring arena. */
void checkpoint_writer_measure(const Params *params, Arena *host);
/* Starts the writer's thread and allocates its staging copy (value, m and v). Left-over unfinished directories in `dir`
 * are removed. */
Status checkpoint_writer_open(const char *dir, const Params *params, int keep, CheckpointWriter **writer) MUST_USE;

/* Asks for a checkpoint of the parameters as they are now and returns at once. The copy is made by the writer's thread
 * while the next step computes its gradients; checkpoint_writer_copied() must be called before they change. When the
 * former write is not finished, nothing is done and *started is false: the caller counts it. `best`: also point `best`
 * here. Returns the failure of an earlier write. */
Status checkpoint_writer_begin(CheckpointWriter *writer, const TrainState *state, bool best, bool *started) MUST_USE;
/* Returns when the copy is made. */
void checkpoint_writer_copied(CheckpointWriter *writer);
/* Returns when no write is under way, with the last write's failure: previous checkpoints are intact then. */
Status checkpoint_writer_wait(CheckpointWriter *writer) MUST_USE;
/* Waits, stops the thread, frees. NULL is allowed. */
void checkpoint_writer_close(CheckpointWriter *writer);

#endif
