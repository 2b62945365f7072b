/* SPDX-License-Identifier: Apache-2.0 */
/* The start and the end of a schedule: all is restored from the database. */
#ifndef FOVEA_POOL_SCHEDULE_RESTORE_H
#define FOVEA_POOL_SCHEDULE_RESTORE_H

#include "pool/rule/rule.h"
#include "pool/schedule/state/types.h"
#include "pool/store/store.h"

/* Restores jobs, leases, baselines and switches from the database. Time that no daemon saw is in the ledger as unseen,
 * but of GPUs whose job schedule_adopt() claims as held. A job of `pool run` that waited is cancelled: its client is
 * gone. `memory` of the host in bytes; -1: not known. */
Status schedule_open(Schedule **schedule, const Rule *rule, Store *store, const ScheduleHost *host, int64_t memory,
                     double now) MUST_USE;
void schedule_close(Schedule *schedule);

/* After schedule_open(), once for each attempt that the database has as not ended: it runs on (and is asked to stop
 * once more, if it had been); it ended meanwhile, by schedule_ended(); or it was never started (goes back to the queue,
 * and does not count). */
Status schedule_adopt(Schedule *schedule, int64_t job, double now) MUST_USE;
Status schedule_not_started(Schedule *schedule, int64_t job, double now) MUST_USE;

#endif
