/* SPDX-License-Identifier: Apache-2.0 */
/* All shards of a source, by worker threads: while the calling thread settles and writes one shard, the workers are at
 * the next. What comes out does not depend on how many there are. */
#ifndef FOVEA_STAGE_PIPELINE_H
#define FOVEA_STAGE_PIPELINE_H

#include "stage/pack/journal.h"
#include "stage/pack/outcome.h"
#include "stage/pack/output.h"
#include "stage/source/source.h"

typedef struct {
    const StageSource *source;
    const Output *output;
    const char *recipe;
    int64_t shard_inputs; /* inputs of a shard, the last one's fewer */
    int threads;
    int64_t bad_allowed; /* files that may be quarantined */
    int64_t bad_before;  /* of them, before any was opened */
} PipelineOptions;

typedef struct {
    Outcome *outcomes;  /* [source->count]; those excluded or bad before are not settled */
    ShardState *shards; /* [shard_count] */
    int shard_count;
    int64_t skipped; /* inputs of shards that were finished before */
} PipelineResult;

/* Fails with EXIT_DATA as soon as more than bad_allowed are quarantined; `result` then holds what is known. Removes
 * pack.json before the first shard that is made anew. Progress on stderr. */
Status pipeline_run(const PipelineOptions *options, PipelineResult *result) MUST_USE;
void pipeline_result_close(PipelineResult *result, int64_t count);

#endif
