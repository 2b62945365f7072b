/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/act.h"

#include "pool/schedule/jobs/audit.h"
#include "pool/schedule/jobs/finish.h"
#include "pool/schedule/state/order.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/queue_stop.h"
#include "pool/schedule/transaction.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const names[] = {
    [ACT_CANCEL] = "cancel", [ACT_HOLD] = "hold", [ACT_RELEASE] = "release", [ACT_RETRY] = "retry"};

typedef struct {
    const Caller *caller;
    JobAct act;
    int64_t id;
    Job *job; /* of ACT_RETRY: as the database has it */
    bool on;  /* of the filler */
} Act;

Status schedule_may(const Schedule *schedule, const Caller *caller, const Job *job) {
    if (caller->uid == job->uid || rule_is_admin(schedule->rule, caller->uid, caller->user))
        return NULL;
    return status_error(EXIT_REFUSED, "job %" PRId64 " is %s's: only %s or an admin may do that", job->id, job->user,
                        job->user);
}

static Status cancel_job(Schedule *schedule, ScheduleJob *job, const char *who) {
    char why[POOL_REASON];
    snprintf(why, sizeof why, "cancelled by %s", who);
    if (job->attempt.number > 0)
        return queue_ask(schedule, job, STOP_CANCEL, why);
    return finish_job(schedule, job, JOB_CANCELLED, why);
}

static Status hold_job(Schedule *schedule, ScheduleJob *job, const Act *act) {
    job->job.state = act->act == ACT_HOLD ? JOB_HELD : JOB_WAITING;
    job->job.reason[0] = '\0';
    if (act->act == ACT_HOLD)
        snprintf(job->job.reason, sizeof job->job.reason, "held by %s", act->caller->user);
    job->kept = false;
    return queue_put(schedule, job);
}

static Status retry_job(Schedule *schedule, Job *job) {
    job->state = JOB_WAITING;
    job->stop = STOP_NONE;
    job->stop_at = 0;
    job->failures = 0;
    job->queued = schedule->now;
    job->reason[0] = '\0';
    TRY(order_know(schedule, job->uid));
    ScheduleJob *added;
    TRY(queue_add(schedule, job, &added));
    return queue_put(schedule, added);
}

static Status do_act(Schedule *schedule, void *context) {
    const Act *act = context;
    TRY(audit_add(schedule, act->caller, names[act->act], act->id, NULL, ""));
    if (act->act == ACT_RETRY)
        return retry_job(schedule, act->job);
    ScheduleJob *job = queue_find(schedule, act->id);
    if (!job)
        return NULL;
    return act->act == ACT_CANCEL ? cancel_job(schedule, job, act->caller->user) : hold_job(schedule, job, act);
}

static Status note_refusal(Schedule *schedule, void *context) {
    const Act *act = context;
    return audit_add(schedule, act->caller, names[act->act], act->id, NULL, "refused: it is another user's");
}

/* Whether the job, as it is, lets that be done. */
static Status check_state(JobAct act, const Job *job) {
    const bool over = job->state == JOB_DONE || job->state == JOB_FAILED || job->state == JOB_CANCELLED;
    const char *state = job_state_name(job->state);
    if (act == ACT_RETRY && job->wants.foreground)
        return status_error(EXIT_USAGE, "job %" PRId64 " was one of pool run: run it again", job->id);
    if (act == ACT_RETRY && job->state != JOB_FAILED && job->state != JOB_CANCELLED)
        return status_error(EXIT_USAGE, "job %" PRId64 " is %s: only what failed or was cancelled is retried", job->id,
                            state);
    if (act != ACT_RETRY && over)
        return status_error(EXIT_USAGE, "job %" PRId64 " has ended: %s", job->id, state);
    if (act == ACT_HOLD && job->state != JOB_WAITING)
        return status_error(EXIT_USAGE, "job %" PRId64 " is %s: only a waiting job can be held", job->id, state);
    if (act == ACT_RELEASE && job->state != JOB_HELD)
        return status_error(EXIT_USAGE, "job %" PRId64 " is %s: only a held job can be released", job->id, state);
    return NULL;
}

/* What a retried job comes after must be done, or going on. */
static Status check_after(const Schedule *schedule, const Job *job) {
    for (int i = 0; i < job->wants.after_count; i++) {
        Job before;
        bool found;
        Status status = store_get_job(schedule->store, job->wants.after[i], &before, &found);
        const bool lost = !status && (!found || before.state == JOB_FAILED || before.state == JOB_CANCELLED);
        job_free(&before);
        TRY(status);
        if (lost)
            return status_error(EXIT_REFUSED,
                                "job %" PRId64 " comes after job %" PRId64 ", which is not done: retry that "
                                "one first",
                                job->id, job->wants.after[i]);
    }
    return NULL;
}

static Status act_on(Schedule *schedule, Act *act, double now) {
    Status refusal = schedule_may(schedule, act->caller, act->job);
    if (refusal) {
        Status status = schedule_transaction(schedule, now, note_refusal, act);
        if (!status)
            return refusal;
        status_free(refusal);
        return status;
    }
    TRY(check_state(act->act, act->job));
    if (act->act == ACT_RETRY)
        TRY(check_after(schedule, act->job));
    return schedule_transaction(schedule, now, do_act, act);
}

Status schedule_act(Schedule *schedule, const Caller *caller, JobAct act, int64_t id, double now) {
    Job job;
    bool found;
    Status status = store_get_job(schedule->store, id, &job, &found);
    if (!status && !found)
        status = status_error(EXIT_USAGE, "there is no job %" PRId64 "; see pool jobs --all", id);
    if (!status)
        status = act_on(schedule, &(Act){.caller = caller, .act = act, .id = id, .job = &job}, now);
    job_free(&job);
    return status;
}

static Status switch_filler(Schedule *schedule, void *context) {
    const Act *act = context;
    schedule->filler_off = !act->on;
    TRY(store_put_fact(schedule->store, "filler off", schedule->filler_off));
    if (act->on) {
        schedule->paused = false;
        schedule->paused_why[0] = '\0';
        TRY(store_put_fact_text(schedule->store, "paused", ""));
    }
    return audit_add(schedule, act->caller, act->on ? "on" : "off", 0, "filler", "");
}

Status schedule_filler(Schedule *schedule, const Caller *caller, bool on, double now) {
    if (!rule_is_admin(schedule->rule, caller->uid, caller->user))
        return status_error(EXIT_REFUSED, "the filler is an admin's to switch, and %s is none", caller->user);
    return schedule_transaction(schedule, now, switch_filler, &(Act){.caller = caller, .on = on});
}
