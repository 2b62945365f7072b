/* SPDX-License-Identifier: Apache-2.0 */
/* What the schedule has the host do: collected during an event, done once the database has the event. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_EFFECTS_H
#define FOVEA_POOL_SCHEDULE_STATE_EFFECTS_H

#include "pool/schedule/state/state.h"

/* Puts off an effect until the event is committed. */
Status schedule_add_effect(Schedule *schedule, const Effect *effect) MUST_USE;
/* A notification; `job` 0, `gpu` -1: of none. */
Status schedule_add_notice(Schedule *schedule, const char *event, int64_t job, int gpu, const char *format, ...)
    __attribute__((format(printf, 5, 6))) MUST_USE;
/* Does them in their order, or forgets them. The host may call the schedule meanwhile. */
void schedule_do_effects(Schedule *schedule);
void schedule_drop_effects(Schedule *schedule);

#endif
