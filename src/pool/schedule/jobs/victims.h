/* SPDX-License-Identifier: Apache-2.0 */
/* Which running jobs are stopped so that another one can start. */
#ifndef FOVEA_POOL_SCHEDULE_JOBS_VICTIMS_H
#define FOVEA_POOL_SCHEDULE_JOBS_VICTIMS_H

#include "pool/schedule/state/state.h"

/* Sets `victims` to the fewest resumable jobs whose GPUs, of those that are `usable` for `job`, are at least `lacking`;
 * 0: there are not enough. Jobs of lower priority may be stopped, and for a job of several GPUs those of the same
 * priority that hold fewer; of these the lowest priority first, then what ran shortest, since it loses least. By
 * schedule->order, which is up to date. */
int victims_find(const Schedule *schedule, const ScheduleJob *job, const bool *usable, int lacking,
                 ScheduleJob *victims[POOL_GPUS]);

#endif
