/* SPDX-License-Identifier: Apache-2.0 */
/* Writing checkpoints in a thread of their own. checkpoint/directory.h describes the files. */
#ifndef FOVEA_CHECKPOINT_WRITE_H
#define FOVEA_CHECKPOINT_WRITE_H

#include "checkpoint/directory.h"
#include "checkpoint/state.h"
#include "model/params.h"
#include <stdbool.h>

typedef struct CheckpointWriter CheckpointWriter;

/* Adds to a measuring arena what the writer allocates on the host. */
void checkpoint_writer_measure(const Params *params, Arena *host);
/* Starts the writer's thread and allocates its staging copy (value, m and v). Removes unfinished directories in `dir`.
 */
Status checkpoint_writer_open(const char *dir, const Params *params, const CheckpointKeep *keep,
                              CheckpointWriter **writer) MUST_USE;

/* Starts a checkpoint of the present parameters and returns at once. The writer's thread copies them while the next
 * step computes its gradients; call checkpoint_writer_copied() before they change. While the previous write is
 * unfinished, nothing happens and *started is false: the caller counts it. `best`: also point `best` at this
 * checkpoint. Returns the failure of an earlier write. */
Status checkpoint_writer_begin(CheckpointWriter *writer, const TrainState *state, bool best, bool *started) MUST_USE;
/* Returns when the copy is complete. */
void checkpoint_writer_copied(CheckpointWriter *writer);
/* Returns when nothing is being written, with the last write's failure; previous checkpoints are intact then. */
Status checkpoint_writer_wait(CheckpointWriter *writer) MUST_USE;
/* How long the last write took that is complete, from its beginning on; 0: none is. */
double checkpoint_writer_seconds(CheckpointWriter *writer);
/* Why the links `latest` and `best` could not be made, once a writer; NULL: they could, or it was asked before. The
 * checkpoints are complete without them. */
Status checkpoint_writer_unlinked(CheckpointWriter *writer) MUST_USE;
/* Waits, stops the thread, frees. NULL is allowed. */
void checkpoint_writer_close(CheckpointWriter *writer);

#endif
