/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/jobs/starts.h"

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/jobs/time_limits.h"
#include "pool/schedule/jobs/victims.h"
#include "pool/schedule/state/claims.h"
#include "pool/schedule/state/effects.h"
#include "pool/schedule/state/order.h"
#include "pool/schedule/state/queue.h"
#include "pool/schedule/state/queue_stop.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So long a job whose attempt failed waits for another GPU than that one, if the lane has one: a GPU that idles is
 * lost, and a retry on the same GPU still may work. */
static const double AVOID_SECONDS = 120;

/* What a GPU offers, whoever asks. */
typedef enum {
    SUPPLY_NONE,   /* nothing that is known of */
    SUPPLY_COMING, /* free soon without anybody being stopped: its job stops, or has left it */
    SUPPLY_FREE,   /* free, or kept for a job of several GPUs */
    SUPPLY_IDLE    /* and two looks showed it idle */
} Supply;

/* A plan in the making. */
typedef struct {
    const Schedule *schedule;
    StartPlan *plan;
    int64_t claimed; /* memory of jobs that run */
    Supply supply[POOL_GPUS];
    ScheduleJob *owner[POOL_GPUS]; /* the waiting job that a GPU is promised to; NULL: none */
    double expected[POOL_LANES];   /* start of plan->keeping */
    int open[POOL_LANES];          /* GPUs of the lane that are free or come free, and are promised to nobody */
    int lowest[POOL_LANES];        /* priority of a job that may be stopped there; INT_MAX: none */
} Planning;

static Supply find_supply(const Schedule *schedule, int index) {
    const ScheduleGpu *gpu = &schedule->gpus[index];
    if (gpus_may_lease(schedule, index, gpu->reserved_for))
        return gpus_idle_twice(schedule, index) ? SUPPLY_IDLE : SUPPLY_FREE;
    if (!gpu->job || gpu->quarantined || gpu->drained)
        return SUPPLY_NONE;
    const ScheduleJob *holder = queue_find(schedule, gpu->job);
    return gpu->ended || !holder || holder->job.state == JOB_STOPPING ? SUPPLY_COMING : SUPPLY_NONE;
}

/* Whether the job may run on the GPU at all. */
static bool fits(const Schedule *schedule, const ScheduleJob *job, int index) {
    if (!queue_may_use(schedule, job, index))
        return false;
    const int64_t limit = claims_gpu_limit(&schedule->gpus[index]);
    return job->job.wants.gpu_memory <= 0 || limit < 0 || job->job.wants.gpu_memory <= limit;
}

/* A person's job does not wait for looks. */
static bool is_enough(const ScheduleJob *job, Supply supply) {
    return supply >= (job->job.wants.foreground ? SUPPLY_FREE : SUPPLY_IDLE);
}

/* Until when the job waits for a GPU on which no attempt of it failed; 0: it does not. */
static double avoids_until(const Schedule *schedule, const ScheduleJob *job) {
    int others = 0;
    for (int i = 0; job->avoid_count > 0 && i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        others += fits(schedule, job, i) && !gpu->quarantined && !gpu->drained && !queue_avoids(job, gpu->number);
    }
    return others >= job->job.wants.gpus ? job->job.queued + AVOID_SECONDS : 0;
}

/* Picks GPUs out of `free`, those without a failed attempt of the job first. */
static bool pick(const Schedule *schedule, const ScheduleJob *job, const bool *free, int gpus[POOL_GPUS]) {
    const bool avoids = schedule->now < avoids_until(schedule, job);
    int count = 0;
    for (int avoided = 0; avoided <= !avoids; avoided++)
        for (int i = 0; i < schedule->gpu_count && count < job->job.wants.gpus; i++)
            if (free[i] && queue_avoids(job, schedule->gpus[i].number) == (avoided == 1))
                gpus[count++] = i;
    return count == job->job.wants.gpus;
}

/* Whether the job would start on the GPU now, if it were free. */
static bool may_have(const Schedule *schedule, const ScheduleJob *job, int index) {
    return fits(schedule, job, index) &&
           !(queue_avoids(job, schedule->gpus[index].number) && schedule->now < avoids_until(schedule, job));
}

bool starts_find(const Schedule *schedule, const ScheduleJob *job, int gpus[POOL_GPUS]) {
    bool free[POOL_GPUS] = {false};
    for (int i = 0; i < schedule->gpu_count; i++)
        free[i] =
            fits(schedule, job, i) && schedule->gpus[i].reserved_for == 0 && is_enough(job, find_supply(schedule, i));
    return pick(schedule, job, free, gpus);
}

/* A job that ends before the one that GPUs are kept for can start fills the gap. */
static bool fills_gap(const Planning *planning, const ScheduleJob *job, int lane) {
    const double limit = job->job.wants.time_limit;
    return planning->plan->keeping[lane] && limit > 0 && planning->schedule->now + limit <= planning->expected[lane];
}

static bool plan_start(Planning *planning, ScheduleJob *job, int lane) {
    const Schedule *schedule = planning->schedule;
    const bool fills = fills_gap(planning, job, lane);
    bool free[POOL_GPUS] = {false};
    for (int i = 0; i < schedule->gpu_count; i++)
        free[i] = (!planning->owner[i] || (fills && planning->owner[i] == planning->plan->keeping[lane])) &&
                  is_enough(job, planning->supply[i]) && fits(schedule, job, i);
    if (!pick(schedule, job, free, planning->plan->gpus))
        return false;
    planning->plan->start = job;
    planning->plan->gpu_count = job->job.wants.gpus;
    return true;
}

static int compare_times(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* When the job has all its GPUs at the latest; INFINITY: not known. */
static double expect_start(const Planning *planning, const ScheduleJob *job) {
    const Schedule *schedule = planning->schedule;
    double times[POOL_GPUS];
    int count = 0;
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        if (!fits(schedule, job, i) || gpu->quarantined || gpu->drained)
            continue;
        const ScheduleJob *holder = gpu->job && !gpu->ended ? queue_find(schedule, gpu->job) : NULL;
        const bool free = planning->supply[i] != SUPPLY_NONE;
        times[count++] = holder ? time_limits_release(schedule, holder) : free ? schedule->now : INFINITY;
    }
    if (count < job->job.wants.gpus)
        return INFINITY;
    qsort(times, (size_t)count, sizeof *times, compare_times);
    return times[job->job.wants.gpus - 1];
}

/* Promises the job up to as many of its GPUs that are free or come free as it wants; returns how many it lacks. */
static int promise(Planning *planning, ScheduleJob *job, bool commit) {
    const Schedule *schedule = planning->schedule;
    int lacking = job->job.wants.gpus;
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < schedule->gpu_count && lacking > 0; i++) {
            const bool free = planning->supply[i] >= SUPPLY_FREE;
            if (planning->owner[i] || (pass == 0 ? !free : planning->supply[i] != SUPPLY_COMING) ||
                !may_have(schedule, job, i))
                continue;
            lacking--;
            if (!commit)
                continue;
            planning->owner[i] = job;
            planning->open[job->lane]--;
            if (free && job->job.wants.gpus > 1)
                planning->plan->reserved[i] = job->job.id;
        }
    return lacking;
}

/* Stops jobs for this one, if that is enough to serve it. */
static bool plan_stops(Planning *planning, ScheduleJob *job, int lacking) {
    StartPlan *plan = planning->plan;
    bool usable[POOL_GPUS] = {false};
    for (int i = 0; i < planning->schedule->gpu_count; i++)
        usable[i] = !planning->owner[i] && !planning->schedule->gpus[i].quarantined &&
                    !planning->schedule->gpus[i].drained && may_have(planning->schedule, job, i);
    ScheduleJob *victims[POOL_GPUS];
    const int count = victims_find(planning->schedule, job, usable, lacking, victims);
    for (int v = 0; v < count; v++) {
        plan->stops[plan->stop_count] = victims[v];
        plan->stop_for[plan->stop_count++] = job->job.id;
        for (int i = 0; i < planning->schedule->gpu_count; i++)
            if (usable[i] && planning->schedule->gpus[i].job == victims[v]->job.id)
                planning->owner[i] = job;
    }
    return count > 0;
}

/* Whether it can ever have enough GPUs as they are: what is quarantined, drained or used by others may stay so for
 * days, in which nothing is kept for the job. */
static bool is_within_reach(const Planning *planning, const ScheduleJob *job) {
    const Schedule *schedule = planning->schedule;
    int count = 0;
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        const bool held = gpu->job && !gpu->quarantined && !gpu->drained;
        count += (held || planning->supply[i] != SUPPLY_NONE) && may_have(schedule, job, i);
    }
    return count >= job->job.wants.gpus;
}

/* What is done for a job that cannot start now. */
static void plan_wait(Planning *planning, ScheduleJob *job, int lane) {
    StartPlan *plan = planning->plan;
    const bool several = job->job.wants.gpus > 1;
    if (several && (plan->keeping[lane] || !is_within_reach(planning, job)))
        return;
    const int lacking = promise(planning, job, false);
    const bool stops = lacking > 0 && plan_stops(planning, job, lacking);
    if (lacking > 0 && !stops && !several)
        return;
    promise(planning, job, true);
    if (several) {
        plan->keeping[lane] = job;
        planning->expected[lane] = stops ? planning->schedule->now : expect_start(planning, job);
    }
}

static void count_supply(Planning *planning) {
    const Schedule *schedule = planning->schedule;
    for (int lane = 0; lane < POOL_LANES; lane++)
        planning->lowest[lane] = INT_MAX;
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        planning->supply[i] = find_supply(schedule, i);
        if (gpu->lane < 0)
            continue;
        planning->open[gpu->lane] += planning->supply[i] != SUPPLY_NONE;
        const ScheduleJob *holder = gpu->job ? queue_find(schedule, gpu->job) : NULL;
        if (holder && holder->job.wants.resumable && holder->job.wants.priority < planning->lowest[gpu->lane])
            planning->lowest[gpu->lane] = holder->job.wants.priority;
    }
}

/* Whether nothing can be had for the job at a glance: lists may be long. */
static bool is_hopeless(const Planning *planning, const ScheduleJob *job) {
    const int lane = job->lane;
    return lane < 0 || (planning->open[lane] == 0 && job->job.wants.priority <= planning->lowest[lane] &&
                        (job->job.wants.gpus == 1 || planning->plan->keeping[lane]) && !fills_gap(planning, job, lane));
}

void starts_plan(const Schedule *schedule, StartPlan *plan) {
    *plan = (StartPlan){0};
    Planning planning = {.schedule = schedule, .plan = plan, .claimed = claims_running(schedule)};
    char why[POOL_REASON];
    count_supply(&planning);
    for (int64_t i = 0; i < schedule->job_count; i++) {
        ScheduleJob *job = schedule->order[i];
        if (job->job.state != JOB_WAITING || is_hopeless(&planning, job) ||
            queue_is_hindered(schedule, job, planning.claimed, why))
            continue;
        if (plan_start(&planning, job, job->lane))
            return;
        plan_wait(&planning, job, job->lane);
    }
}

static bool is_kept(const StartPlan *plan, const ScheduleJob *job) {
    for (int lane = 0; lane < POOL_LANES; lane++)
        if (plan->keeping[lane] == job)
            return true;
    return false;
}

bool starts_change(const Schedule *schedule, const StartPlan *plan) {
    if (plan->start || plan->stop_count > 0)
        return true;
    for (int i = 0; i < schedule->gpu_count; i++)
        if (schedule->gpus[i].reserved_for != plan->reserved[i])
            return true;
    for (int64_t i = 0; i < schedule->job_count; i++)
        if (schedule->jobs[i]->kept != is_kept(plan, schedule->jobs[i]))
            return true;
    return false;
}

Status starts_begin(Schedule *schedule, ScheduleJob *job, const int *gpus, int count) {
    Attempt *attempt = &job->attempt;
    *attempt = (Attempt){.job = job->job.id, .number = ++job->job.attempts, .gpu_count = count, .from = schedule->now};
    attempt->end.exit = -1;
    TRY(store_next_epoch(schedule->store, &attempt->epoch));
    for (int i = 0; i < count; i++) {
        attempt->gpus[i] = schedule->gpus[gpus[i]].number;
        gpus_reserve(schedule, gpus[i], 0);
    }
    job->job.state = JOB_RUNNING;
    job->job.reason[0] = '\0';
    job->job.stop = STOP_NONE;
    job->job.stop_at = 0;
    job->progress = schedule->now;
    job->killed = job->warned = job->stalled = job->kept = false;
    job->memory = job->memory_before = -1;
    TRY(queue_put(schedule, job));
    TRY(store_put_attempt(schedule->store, attempt));
    TRY(gpus_take(schedule, gpus, count, job->job.id, job->job.uid, attempt->epoch));
    TRY(order_serve(schedule, job->job.uid));
    return schedule_add_effect(schedule, &(Effect){.kind = EFFECT_START, .job = job->job.id, .gpu = -1});
}

static Status apply_waits(Schedule *schedule, const StartPlan *plan) {
    for (int i = 0; i < schedule->gpu_count; i++)
        gpus_reserve(schedule, i, plan->reserved[i]);
    for (int64_t i = 0; i < schedule->job_count; i++) {
        const bool kept = is_kept(plan, schedule->jobs[i]);
        if (schedule->jobs[i]->kept != kept)
            schedule->ordered = false;
        schedule->jobs[i]->kept = kept;
    }
    for (int i = 0; i < plan->stop_count; i++) {
        char why[POOL_REASON];
        snprintf(why, sizeof why, "stopped for job %" PRId64, plan->stop_for[i]);
        TRY(queue_ask(schedule, plan->stops[i], STOP_YIELD, why));
    }
    return order_jobs(schedule);
}

Status starts_apply(Schedule *schedule) {
    StartPlan plan;
    for (;;) {
        TRY(order_jobs(schedule));
        starts_plan(schedule, &plan);
        if (!plan.start)
            return apply_waits(schedule, &plan);
        TRY(starts_begin(schedule, plan.start, plan.gpus, plan.gpu_count));
    }
}

double starts_next(const Schedule *schedule) {
    const Rule *rule = schedule->rule;
    double next = rule->loan_from > schedule->now ? rule->loan_from : INFINITY;
    for (int64_t i = 0; i < schedule->job_count; i++) {
        const ScheduleJob *job = schedule->jobs[i];
        if (job->job.state != JOB_WAITING)
            continue;
        const double until = avoids_until(schedule, job);
        if (until > schedule->now)
            next = fmin(next, until);
    }
    return next;
}
