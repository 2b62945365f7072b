/* SPDX-License-Identifier: Apache-2.0 */
/* The guard of the host's memory: a job is stopped before the host runs out. */
#ifndef FOVEA_POOL_SCHEDULE_MEMORY_H
#define FOVEA_POOL_SCHEDULE_MEMORY_H

#include "base/status.h"
#include "pool/schedule/state/types.h"

/* What a job uses of the host's memory, all its processes together. */
Status schedule_job_memory(Schedule *schedule, int64_t job, int64_t bytes) MUST_USE;
/* The host's free memory, after schedule_job_memory() of all jobs. Below `host_free` the job that grew most since the
 * time before is stopped with a checkpoint, one at a time. */
Status schedule_host_memory(Schedule *schedule, int64_t available, double now) MUST_USE;

#endif
