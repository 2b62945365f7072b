/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/memory.h"

#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/queue_stop.h"
#include "pool/schedule/state/reason_words.h"
#include "pool/schedule/transaction.h"

#include <inttypes.h>
#include <stdio.h>

Status schedule_job_memory(Schedule *schedule, int64_t id, int64_t bytes) {
    ScheduleJob *job = queue_find(schedule, id);
    if (!job || job->attempt.number == 0)
        return NULL;
    job->memory_before = job->memory;
    job->memory = bytes;
    return NULL;
}

/* All that a job uses is growth when it was not measured before. */
static int64_t growth_of(const ScheduleJob *job) {
    return job->memory - (job->memory_before > 0 ? job->memory_before : 0);
}

/* The running job to stop; NULL: none, or one stops already, whose end is waited for. */
static ScheduleJob *find_grower(const Schedule *schedule) {
    ScheduleJob *most = NULL;
    for (int64_t i = 0; i < schedule->job_count; i++) {
        ScheduleJob *job = schedule->jobs[i];
        if (job->job.state == JOB_STOPPING)
            return NULL;
        if (job->job.state != JOB_RUNNING || job->memory < 0)
            continue;
        const int64_t growth = growth_of(job), best = most ? growth_of(most) : 0;
        if (!most || growth > best || (growth == best && job->memory > most->memory))
            most = job;
    }
    return most;
}

static Status stop_grower(Schedule *schedule, void *context) {
    (void)context;
    ScheduleJob *job = find_grower(schedule);
    if (!job)
        return NULL;
    char why[POOL_REASON];
    snprintf(why, sizeof why, "the host had %s left of %s to keep free", reason_bytes(schedule->host_available).text,
             reason_bytes(schedule->rule->host_free).text);
    TRY(schedule_add_notice(schedule, "host_memory", job->job.id, job->attempt.gpus[0],
                            "job %" PRId64 " of %s, which uses %s, stops: %s", job->job.id, job->job.user,
                            reason_bytes(job->memory).text, why));
    return queue_ask(schedule, job, STOP_FAILURE, why);
}

Status schedule_host_memory(Schedule *schedule, int64_t available, double now) {
    schedule->host_available = available;
    if (available < 0 || available >= schedule->rule->host_free || !find_grower(schedule))
        return NULL;
    return schedule_transaction(schedule, now, stop_grower, NULL);
}
