/* SPDX-License-Identifier: Apache-2.0 */
/* Who starts now, on which GPUs; for whom GPUs are kept, and who is stopped for them. A plan changes nothing, so that
 * it also tells whether there is anything to do. */
#ifndef FOVEA_POOL_SCHEDULE_JOBS_STARTS_H
#define FOVEA_POOL_SCHEDULE_JOBS_STARTS_H

#include "pool/schedule/state/state.h"

typedef struct {
    ScheduleJob *start;               /* the first job that may start; NULL: none, only then is what follows complete */
    int gpus[POOL_GPUS], gpu_count;   /* indices of its GPUs */
    int64_t reserved[POOL_GPUS];      /* job for which each GPU is kept; 0: none */
    ScheduleJob *keeping[POOL_LANES]; /* job of several GPUs for which the lane's are kept; NULL: none */
    ScheduleJob *stops[POOL_GPUS];    /* [stop_count] jobs that are to be stopped */
    int64_t stop_for[POOL_GPUS];      /* [stop_count] for these */
    int stop_count;
} StartPlan;

/* By schedule->order, which is up to date. */
void starts_plan(const Schedule *schedule, StartPlan *plan);
/* Whether the plan changes anything. */
bool starts_change(const Schedule *schedule, const StartPlan *plan);
/* Plans and does so until nothing is left to start. */
Status starts_apply(Schedule *schedule) MUST_USE;
/* GPUs on which the job could start at once, whoever else waits: sets `gpus`, returns whether there are enough. A job
 * without a client also needs two looks that show them idle. */
bool starts_find(const Schedule *schedule, const ScheduleJob *job, int gpus[POOL_GPUS]);
/* Starts it there. */
Status starts_begin(Schedule *schedule, ScheduleJob *job, const int *gpus, int count) MUST_USE;
/* When a plan can change by time alone; INFINITY: never. */
double starts_next(const Schedule *schedule);

#endif
