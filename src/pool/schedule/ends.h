/* SPDX-License-Identifier: Apache-2.0 */
/* What the host reports of attempts: started, at work, ended. */
#ifndef FOVEA_POOL_SCHEDULE_ENDS_H
#define FOVEA_POOL_SCHEDULE_ENDS_H

#include "base/status.h"
#include "pool/schedule/state/types.h"

Status schedule_started(Schedule *schedule, int64_t job, int64_t pid, double now) MUST_USE;
/* All processes of the attempt are gone. `why` of what the host knows beyond exit and signal ("its keeper was killed");
 * "" otherwise. Exits 126 and 127 say that the command could not be run. Nothing for a job that does not run: an end
 * may be reported twice. */
Status schedule_ended(Schedule *schedule, int64_t job, JobEnd end, const char *why, double now) MUST_USE;
/* The job wrote to its metrics. */
Status schedule_progress(Schedule *schedule, int64_t job, double now) MUST_USE;

#endif
