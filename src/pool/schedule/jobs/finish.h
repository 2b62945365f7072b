/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a job, and what it means for others. */
#ifndef FOVEA_POOL_SCHEDULE_JOBS_FINISH_H
#define FOVEA_POOL_SCHEDULE_JOBS_FINISH_H

#include "pool/schedule/state/state.h"

/* The job is done, failed or cancelled: `job` is no more afterwards. Jobs that come after one that is not done fail,
 * too. Tells people of a failure that nobody waited for. */
Status finish_job(Schedule *schedule, ScheduleJob *job, JobState state, const char *why) MUST_USE;
/* Lets no job start by itself until an admin turns the filler on. */
Status finish_pause(Schedule *schedule, int64_t job, const char *why) MUST_USE;

#endif
