/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds of two looks, each GPU's own: only what is idle in both is idle. */
#ifndef FOVEA_POOL_SCHEDULE_GPUS_ROUNDS_H
#define FOVEA_POOL_SCHEDULE_GPUS_ROUNDS_H

#include "pool/schedule/state/state.h"

/* Forgets the round under way and the verdict of the last one; the next one begins at once. */
void rounds_restart(ScheduleGpu *gpu, double now);
/* The GPU was seen at schedule->now and nobody holds it: takes a look if one is due, and says when the next one is. A
 * round that ends is kept, for GPUs in lanes of jobs. Inside a transaction. */
Status rounds_look(Schedule *schedule, int index) MUST_USE;
/* When held GPUs are seen next: all at once, at a multiple of look_every, so that the pool wakes up once for them. */
double rounds_next_sight(const Schedule *schedule);

#endif
