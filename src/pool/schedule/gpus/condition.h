/* SPDX-License-Identifier: Apache-2.0 */
/* What a GPU's state is, and why, in words. */
#ifndef FOVEA_POOL_SCHEDULE_GPUS_CONDITION_H
#define FOVEA_POOL_SCHEDULE_GPUS_CONDITION_H

#include "pool/schedule/state/state.h"

/* The first state that holds, in the order quarantined, held, draining, unknown, foreign, ghost, hot, reserved, free.
 * The reason stays the same as long as nothing but figures changes: each other one is a line of the ledger. */
GpuState gpus_condition(const Schedule *schedule, int index, char reason[POOL_REASON]);
/* Whether nothing of a job is left on a GPU whose job has ended; otherwise `why` (NULL: not wanted) says what is. */
bool gpus_is_clear(const ScheduleGpu *gpu, char why[POOL_REASON]);
/* Whether memory is used by nobody: above the baseline, or above all that could be a first one. */
bool gpus_is_ghost(const ScheduleGpu *gpu);
/* Who holds it or what is in its way, for refusals: "gpu 3 is held by ann, pid 4242, job 17, since 2026-11-30 20:41".
 */
void gpus_describe(const Schedule *schedule, int index, char *text, size_t size);

#endif
