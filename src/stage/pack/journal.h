/* SPDX-License-Identifier: Apache-2.0 */
/* What a finished shard was made of, kept beside it in OUT/journal/NNNNN.tsv: written last, so that a shard with a
 * journal is whole, and read by a later call, which then has nothing to do for it. */
#ifndef FOVEA_STAGE_JOURNAL_H
#define FOVEA_STAGE_JOURNAL_H

#include "stage/pack/outcome.h"
#include "stage/source/source.h"

/* The inputs first .. first + count of a source, and the shard of those that were packed. */
typedef struct {
    int64_t first, count;
    uint64_t key;         /* of all that the shard's bytes hang on: recipe, inputs, the files' sizes and times */
    PackShardEntry entry; /* but its `file`; without records there is no file */
} ShardState;

/* XXH3 of the recipe and of what the source says of the shard's inputs, and of each file's size and time of change. */
uint64_t journal_key(const StageSource *source, const char *recipe, int64_t first, int64_t count);

Status journal_write(const char *path, const StageSource *source, const ShardState *state,
                     const Outcome *outcomes) MUST_USE;
/* Reads the journal of state->first, count and key: *found is false when there is none, or none of the same key, or
 * it is damaged, or a file could not be read, which may have been mended. Fills
 * outcomes [count], all of them empty before, and the rest of `state`. */
Status journal_read(const char *path, const StageSource *source, ShardState *state, Outcome *outcomes,
                    bool *found) MUST_USE;

#endif
