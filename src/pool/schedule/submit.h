/* SPDX-License-Identifier: Apache-2.0 */
/* New jobs: what is refused, what waits, what starts at once. */
#ifndef FOVEA_POOL_SCHEDULE_SUBMIT_H
#define FOVEA_POOL_SCHEDULE_SUBMIT_H

#include "base/status.h"
#include "pool/schedule/state/types.h"

/* Queues the job, or with `now_or_never` starts it at once. Takes over *job's texts on success, and sets its number. A
 * refusal is EXIT_REFUSED and names holder, pid, job and since when; EXIT_USAGE: no such lane, GPU or job. Without a
 * lane it is that of its GPUs, or the first that the caller may use. With `dry_run` nothing is queued: *answer says
 * what would happen (malloc'ed; NULL otherwise), and the texts stay the caller's. */
Status schedule_submit(Schedule *schedule, const Caller *caller, Job *job, bool now_or_never, bool dry_run,
                       char **answer, double now) MUST_USE;

#endif
