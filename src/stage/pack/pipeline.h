/* SPDX-License-Identifier: Apache-2.0 */
/* Makes all shards of a source with worker threads: while the calling thread writes one shard, the workers stage the
 * next. The result does not depend on the number of threads. */
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
    int64_t shard_inputs; /* inputs of a shard; the last shard has fewer */
    int threads;
    int64_t max_quarantined;    /* files that may be quarantined */
    int64_t quarantined_before; /* files quarantined before any was opened */
} PipelineOptions;

typedef struct {
    Outcome *outcomes;  /* [source->count]; not settled for inputs rejected before */
    ShardState *shards; /* [shard_count] */
    int shard_count;
    int64_t skipped; /* inputs of shards that an earlier call finished */
} PipelineResult;

/* Fails with EXIT_DATA as soon as more than max_quarantined files are quarantined; `result` is then partial. Removes
 * pack.json before the first shard that is rebuilt. Progress on stderr. */
Status pipeline_run(const PipelineOptions *options, PipelineResult *result) MUST_USE;
void pipeline_result_close(PipelineResult *result, int64_t count);

#endif
