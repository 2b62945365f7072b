/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/transaction.h"

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/order.h"
#include "pool/schedule/state/queue.h"

/* Seconds between two times that the database keeps as the last at which the pool lived: after a kill, at most so much
 * of the ledger is called unseen too early. */
static const double ALIVE_EVERY = 10;

/* Memory is ahead of the database after a failure. */
static Status restore_memory(Schedule *schedule) {
    TRY(queue_restore(schedule));
    TRY(gpus_open(schedule));
    schedule->stale = false;
    return NULL;
}

static Status change_all(Schedule *schedule, ScheduleChange change, void *context, bool restored) {
    TRY(change(schedule, context));
    if (restored)
        schedule->observed = -1;
    TRY(order_jobs(schedule));
    TRY(gpus_settle(schedule));
    if (schedule->now < schedule->alive_at + ALIVE_EVERY)
        return NULL;
    schedule->alive_at = schedule->now;
    return store_put_fact(schedule->store, "seen", schedule->now);
}

Status schedule_transaction(Schedule *schedule, double now, ScheduleChange change, void *context) {
    if (schedule->in_transaction)
        return status_error(EXIT_INTERNAL, "the pool's schedule: an event within an event");
    if (now > schedule->now)
        schedule->now = now;
    const bool restored = schedule->stale;
    if (restored)
        TRY(restore_memory(schedule));
    TRY(store_begin(schedule->store));
    schedule->in_transaction = true;
    schedule->observed = -1;
    Status status = change_all(schedule, change, context, restored);
    schedule->in_transaction = false;
    if (status)
        store_rollback(schedule->store);
    else
        status = store_commit(schedule->store);
    if (status) {
        schedule_drop_effects(schedule);
        schedule->stale = true;
        return status;
    }
    schedule_do_effects(schedule);
    return NULL;
}
