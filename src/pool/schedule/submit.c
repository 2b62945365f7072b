/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/submit.h"

#include "base/text.h"
#include "pool/schedule/gpus/condition.h"
#include "pool/schedule/jobs/audit.h"
#include "pool/schedule/jobs/fit.h"
#include "pool/schedule/jobs/starts.h"
#include "pool/schedule/state/claims.h"
#include "pool/schedule/state/order.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/reason_words.h"
#include "pool/schedule/transaction.h"
#include "pool/schedule/why.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const Caller *caller;
    Job *job;
    bool now;
    int gpus[POOL_GPUS]; /* on which it starts now */
    const char *refusal; /* of note_refusal() */
} Submission;

/* Jobs that it comes after have to be done, or to go on. */
static Status check_after(const Schedule *schedule, const Job *job) {
    for (int i = 0; i < job->wants.after_count; i++) {
        const int64_t id = job->wants.after[i];
        Job before;
        bool found;
        Status status = store_get_job(schedule->store, id, &before, &found);
        const JobState state = before.state;
        job_free(&before);
        TRY(status);
        if (!found)
            return status_error(EXIT_USAGE,
                                "there is no job %" PRId64 ", which the job is to come after; see pool jobs --all", id);
        if (state == JOB_FAILED || state == JOB_CANCELLED)
            return status_error(EXIT_REFUSED, "job %" PRId64 ", which the job is to come after, %s", id,
                                state == JOB_FAILED ? "failed" : "was cancelled");
    }
    return NULL;
}

static Status check_queued(const Schedule *schedule, const Caller *caller) {
    const int limit = rule_queued_limit(schedule->rule, caller->user);
    int waiting = 0;
    for (int64_t i = 0; i < schedule->job_count; i++) {
        const Job *job = &schedule->jobs[i]->job;
        waiting += job->uid == caller->uid && (job->state == JOB_WAITING || job->state == JOB_HELD);
    }
    if (limit < 0 || waiting < limit)
        return NULL;
    return status_error(EXIT_REFUSED, "%d jobs of %s wait, and the rule allows %d at once", waiting, caller->user,
                        limit);
}

/* Who is in the way of a job that is to start now or never. */
static Status refuse_held(const Schedule *schedule, const ScheduleJob *job) {
    char text[8 * POOL_REASON] = "";
    size_t length = 0;
    for (int i = 0; i < schedule->gpu_count && length + POOL_REASON < sizeof text; i++) {
        if (!queue_may_use(schedule, job, i))
            continue;
        char one[POOL_REASON];
        gpus_describe(schedule, i, one, sizeof one);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", length ? "; " : "", one);
    }
    return status_error(EXIT_REFUSED, "%d GPU%s of lane %s %s not available now: %s", job->job.wants.gpus,
                        job->job.wants.gpus > 1 ? "s" : "", job->job.wants.lane, job->job.wants.gpus > 1 ? "are" : "is",
                        text);
}

static Status check_now(const Schedule *schedule, Submission *submission) {
    /* A copy of the job for questions; it owns nothing. */
    const ScheduleJob candidate = {.job = *submission->job,
                                   .lane = rule_lane(schedule->rule, submission->job->wants.lane)};
    char why[POOL_REASON];
    if (queue_is_hindered(schedule, &candidate, claims_running(schedule), why))
        return status_error(EXIT_REFUSED, "it cannot start now: %s", why);
    if (!starts_find(schedule, &candidate, submission->gpus))
        return refuse_held(schedule, &candidate);
    return NULL;
}

static Status check_all(const Schedule *schedule, Submission *submission) {
    TRY(fit_wants(schedule, submission->caller, submission->job));
    TRY(check_after(schedule, submission->job));
    if (submission->now)
        return check_now(schedule, submission);
    return check_queued(schedule, submission->caller);
}

static Status note_refusal(Schedule *schedule, void *context) {
    const Submission *submission = context;
    char detail[POOL_REASON];
    snprintf(detail, sizeof detail, "%.64s: %s", submission->job->command, submission->refusal);
    return audit_add(schedule, submission->caller, "refuse", 0, "a job", detail);
}

static Status add_job(Schedule *schedule, void *context) {
    const Submission *submission = context;
    Job *job = submission->job;
    TRY(order_know(schedule, job->uid));
    TRY(store_add_job(schedule->store, job));
    TRY(audit_add(schedule, submission->caller, "submit", job->id, NULL, job->command));
    ScheduleJob *added;
    TRY(queue_add(schedule, job, &added));
    return submission->now ? starts_begin(schedule, added, submission->gpus, added->job.wants.gpus) : NULL;
}

/* What would happen, from why the job would wait. */
static Status print_answer(const Job *job, const WhyView *why, double now, char **answer) {
    char when[96] = ", when is not known", behind[160] = "", fits[192] = "";
    if (!isnan(why->expected) && why->expected <= now)
        when[0] = '\0'; /* the reason says it */
    else if (!isnan(why->expected))
        snprintf(when, sizeof when, ", in about %s", reason_duration(why->expected - now).text);
    size_t length = 0;
    for (int i = 0; i < why->behind_count && length < sizeof behind - 32; i++)
        length += (size_t)snprintf(behind + length, sizeof behind - length, "%s%" PRId64,
                                   i > 0                   ? ", "
                                   : why->behind_count > 1 ? "; behind jobs "
                                                           : "; behind job ",
                                   why->behind[i]);
    if (job->wants.gpu_memory > 0 || job->wants.host_memory > 0)
        snprintf(fits, sizeof fits, "; its memory fits: %.60s of each GPU, %.60s of the host",
                 job->wants.gpu_memory > 0 ? reason_bytes(job->wants.gpu_memory).text : "any",
                 job->wants.host_memory > 0 ? reason_bytes(job->wants.host_memory).text : "any");
    char gpu[32] = "";
    if (why->gpu >= 0)
        snprintf(gpu, sizeof gpu, " on gpu %d", why->gpu);
    return text_format(answer, "it would start%s%s; %s%s%s", gpu, when, why->reason, behind, fits);
}

/* Puts the job into the queue for a question, and takes it out again. */
static Status answer_dry_run(Schedule *schedule, const Job *job, double now, char **answer) {
    Job copy = *job;
    copy.id = schedule->job_count > 0 ? schedule->jobs[schedule->job_count - 1]->job.id + 1 : 1;
    copy.name = copy.command = copy.request = copy.run_dir = copy.sweep = copy.trial = NULL;
    ScheduleJob *added;
    TRY(order_know(schedule, copy.uid));
    TRY(queue_add(schedule, &copy, &added));
    Status status = order_jobs(schedule);
    WhyView why;
    if (!status) {
        schedule_why_job(schedule, &added->job, now, &why);
        status = print_answer(job, &why, now, answer);
    }
    added->job.wants.after = NULL; /* the caller's */
    queue_remove(schedule, added->job.id);
    Status ordered = order_jobs(schedule);
    if (status)
        status_free(ordered);
    return status ? status : ordered;
}

Status schedule_submit(Schedule *schedule, const Caller *caller, Job *job, bool now_or_never, bool dry_run,
                       char **answer, double now) {
    *answer = NULL;
    if (now > schedule->now)
        schedule->now = now;
    job->uid = caller->uid;
    snprintf(job->user, sizeof job->user, "%s", caller->user);
    job->state = JOB_WAITING;
    job->end = (JobEnd){.exit = -1};
    job->submitted = job->queued = schedule->now;
    Submission submission = {.caller = caller, .job = job, .now = now_or_never};
    Status refusal = check_all(schedule, &submission);
    if (!refusal)
        return dry_run ? answer_dry_run(schedule, job, now, answer)
                       : schedule_transaction(schedule, now, add_job, &submission);
    if (dry_run)
        return refusal;
    submission.refusal = status_message(refusal);
    Status status = schedule_transaction(schedule, now, note_refusal, &submission);
    if (!status)
        return refusal;
    status_free(refusal);
    return status;
}
