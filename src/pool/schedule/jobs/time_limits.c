/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/jobs/time_limits.h"

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/jobs/outcome.h"
#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/queue_stop.h"
#include "pool/schedule/state/reason_words.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>

/* A session is warned so long before its end, or a tenth of its time, if that is shorter. */
static const double WARN_SECONDS = 300, WARN_SHARE = 0.1;

static double limit_of(const ScheduleJob *job) {
    return job->job.wants.time_limit > 0 ? job->attempt.from + job->job.wants.time_limit : INFINITY;
}

static double end_of(const Schedule *schedule, const ScheduleJob *job) {
    return fmin(limit_of(job), queue_loan_stop(schedule));
}

double time_limits_release(const Schedule *schedule, const ScheduleJob *job) {
    if (job->job.state == JOB_STOPPING)
        return job->job.stop_at + schedule->rule->grace;
    return end_of(schedule, job);
}

static double warn_at(const Schedule *schedule, const ScheduleJob *job) {
    const double end = end_of(schedule, job);
    return end - fmin(WARN_SECONDS, WARN_SHARE * (end - job->attempt.from));
}

/* Whether anything shows that the job works: its metrics, or a GPU that reports its utilisation. */
static bool shows_progress(const Schedule *schedule, const ScheduleJob *job) {
    if (job->job.run_dir && job->job.run_dir[0])
        return true;
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        if (gpu->job == job->job.id && !gpu->cpu && gpu->seen_at > job->attempt.from && gpu->seen.sample.known &&
            !isnan(gpu->seen.sample.util))
            return true;
    }
    return false;
}

static double stall_at(const Schedule *schedule, const ScheduleJob *job) {
    return shows_progress(schedule, job) && !job->stalled ? job->progress + schedule->rule->stall : INFINITY;
}

static double next_of(const Schedule *schedule, const ScheduleJob *job) {
    if (job->attempt.number == 0)
        return INFINITY;
    double next = job->attempt.worked ? INFINITY : job->attempt.from + OUTCOME_EARLY_SECONDS;
    if (job->job.state == JOB_STOPPING)
        return job->killed ? next : fmin(next, job->job.stop_at + schedule->rule->grace);
    if (!job->warned)
        next = fmin(next, warn_at(schedule, job));
    return fmin(next, fmin(end_of(schedule, job), stall_at(schedule, job)));
}

double time_limits_next(const Schedule *schedule) {
    double next = INFINITY;
    for (int64_t i = 0; i < schedule->job_count; i++)
        next = fmin(next, next_of(schedule, schedule->jobs[i]));
    return next;
}

/* The attempt has outlived the time of early failures. */
static Status note_worked(Schedule *schedule, ScheduleJob *job) {
    job->attempt.worked = true;
    schedule->early_count = 0;
    for (int i = 0; i < job->attempt.gpu_count; i++)
        gpus_worked(schedule, gpus_find(schedule, job->attempt.gpus[i]));
    return store_put_attempt(schedule->store, &job->attempt);
}

static Status end_stall(Schedule *schedule, ScheduleJob *job) {
    char why[POOL_REASON];
    snprintf(why, sizeof why, "no progress for %s", reason_duration(schedule->rule->stall).text);
    job->stalled = true;
    TRY(schedule_add_notice(schedule, "stalled", job->job.id, job->attempt.gpus[0], "job %" PRId64 " of %s: %s",
                            job->job.id, job->job.user, why));
    /* A person's session may be quiet; the person decides. */
    return job->job.wants.foreground ? NULL : queue_ask(schedule, job, STOP_FAILURE, why);
}

static Status end_time(Schedule *schedule, ScheduleJob *job) {
    char why[POOL_REASON];
    if (schedule->now < limit_of(job)) {
        snprintf(why, sizeof why, "the loan ends at %s", reason_date(schedule->rule->loan_to).text);
        TRY(schedule_add_notice(schedule, "loan_ends", job->job.id, -1, "job %" PRId64 " of %s stops: %s", job->job.id,
                                job->job.user, why));
        return queue_ask(schedule, job, STOP_YIELD, why);
    }
    snprintf(why, sizeof why, "its time limit of %s is over", reason_duration(job->job.wants.time_limit).text);
    return queue_ask(schedule, job, STOP_LIMIT, why);
}

static Status apply_to(Schedule *schedule, ScheduleJob *job) {
    const double now = schedule->now;
    if (!job->attempt.worked && now >= job->attempt.from + OUTCOME_EARLY_SECONDS)
        TRY(note_worked(schedule, job));
    if (job->job.state == JOB_STOPPING) {
        if (job->killed || now < job->job.stop_at + schedule->rule->grace)
            return NULL;
        job->killed = true;
        return schedule_add_effect(schedule,
                                   &(Effect){.kind = EFFECT_STOP, .job = job->job.id, .signal = SIGKILL, .gpu = -1});
    }
    if (now >= end_of(schedule, job))
        return end_time(schedule, job);
    if (!job->warned && now >= warn_at(schedule, job)) {
        job->warned = true;
        TRY(schedule_add_notice(schedule, "session_ends", job->job.id, job->attempt.gpus[0],
                                "job %" PRId64 " of %s ends in %s", job->job.id, job->job.user,
                                reason_duration(end_of(schedule, job) - now).text));
    }
    return now >= stall_at(schedule, job) ? end_stall(schedule, job) : NULL;
}

Status time_limits_apply(Schedule *schedule) {
    for (int64_t i = 0; i < schedule->job_count; i++)
        if (next_of(schedule, schedule->jobs[i]) <= schedule->now)
            TRY(apply_to(schedule, schedule->jobs[i]));
    return NULL;
}
