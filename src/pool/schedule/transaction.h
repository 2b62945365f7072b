/* SPDX-License-Identifier: Apache-2.0 */
/* One event of the schedule: all of it is in the database, or nothing; only then something is done about it. */
#ifndef FOVEA_POOL_SCHEDULE_TRANSACTION_H
#define FOVEA_POOL_SCHEDULE_TRANSACTION_H

#include "pool/schedule/state/state.h"

typedef Status (*ScheduleChange)(Schedule *schedule, void *context);
/* Runs `change` as one transaction at `now`, lets gpus_settle() bring states and ledger up to date, commits, then does
 * the effects that were put off. A refusal is to be found before: a failure here is one of the database or of memory.
 * It changes nothing on disk, and the schedule's memory is read from there again before the next event. */
Status schedule_transaction(Schedule *schedule, double now, ScheduleChange change, void *context) MUST_USE;

#endif
