/* SPDX-License-Identifier: Apache-2.0 */
/* The attempts under way: their keepers are started, asked to stop, and what became of them is reported to the
 * schedule. */
#ifndef FOVEA_POOL_DAEMON_NODE_RUNS_H
#define FOVEA_POOL_DAEMON_NODE_RUNS_H

#include "pool/daemon/node/daemon_state.h"

/* The schedule's callbacks, which note what is to be done. */
ScheduleHost runs_host(Daemon *daemon);
/* After the daemon's restart: what became of each attempt that the database has as not ended. */
Status runs_adopt(Daemon *daemon) MUST_USE;
/* Does what is noted, and reports what happened. */
void runs_work(Daemon *daemon);
/* clock_now() at which runs_work() has something to do although no keeper ended; INFINITY. */
double runs_next(const Daemon *daemon);
/* The job that a process belongs to; 0: none. */
int64_t runs_owner(const Daemon *daemon, int64_t pid);
/* Forgets the attempts, which run on. */
void runs_close(Daemon *daemon);

#endif
