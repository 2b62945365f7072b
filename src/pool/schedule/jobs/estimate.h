/* SPDX-License-Identifier: Apache-2.0 */
/* When waiting jobs are expected to start: jobs are taken to last as long as their time limit, or as jobs usually did,
 * and to start in their order on the GPUs that are free first. */
#ifndef FOVEA_POOL_SCHEDULE_JOBS_ESTIMATE_H
#define FOVEA_POOL_SCHEDULE_JOBS_ESTIMATE_H

#include "pool/schedule/state/state.h"

typedef struct {
    double start; /* NAN: not known */
    int gpu;      /* number of its first; -1: not known */
} Estimate;

/* `usual`: seconds that jobs took; NAN: not known. By schedule->order, which is up to date. */
typedef void (*EstimateTake)(void *context, const ScheduleJob *job, Estimate estimate);
void estimate_each(const Schedule *schedule, double usual, double now, EstimateTake take, void *context);

/* Of one waiting job. */
Estimate estimate_start(const Schedule *schedule, const ScheduleJob *job, double usual, double now);

#endif
