/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/jobs/finish.h"

#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/queue.h"

#include <inttypes.h>
#include <stdio.h>

static Status end_job(Schedule *schedule, ScheduleJob *job, JobState state, const char *why) {
    job->job.state = state;
    job->job.stop = STOP_NONE;
    job->job.stop_at = 0;
    snprintf(job->job.reason, sizeof job->job.reason, "%s", why);
    TRY(queue_put(schedule, job));
    if (state == JOB_FAILED && !job->job.wants.foreground)
        TRY(schedule_add_notice(schedule, "failed", job->job.id, job->attempt.number ? job->attempt.gpus[0] : -1,
                                "job %" PRId64 " of %s (%.100s) failed: %.200s", job->job.id, job->job.user,
                                job->job.command, why));
    queue_remove(schedule, job->job.id);
    return NULL;
}

/* A waiting job that comes after the one of that number; NULL: none. */
static ScheduleJob *find_after(const Schedule *schedule, int64_t id) {
    for (int64_t i = 0; i < schedule->job_count; i++) {
        const JobWants *wants = &schedule->jobs[i]->job.wants;
        for (int a = 0; a < wants->after_count; a++)
            if (wants->after[a] == id)
                return schedule->jobs[i];
    }
    return NULL;
}

Status finish_job(Schedule *schedule, ScheduleJob *job, JobState state, const char *why) {
    const int64_t id = job->job.id;
    TRY(end_job(schedule, job, state, why));
    if (state == JOB_DONE)
        return NULL;
    char text[POOL_REASON];
    snprintf(text, sizeof text, "job %" PRId64 ", which it comes after, %s", id,
             state == JOB_CANCELLED ? "was cancelled" : "failed");
    ScheduleJob *after;
    while ((after = find_after(schedule, id)))
        TRY(finish_job(schedule, after, JOB_FAILED, text));
    return NULL;
}

Status finish_pause(Schedule *schedule, int64_t job, const char *why) {
    schedule->paused = true;
    snprintf(schedule->paused_why, sizeof schedule->paused_why, "%s", why);
    TRY(store_put_fact_text(schedule->store, "paused", why));
    return schedule_add_notice(schedule, "filler_stopped", job, -1,
                               "no job starts by itself: %s; pool filler on goes on", why);
}
