/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/restore.h"

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/jobs/finish.h"
#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/transaction.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static const char CLIENT_GONE[] = "the pool was restarted while it waited, and its client is gone";

/* A waiting job whose client is gone with the daemon before; NULL: none. */
static ScheduleJob *find_orphan(const Schedule *schedule) {
    for (int64_t i = 0; i < schedule->job_count; i++) {
        const Job *job = &schedule->jobs[i]->job;
        if (job->wants.foreground && (job->state == JOB_WAITING || job->state == JOB_HELD))
            return schedule->jobs[i];
    }
    return NULL;
}

static Status open_jobs(Schedule *schedule, void *context) {
    (void)context;
    TRY(gpus_start_unseen(schedule));
    ScheduleJob *orphan;
    while ((orphan = find_orphan(schedule)))
        TRY(finish_job(schedule, orphan, JOB_CANCELLED, CLIENT_GONE));
    return NULL;
}

static Status restore_all(Schedule *schedule, double now) {
    TRY(queue_restore(schedule));
    TRY(gpus_open(schedule));
    schedule->was_dry = true;
    return schedule_transaction(schedule, now, open_jobs, NULL);
}

Status schedule_open(Schedule **opened, const Rule *rule, Store *store, const ScheduleHost *host, int64_t memory,
                     double now) {
    *opened = NULL;
    Schedule *schedule = calloc(1, sizeof *schedule);
    if (!schedule)
        return status_no_memory("the pool's schedule", sizeof *schedule);
    schedule->rule = rule;
    schedule->store = store;
    schedule->host = *host;
    schedule->host_memory = memory;
    schedule->host_available = -1;
    schedule->now = now;
    Status status = restore_all(schedule, now);
    if (status) {
        schedule_close(schedule);
        return status;
    }
    *opened = schedule;
    return NULL;
}

void schedule_close(Schedule *schedule) {
    if (!schedule)
        return;
    queue_free(schedule);
    free(schedule->order);
    free(schedule->turns);
    free(schedule->effects);
    free(schedule);
}

/* The job of that number, whose attempt the database has as not ended; NULL: there is none. */
static ScheduleJob *find_open(const Schedule *schedule, const void *id) {
    ScheduleJob *job = queue_find(schedule, *(const int64_t *)id);
    return job && job->attempt.number > 0 ? job : NULL;
}

static Status adopt_job(Schedule *schedule, void *context) {
    ScheduleJob *job = find_open(schedule, context);
    if (!job)
        return NULL;
    gpus_adopt(schedule, job->job.id);
    job->progress = schedule->now;
    if (job->job.state != JOB_STOPPING)
        return NULL;
    return schedule_add_effect(schedule,
                               &(Effect){.kind = EFFECT_STOP, .job = job->job.id, .signal = SIGTERM, .gpu = -1});
}

Status schedule_adopt(Schedule *schedule, int64_t id, double now) {
    return schedule_transaction(schedule, now, adopt_job, &id);
}

static Status return_job(Schedule *schedule, void *context) {
    ScheduleJob *job = find_open(schedule, context);
    if (!job)
        return NULL;
    job->attempt.to = schedule->now;
    snprintf(job->attempt.why, sizeof job->attempt.why, "it was never started");
    TRY(gpus_drain(schedule, job->job.id));
    TRY(store_put_attempt(schedule->store, &job->attempt));
    job->attempt = (Attempt){0};
    if (job->job.stop == STOP_CANCEL)
        return finish_job(schedule, job, JOB_CANCELLED, job->job.reason);
    if (job->job.wants.foreground)
        return finish_job(schedule, job, JOB_CANCELLED, CLIENT_GONE);
    job->job.state = JOB_WAITING;
    job->job.stop = STOP_NONE;
    job->job.stop_at = 0;
    job->job.reason[0] = '\0';
    return queue_put(schedule, job);
}

Status schedule_not_started(Schedule *schedule, int64_t id, double now) {
    return schedule_transaction(schedule, now, return_job, &id);
}
