/* SPDX-License-Identifier: Apache-2.0 */
/* What people do to jobs and to the queue, and who may. */
#ifndef FOVEA_POOL_SCHEDULE_ACT_H
#define FOVEA_POOL_SCHEDULE_ACT_H

#include "base/status.h"
#include "pool/schedule/state/types.h"

/* EXIT_USAGE: no such job, or it is in no state for that. EXIT_REFUSED: it is another user's. */
Status schedule_act(Schedule *schedule, const Caller *caller, JobAct act, int64_t job, double now) MUST_USE;
/* An admin's. Turned on, it also ends a pause of the queue. */
Status schedule_filler(Schedule *schedule, const Caller *caller, bool on, double now) MUST_USE;
/* EXIT_REFUSED unless the caller may see and act on the job. */
Status schedule_may(const Schedule *schedule, const Caller *caller, const Job *job) MUST_USE;

#endif
