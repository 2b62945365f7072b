/* SPDX-License-Identifier: Apache-2.0 */
/* What people did to jobs and to the queue, in the database's record. */
#ifndef FOVEA_POOL_SCHEDULE_JOBS_AUDIT_H
#define FOVEA_POOL_SCHEDULE_JOBS_AUDIT_H

#include "pool/schedule/state/state.h"

/* `job` 0: `what` is it. */
Status audit_add(Schedule *schedule, const Caller *caller, const char *action, int64_t job, const char *what,
                 const char *detail) MUST_USE;

#endif
