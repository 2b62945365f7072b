/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/tick.h"

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/jobs/starts.h"
#include "pool/schedule/jobs/time_limits.h"
#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/transaction.h"

#include <math.h>

static bool does_filler_wait(const Schedule *schedule) {
    for (int64_t i = 0; i < schedule->job_count; i++)
        if (schedule->jobs[i]->job.state == JOB_WAITING && queue_needs_filler(schedule, schedule->jobs[i]))
            return true;
    return false;
}

static int count_free(const Schedule *schedule) {
    int count = 0;
    for (int i = 0; i < schedule->gpu_count; i++) {
        const int lane = schedule->gpus[i].lane;
        count += lane >= 0 && schedule->rule->lanes[lane].kind == LANE_POOL && gpus_may_lease(schedule, i, 0);
    }
    return count;
}

/* The queue ran dry, GPUs are free, and nobody was notified yet. */
static bool runs_dry(const Schedule *schedule) {
    return !schedule->was_dry && !does_filler_wait(schedule) && count_free(schedule) > 0;
}

static Status do_due(Schedule *schedule, void *context) {
    (void)context;
    TRY(time_limits_apply(schedule));
    TRY(starts_apply(schedule));
    if (!runs_dry(schedule))
        return NULL;
    schedule->was_dry = true;
    const int count = count_free(schedule);
    return schedule_add_notice(schedule, "dry", 0, -1, "no job waits, and %d GPU%s of the pool %s free", count,
                               count > 1 ? "s" : "", count > 1 ? "are" : "is");
}

static bool is_due(const Schedule *schedule) {
    if (!schedule->ordered || schedule->stale || time_limits_next(schedule) <= schedule->now || runs_dry(schedule))
        return true;
    StartPlan plan;
    starts_plan(schedule, &plan);
    return starts_change(schedule, &plan);
}

Status schedule_tick(Schedule *schedule, double now) {
    if (now > schedule->now)
        schedule->now = now;
    if (does_filler_wait(schedule))
        schedule->was_dry = false;
    return is_due(schedule) ? schedule_transaction(schedule, now, do_due, NULL) : NULL;
}

double schedule_next(const Schedule *schedule) {
    return fmin(time_limits_next(schedule), starts_next(schedule));
}
