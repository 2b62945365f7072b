/* SPDX-License-Identifier: Apache-2.0 */
/* What happens by itself as time goes on. */
#ifndef FOVEA_POOL_SCHEDULE_TICK_H
#define FOVEA_POOL_SCHEDULE_TICK_H

#include "base/status.h"
#include "pool/schedule/state/types.h"

/* Does what is due: starts, stops, kills after the grace, time limits, stalls, the end of the loan. Called after the
 * calls that report something, and at the time of schedule_next(). */
Status schedule_tick(Schedule *schedule, double now) MUST_USE;
/* When schedule_tick() has to be called next; INFINITY: nothing is planned. */
double schedule_next(const Schedule *schedule);

#endif
