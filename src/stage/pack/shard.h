/* SPDX-License-Identifier: Apache-2.0 */
/* Finishes a shard whose inputs have all been staged: duplicates, then the file and its journal. */
#ifndef FOVEA_STAGE_SHARD_H
#define FOVEA_STAGE_SHARD_H

#include "stage/pack/content_index.h"
#include "stage/pack/journal.h"
#include "stage/pack/output.h"

/* Goes through the packed outcomes [state->count] in order: one whose content is in `contents` becomes a duplicate, on
 * the same side of the split or across it; the others are added. *agrees is false when outcomes from a journal no
 * longer agree with the shards before them and must be made again; none of them is then in `contents`. */
Status shard_mark_duplicates(const StageSource *source, const ShardState *state, Outcome *outcomes, bool from_journal,
                             ContentIndex *contents, bool *agrees) MUST_USE;

/* Writes the shard of the packed outcomes, whose records are in the file `spool` at their input's place, then its
 * journal; fills state->entry. Without records there is no file. */
Status shard_write(const Output *output, int number, const StageSource *source, ShardState *state,
                   const Outcome *outcomes, int spool) MUST_USE;

/* Whether the file has the entry's size and SHA-256; false for a missing or unreadable file. */
Status shard_is_intact(const char *path, const PackShardEntry *entry, bool *intact) MUST_USE;

#endif
