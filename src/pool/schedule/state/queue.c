/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/state/queue.h"

#include "base/list.h"
#include "pool/schedule/state/claims.h"
#include "pool/schedule/state/order.h"
#include "pool/schedule/state/reason_words.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waiting jobs that are asked why a GPU idles: the first ones in order say it. */
static const int MOST_ASKED = 64;

static int compare_number(const void *item, const void *key) {
    const int64_t id = (*(ScheduleJob *const *)item)->job.id, wanted = *(const int64_t *)key;
    return (id > wanted) - (id < wanted);
}

static int64_t place_of(const Schedule *schedule, int64_t id) {
    return list_place(schedule->jobs, schedule->job_count, sizeof *schedule->jobs, compare_number, &id);
}

static ScheduleJob *find_job(ScheduleJob **jobs, int64_t count, int64_t id) {
    const int64_t at = list_place(jobs, count, sizeof *jobs, compare_number, &id);
    return at < count && jobs[at]->job.id == id ? jobs[at] : NULL;
}

ScheduleJob *queue_find(const Schedule *schedule, int64_t id) {
    return find_job(schedule->jobs, schedule->job_count, id);
}

Status queue_add(Schedule *schedule, Job *job, ScheduleJob **added) {
    ScheduleJob *new = calloc(1, sizeof *new);
    if (!new)
        return status_no_memory("a job of the pool", sizeof *new);
    Status status = list_grow(&schedule->jobs, schedule->job_count, &schedule->job_capacity, sizeof *schedule->jobs,
                              "jobs of the pool");
    if (status) {
        free(new);
        return status;
    }
    const int64_t at = place_of(schedule, job->id);
    memmove(&schedule->jobs[at + 1], &schedule->jobs[at], (size_t)(schedule->job_count - at) * sizeof *schedule->jobs);
    schedule->jobs[at] = new;
    schedule->job_count++;
    schedule->ordered = false;
    new->job = *job;
    new->lane = rule_lane(schedule->rule, job->wants.lane);
    new->memory = new->memory_before = -1;
    free(new->job.request);
    new->job.request = NULL;
    *job = (Job){.id = new->job.id};
    *added = new;
    return NULL;
}

static void free_job(ScheduleJob *job) {
    job_free(&job->job);
    free(job);
}

static void free_jobs(ScheduleJob **jobs, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        free_job(jobs[i]);
    free(jobs);
}

void queue_remove(Schedule *schedule, int64_t id) {
    const int64_t at = place_of(schedule, id);
    if (at >= schedule->job_count || schedule->jobs[at]->job.id != id)
        return;
    free_job(schedule->jobs[at]);
    schedule->job_count--;
    memmove(&schedule->jobs[at], &schedule->jobs[at + 1], (size_t)(schedule->job_count - at) * sizeof *schedule->jobs);
    schedule->ordered = false;
}

void queue_free(Schedule *schedule) {
    free_jobs(schedule->jobs, schedule->job_count);
    schedule->jobs = NULL;
    schedule->job_count = schedule->job_capacity = 0;
    schedule->ordered = false;
}

Status queue_put(Schedule *schedule, ScheduleJob *job) {
    schedule->ordered = false;
    return store_put_job(schedule->store, &job->job);
}

double queue_loan_stop(const Schedule *schedule) {
    return schedule->rule->loan_to > 0 ? schedule->rule->loan_to - schedule->rule->grace : INFINITY;
}

bool queue_needs_filler(const Schedule *schedule, const ScheduleJob *job) {
    return !job->job.wants.foreground && job->lane >= 0 && schedule->rule->lanes[job->lane].kind == LANE_POOL;
}

bool queue_may_use(const Schedule *schedule, const ScheduleJob *job, int index) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    const JobWants *wants = &job->job.wants;
    if (gpu->lane < 0 || gpu->lane != job->lane)
        return false;
    for (int i = 0; i < wants->gpu_id_count; i++)
        if (wants->gpu_ids[i] == gpu->number)
            return true;
    return wants->gpu_id_count == 0;
}

/* Of the jobs that it comes after, one that is not done; a job of which one failed does not live on. */
static int64_t find_before(const Schedule *schedule, const Job *job) {
    for (int i = 0; i < job->wants.after_count; i++)
        if (queue_find(schedule, job->wants.after[i]))
            return job->wants.after[i];
    return 0;
}

static bool is_beyond_loan(const Schedule *schedule, const Job *job, char why[POOL_REASON]) {
    const Rule *rule = schedule->rule;
    const double stop = queue_loan_stop(schedule);
    if (rule->loan_from > 0 && schedule->now < rule->loan_from)
        snprintf(why, POOL_REASON, "the loan begins at %s", reason_date(rule->loan_from).text);
    else if (schedule->now >= stop)
        snprintf(why, POOL_REASON, "the loan has ended: %s", reason_date(rule->loan_to).text);
    else if (job && job->wants.time_limit > 0 && schedule->now + job->wants.time_limit > stop)
        snprintf(why, POOL_REASON, "its %s are not over before the loan is, at %s",
                 reason_duration(job->wants.time_limit).text, reason_date(rule->loan_to).text);
    return why[0] != '\0';
}

static bool is_switched_off(const Schedule *schedule, char why[POOL_REASON]) {
    if (schedule->filler_off)
        snprintf(why, POOL_REASON, "the filler is off");
    else if (schedule->paused)
        snprintf(why, POOL_REASON, "the queue is paused: %.200s", schedule->paused_why);
    return why[0] != '\0';
}

bool queue_is_hindered(const Schedule *schedule, const ScheduleJob *job, int64_t claimed, char why[POOL_REASON]) {
    why[0] = '\0';
    if (job->job.state == JOB_HELD) {
        snprintf(why, POOL_REASON, "%s", job->job.reason);
        return true;
    }
    if (job->lane < 0) {
        snprintf(why, POOL_REASON, "is for lane %s, which the rule has no longer", job->job.wants.lane);
        return true;
    }
    const int64_t before = find_before(schedule, &job->job);
    if (before) {
        snprintf(why, POOL_REASON, "comes after job %" PRId64, before);
        return true;
    }
    if (is_beyond_loan(schedule, &job->job, why))
        return true;
    if (queue_needs_filler(schedule, job) && is_switched_off(schedule, why))
        return true;
    const int64_t limit = claims_limit(schedule), claim = claims_of(schedule, job);
    if (limit >= 0 && claim > 0 && claim > limit - claimed) {
        const int64_t left = limit > claimed ? limit - claimed : 0;
        snprintf(why, POOL_REASON, "wants %s of the host's memory; running jobs leave %s", reason_bytes(claim).text,
                 reason_bytes(left).text);
        return true;
    }
    return false;
}

bool queue_avoids(const ScheduleJob *job, int number) {
    for (int i = 0; i < job->avoid_count; i++)
        if (job->avoid[i] == number)
            return true;
    return false;
}

void queue_avoid(ScheduleJob *job, const Attempt *attempt) {
    for (int i = 0; i < attempt->gpu_count && job->avoid_count < POOL_GPUS; i++)
        if (!queue_avoids(job, attempt->gpus[i]))
            job->avoid[job->avoid_count++] = attempt->gpus[i];
}

/* Why the job, which may use the GPU, leaves it idle; "": it would start there. */
static void describe_wait(const Schedule *schedule, const ScheduleJob *job, const ScheduleGpu *gpu, int64_t claimed,
                          char reason[POOL_REASON]) {
    char why[POOL_REASON];
    reason[0] = '\0';
    if (queue_is_hindered(schedule, job, claimed, why))
        snprintf(reason, POOL_REASON, "job %" PRId64 " %.220s", job->job.id, why);
    else if (job->job.wants.gpus > 1)
        snprintf(reason, POOL_REASON, "job %" PRId64 " waits for %d GPUs", job->job.id, job->job.wants.gpus);
    else if (queue_avoids(job, gpu->number))
        snprintf(reason, POOL_REASON, "job %" PRId64 " failed here and waits for another GPU", job->job.id);
}

void queue_idle_reason(const Schedule *schedule, int index, char reason[POOL_REASON]) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    reason[0] = '\0';
    if (is_beyond_loan(schedule, NULL, reason))
        return;
    if (gpu->lane >= 0 && schedule->rule->lanes[gpu->lane].kind == LANE_POOL && is_switched_off(schedule, reason))
        return;
    const int64_t claimed = claims_running(schedule);
    char first[POOL_REASON] = "";
    int asked = 0;
    for (int64_t i = 0; i < schedule->job_count && asked < MOST_ASKED; i++) {
        const ScheduleJob *job = schedule->ordered ? schedule->order[i] : schedule->jobs[i];
        if (job->job.state != JOB_WAITING || !queue_may_use(schedule, job, index))
            continue;
        asked++;
        describe_wait(schedule, job, gpu, claimed, reason);
        if (!reason[0])
            return;
        if (!first[0])
            memcpy(first, reason, sizeof first);
    }
    if (first[0])
        memcpy(reason, first, sizeof first);
    else
        snprintf(reason, POOL_REASON, "no job waits");
}

/* What is read in place of a schedule's jobs. */
typedef struct {
    Schedule *schedule; /* with the new jobs */
    ScheduleJob **old;  /* [old_count] */
    int64_t old_count;
} Restored;

/* *text stays NULL for NULL. */
static Status copy_text(const char *from, char **text) {
    *text = NULL;
    if (!from)
        return NULL;
    *text = strdup(from);
    return *text ? NULL : status_no_memory("a job of the pool", strlen(from) + 1);
}

/* All but the request. */
static Status copy_job(const Job *from, Job *job) {
    *job = *from;
    job->name = job->command = job->request = job->run_dir = job->sweep = job->trial = NULL;
    job->wants.after = NULL;
    TRY(copy_text(from->name, &job->name));
    TRY(copy_text(from->command, &job->command));
    TRY(copy_text(from->run_dir, &job->run_dir));
    TRY(copy_text(from->sweep, &job->sweep));
    TRY(copy_text(from->trial, &job->trial));
    const size_t size = (size_t)from->wants.after_count * sizeof *job->wants.after;
    if (size == 0)
        return NULL;
    job->wants.after = malloc(size);
    if (!job->wants.after)
        return status_no_memory("a job of the pool", size);
    memcpy(job->wants.after, from->wants.after, size);
    return NULL;
}

static Status take_job(void *context, const Job *job) {
    const Restored *restored = context;
    Job copy;
    ScheduleJob *added = NULL;
    Status status = copy_job(job, &copy);
    if (!status)
        status = queue_add(restored->schedule, &copy, &added);
    if (status) {
        job_free(&copy);
        return status;
    }
    const ScheduleJob *old = find_job(restored->old, restored->old_count, job->id);
    if (old) {
        added->progress = old->progress;
        added->memory = old->memory;
        added->memory_before = old->memory_before;
        added->warned = old->warned;
        added->stalled = old->stalled;
    }
    return order_know(restored->schedule, job->uid);
}

static Status take_attempt(void *context, const Attempt *attempt) {
    ScheduleJob *job = queue_find(((const Restored *)context)->schedule, attempt->job);
    if (job)
        job->attempt = *attempt;
    return NULL;
}

/* Of past attempts only those that failed say which GPUs to avoid; one that was stopped, or stopped by itself with
 * a checkpoint, does not. */
static Status take_avoided(void *context, const Attempt *attempt) {
    ScheduleJob *job = context;
    const bool failed = attempt->to > 0 && (attempt->end.signal || (attempt->end.exit > 0 && attempt->end.exit != 75));
    if (failed)
        queue_avoid(job, attempt);
    return NULL;
}

static Status read_switches(Schedule *schedule) {
    double off;
    TRY(store_get_fact(schedule->store, "filler off", &off));
    schedule->filler_off = off > 0;
    char *paused = NULL;
    TRY(store_get_fact_text(schedule->store, "paused", &paused));
    snprintf(schedule->paused_why, sizeof schedule->paused_why, "%s", paused);
    schedule->paused = paused[0] != '\0';
    free(paused);
    return NULL;
}

static Status read_jobs(Restored *restored) {
    Schedule *schedule = restored->schedule;
    TRY(store_each_job(schedule->store, false, false, take_job, restored));
    TRY(store_each_attempt(schedule->store, 0, true, take_attempt, restored));
    for (int64_t i = 0; i < schedule->job_count; i++)
        if (schedule->jobs[i]->job.failures > 0)
            TRY(store_each_attempt(schedule->store, schedule->jobs[i]->job.id, false, take_avoided, schedule->jobs[i]));
    return read_switches(schedule);
}

Status queue_restore(Schedule *schedule) {
    Restored restored = {.schedule = schedule, .old = schedule->jobs, .old_count = schedule->job_count};
    schedule->jobs = NULL;
    schedule->job_count = schedule->job_capacity = 0;
    schedule->ordered = false;
    Status status = read_jobs(&restored);
    if (status) {
        queue_free(schedule);
        schedule->jobs = restored.old;
        schedule->job_count = schedule->job_capacity = restored.old_count;
        return status;
    }
    free_jobs(restored.old, restored.old_count);
    return NULL;
}
