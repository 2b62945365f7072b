/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/state/queue_stop.h"

#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/queue.h"

#include <signal.h>
#include <stdio.h>

Status queue_ask(Schedule *schedule, ScheduleJob *job, JobStop stop, const char *why) {
    const bool asked = job->job.state == JOB_STOPPING;
    if (asked && (stop != STOP_CANCEL || job->job.stop == STOP_CANCEL))
        return NULL;
    job->job.state = JOB_STOPPING;
    job->job.stop = stop;
    snprintf(job->job.reason, sizeof job->job.reason, "%s", why);
    if (!asked) {
        job->job.stop_at = schedule->now;
        TRY(schedule_add_effect(schedule,
                                &(Effect){.kind = EFFECT_STOP, .job = job->job.id, .signal = SIGTERM, .gpu = -1}));
    }
    return queue_put(schedule, job);
}

Status queue_stop(Schedule *schedule, int64_t job, const char *why) {
    ScheduleJob *found = queue_find(schedule, job);
    return found && found->job.state == JOB_RUNNING ? queue_ask(schedule, found, STOP_YIELD, why) : NULL;
}
