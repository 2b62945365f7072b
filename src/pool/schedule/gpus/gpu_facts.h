/* SPDX-License-Identifier: Apache-2.0 */
/* What the database knows of GPUs beyond leases and ledger: quarantine, drain, baseline, accepted errors. Kept by what
 * the rule calls the GPU, so that a GPU with another number is still the same; a slot's by its number. */
#ifndef FOVEA_POOL_SCHEDULE_GPUS_GPU_FACTS_H
#define FOVEA_POOL_SCHEDULE_GPUS_GPU_FACTS_H

#include "pool/schedule/state/state.h"

Status gpu_facts_read(Schedule *schedule, ScheduleGpu *gpu) MUST_USE;
/* Inside a transaction. */
Status gpu_facts_keep(Schedule *schedule, const ScheduleGpu *gpu) MUST_USE;

#endif
