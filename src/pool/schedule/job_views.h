/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as the answers show them. */
#ifndef FOVEA_POOL_SCHEDULE_JOB_VIEWS_H
#define FOVEA_POOL_SCHEDULE_JOB_VIEWS_H

#include "base/status.h"
#include "pool/schedule/state/types.h"

/* Live jobs (waiting, held, running, stopping) in the order in which they would start, running ones first. */
int schedule_job_count(const Schedule *schedule);
const Job *schedule_job(const Schedule *schedule, int index);
/* NULL: it is not live; it does not run. */
const Job *schedule_find(const Schedule *schedule, int64_t id);
const Attempt *schedule_attempt(const Schedule *schedule, int64_t job);

#endif
