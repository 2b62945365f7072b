/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of a finished shard: what it was made of, in OUT/journal/NNNNN.tsv. Written after the shard, so that a
 * shard with a journal is complete, and read by a later call, which then skips the shard. */
#ifndef FOVEA_STAGE_JOURNAL_H
#define FOVEA_STAGE_JOURNAL_H

#include "pack/manifest.h"
#include "stage/pack/outcome.h"
#include "stage/source/source.h"

/* A shard: the inputs first .. first + count of a source, those of them that are packed. */
typedef struct {
    int64_t first, count;
    uint64_t key;         /* hash of everything that the shard's bytes depend on */
    PackShardEntry entry; /* except its `file`; without records there is no file */
} ShardState;

/* XXH3 of the recipe, of the shard's inputs, and of each file's size and modification time. */
uint64_t journal_key(const StageSource *source, const char *recipe, int64_t first, int64_t count);

Status journal_write(const char *path, const StageSource *source, const ShardState *state,
                     const Outcome *outcomes) MUST_USE;
/* Reads the journal of the shard that state->first, count and key describe. *found is false when there is none with
 * that key, when it is damaged, or when a file could not be read (it may be readable now). Fills outcomes[count], empty
 * before, and the rest of `state`. */
Status journal_read(const char *path, const StageSource *source, ShardState *state, Outcome *outcomes,
                    bool *found) MUST_USE;

#endif
