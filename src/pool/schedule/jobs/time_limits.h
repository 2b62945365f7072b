/* SPDX-License-Identifier: Apache-2.0 */
/* Times at which something is due for a job that runs: it has outlived the time of early failures, its session is to be
 * warned, its time limit or the loan is over, it does not progress, its grace is over. */
#ifndef FOVEA_POOL_SCHEDULE_JOBS_TIME_LIMITS_H
#define FOVEA_POOL_SCHEDULE_JOBS_TIME_LIMITS_H

#include "pool/schedule/state/state.h"

/* When the next of them is due; INFINITY: none. */
double time_limits_next(const Schedule *schedule);
/* Does what is due now. */
Status time_limits_apply(Schedule *schedule) MUST_USE;
/* When the job has left its GPUs at the latest, by its stop, its limit or the loan; INFINITY: not known. */
double time_limits_release(const Schedule *schedule, const ScheduleJob *job);

#endif
