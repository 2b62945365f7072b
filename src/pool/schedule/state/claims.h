/* SPDX-License-Identifier: Apache-2.0 */
/* The host's memory that jobs have claimed. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_CLAIMS_H
#define FOVEA_POOL_SCHEDULE_STATE_CLAIMS_H

#include "pool/schedule/state/state.h"

/* Bytes of the host that the job claims: its --host-mem, and where GPUs have no memory of their own (slots, unified
 * memory) its
 * --gpu-mem, too. */
int64_t claims_of(const Schedule *schedule, const ScheduleJob *job);
/* Of all jobs that run. */
int64_t claims_running(const Schedule *schedule);
/* What jobs may claim together; -1: not known. */
int64_t claims_limit(const Schedule *schedule);
/* Bytes of the GPU's own memory; -1: not known, or it has none. */
int64_t claims_gpu_limit(const ScheduleGpu *gpu);

#endif
