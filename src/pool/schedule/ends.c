/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/ends.h"

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/jobs/finish.h"
#include "pool/schedule/jobs/outcome.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/reason_words.h"
#include "pool/schedule/transaction.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    int64_t job, pid;
    JobEnd end;
    const char *why;
} Event;

static ScheduleJob *find_running(const Schedule *schedule, int64_t id) {
    ScheduleJob *job = queue_find(schedule, id);
    return job && job->attempt.number > 0 ? job : NULL;
}

static Status note_start(Schedule *schedule, void *context) {
    const Event *event = context;
    ScheduleJob *job = find_running(schedule, event->job);
    if (!job)
        return NULL;
    job->attempt.pid = event->pid;
    return store_put_attempt(schedule->store, &job->attempt);
}

Status schedule_started(Schedule *schedule, int64_t job, int64_t pid, double now) {
    return schedule_transaction(schedule, now, note_start, &(Event){.job = job, .pid = pid});
}

Status schedule_progress(Schedule *schedule, int64_t id, double now) {
    ScheduleJob *job = find_running(schedule, id);
    if (job && now > job->progress)
        job->progress = now;
    return NULL;
}

/* The same early failure of three jobs on three GPUs has a cause that more jobs would meet. */
static Status count_early(Schedule *schedule, const ScheduleJob *job, JobEnd end) {
    const int64_t id = job->job.id;
    const int gpu = job->attempt.gpus[0];
    if (schedule->early_count > 0 && (schedule->early_end.exit != end.exit || schedule->early_end.signal != end.signal))
        schedule->early_count = 0;
    schedule->early_end = end;
    for (int i = 0; i < schedule->early_count; i++)
        if (schedule->early_jobs[i] == id || schedule->early_gpus[i] == gpu)
            return NULL;
    schedule->early_jobs[schedule->early_count] = id;
    schedule->early_gpus[schedule->early_count++] = gpu;
    if (schedule->early_count < 3)
        return NULL;
    const int64_t *jobs = schedule->early_jobs;
    char why[POOL_REASON];
    snprintf(why, sizeof why, "jobs %" PRId64 ", %" PRId64 " and %" PRId64 " %s soon after their start, on three GPUs",
             jobs[0], jobs[1], jobs[2], reason_end(end).text);
    schedule->early_count = 0;
    return finish_pause(schedule, id, why);
}

/* Whether jobs of the GPU's lane can go elsewhere. */
static bool has_sibling(const Schedule *schedule, int index) {
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        if (i != index && gpu->lane == schedule->gpus[index].lane && !gpu->quarantined && !gpu->drained)
            return true;
    }
    return false;
}

/* What the end says of the GPUs and of the pool. */
static Status judge_surroundings(Schedule *schedule, const ScheduleJob *job, JobEnd end, const Outcome *outcome) {
    const Attempt *attempt = &job->attempt;
    for (int i = 0; i < attempt->gpu_count; i++) {
        const int index = gpus_find(schedule, attempt->gpus[i]);
        if (index < 0)
            continue;
        if (outcome->state == JOB_DONE)
            gpus_worked(schedule, index);
        /* A slot has no hardware of its own to blame, and the last one of a lane serves on. */
        const bool slot = schedule->gpus[index].cpu;
        char why[POOL_REASON];
        snprintf(why, sizeof why, "job %" PRId64 " %s", job->job.id, reason_end(end).text);
        if (outcome->quarantine && (!slot || has_sibling(schedule, index)))
            TRY(gpus_quarantine(schedule, index, why));
        else if (outcome->blames_gpu && !slot)
            TRY(gpus_early_failure(schedule, index, job->job.id));
    }
    if (outcome->pause) {
        char why[POOL_REASON];
        snprintf(why, sizeof why, "job %" PRId64 " %.200s", job->job.id, outcome->why);
        TRY(finish_pause(schedule, job->job.id, why));
    }
    if (outcome->state == JOB_DONE)
        schedule->early_count = 0;
    return outcome->early ? count_early(schedule, job, end) : NULL;
}

static Status queue_again(Schedule *schedule, ScheduleJob *job, const Outcome *outcome) {
    if (outcome->failure)
        queue_avoid(job, &job->attempt);
    if (!outcome->keeps_turn)
        job->job.queued = schedule->now;
    job->job.halvings += outcome->halve;
    job->job.state = JOB_WAITING;
    job->job.stop = STOP_NONE;
    job->job.stop_at = 0;
    snprintf(job->job.reason, sizeof job->job.reason, "%s", outcome->why);
    job->attempt = (Attempt){0};
    return queue_put(schedule, job);
}

static Status end_attempt(Schedule *schedule, void *context) {
    const Event *event = context;
    ScheduleJob *job = find_running(schedule, event->job);
    if (!job)
        return NULL;
    Outcome outcome;
    outcome_of(&job->job, event->end, event->why, schedule->now - job->attempt.from, &outcome);
    TRY(gpus_drain(schedule, job->job.id));
    job->attempt.end = job->job.end = event->end;
    job->attempt.to = schedule->now;
    memcpy(job->attempt.why, outcome.why, sizeof job->attempt.why);
    job->job.failures += outcome.failure;
    TRY(store_put_attempt(schedule->store, &job->attempt));
    TRY(judge_surroundings(schedule, job, event->end, &outcome));
    if (outcome.state == JOB_WAITING)
        return queue_again(schedule, job, &outcome);
    return finish_job(schedule, job, outcome.state, outcome.why);
}

Status schedule_ended(Schedule *schedule, int64_t job, JobEnd end, const char *why, double now) {
    return schedule_transaction(schedule, now, end_attempt, &(Event){.job = job, .end = end, .why = why});
}
