/* SPDX-License-Identifier: Apache-2.0 */
/* Settles a shard whose inputs have all been looked at: duplicates, then the file and its journal. */
#ifndef FOVEA_STAGE_SHARD_H
#define FOVEA_STAGE_SHARD_H

#include "stage/pack/content_index.h"
#include "stage/pack/journal.h"
#include "stage/pack/output.h"

/* Takes the packed outcomes [state->count] in their order: one whose content is in `seen` becomes a duplicate, on the
 * same side of the split or across it; the others are entered. False when an outcome read from a journal no longer
 * agrees with the shards before it, and `outcomes` have to be made anew; those of this call are then not in `seen`. */
Status shard_settle(const StageSource *source, const ShardState *state, Outcome *outcomes, bool from_journal,
                    Seen *seen, bool *agrees) MUST_USE;

/* Writes the shard of the packed outcomes, whose records lie in the file `spool` at the place of their input; fills
 * state->entry; then its journal. Without records there is no file. */
Status shard_write(const Output *output, int number, const StageSource *source, ShardState *state,
                   const Outcome *outcomes, int spool) MUST_USE;

/* Whether the file has the entry's size and SHA-256; one that is not there or cannot be read has not. */
Status shard_is_whole(const char *path, const PackShardEntry *entry, bool *whole) MUST_USE;

#endif
