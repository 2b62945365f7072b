/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/schedule/jobs/estimate.h"

#include "pool/schedule/gpus/gpus.h"
#include "pool/schedule/state/queue.h"

#include <math.h>

static double last_for(const ScheduleJob *job, double usual) {
    return job->job.wants.time_limit > 0 ? job->job.wants.time_limit : isnan(usual) ? INFINITY : usual;
}

/* When each GPU takes its next job; INFINITY: not known. */
static void find_releases(const Schedule *schedule, double usual, double now, double free_at[POOL_GPUS]) {
    for (int i = 0; i < schedule->gpu_count; i++) {
        const ScheduleGpu *gpu = &schedule->gpus[i];
        const ScheduleJob *holder = gpu->job && !gpu->ended ? queue_find(schedule, gpu->job) : NULL;
        if (gpu->quarantined || gpu->drained)
            free_at[i] = INFINITY;
        else if (holder && holder->job.state == JOB_STOPPING)
            free_at[i] = fmax(now, holder->job.stop_at + schedule->rule->grace);
        else if (holder)
            free_at[i] = fmax(now, holder->attempt.from + last_for(holder, usual));
        else
            free_at[i] = gpu->job || gpus_may_lease(schedule, i, gpu->reserved_for) ? now : INFINITY;
    }
}

/* The GPU that is free first among those that the job may have and that are not in `taken`; -1: none. */
static int find_first(const Schedule *schedule, const ScheduleJob *job, const double *free_at, const bool *taken) {
    int first = -1;
    for (int i = 0; i < schedule->gpu_count; i++)
        if (!taken[i] && queue_may_use(schedule, job, i) && (first < 0 || free_at[i] < free_at[first]))
            first = i;
    return first;
}

/* Gives the job its GPUs. */
static Estimate place_job(const Schedule *schedule, const ScheduleJob *job, double usual, double free_at[POOL_GPUS]) {
    bool taken[POOL_GPUS] = {false};
    Estimate estimate = {.start = 0, .gpu = -1};
    for (int n = 0; n < job->job.wants.gpus; n++) {
        const int index = find_first(schedule, job, free_at, taken);
        if (index < 0)
            return (Estimate){.start = INFINITY, .gpu = -1};
        taken[index] = true;
        estimate.start = fmax(estimate.start, free_at[index]);
        if (n == 0)
            estimate.gpu = schedule->gpus[index].number;
    }
    for (int i = 0; i < schedule->gpu_count; i++)
        if (taken[i])
            free_at[i] = estimate.start + last_for(job, usual);
    return estimate;
}

void estimate_each(const Schedule *schedule, double usual, double now, EstimateTake take, void *context) {
    double free_at[POOL_GPUS];
    find_releases(schedule, usual, now, free_at);
    for (int64_t i = 0; i < schedule->job_count; i++) {
        const ScheduleJob *job = schedule->order[i];
        if (job->job.state != JOB_WAITING)
            continue;
        const Estimate estimate = place_job(schedule, job, usual, free_at);
        take(context, job, isinf(estimate.start) ? (Estimate){.start = NAN, .gpu = -1} : estimate);
    }
}

typedef struct {
    const ScheduleJob *job;
    Estimate estimate;
} Wanted;

static void take_wanted(void *context, const ScheduleJob *job, Estimate estimate) {
    Wanted *wanted = context;
    if (job == wanted->job)
        wanted->estimate = estimate;
}

Estimate estimate_start(const Schedule *schedule, const ScheduleJob *job, double usual, double now) {
    Wanted wanted = {.job = job, .estimate = {.start = NAN, .gpu = -1}};
    estimate_each(schedule, usual, now, take_wanted, &wanted);
    return wanted.estimate;
}
