/* SPDX-License-Identifier: Apache-2.0 */
/* Reads records that this call has packed back from its shards. */
#ifndef FOVEA_STAGE_SHARD_RECORDS_H
#define FOVEA_STAGE_SHARD_RECORDS_H

#include "stage/pack/output.h"
#include "stage/pack/pipeline.h"
#include "stage/source/source.h"

#include <stdbool.h>

/* Where in its shard the record of each packed input is: places[source->count]. */
void shard_records_places(const PipelineResult *result, int64_t *places);

/* Reads the record of a packed input, at its place, into `record` [size][size][3]. *found is false when its shard was
 * not written because the call ended before. EXIT_IO when it cannot be read. */
Status shard_records_read(const Output *output, const StageSource *source, const PipelineResult *result, int64_t input,
                          int64_t place, uint8_t *record, bool *found) MUST_USE;

#endif
