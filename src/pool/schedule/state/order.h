/* SPDX-License-Identifier: Apache-2.0 */
/* In which order jobs start. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_ORDER_H
#define FOVEA_POOL_SCHEDULE_STATE_ORDER_H

#include "pool/schedule/state/state.h"

/* Brings schedule->order up to date: running and stopping jobs by their start, then waiting ones as they would start,
 * then held ones. Waiting jobs go by priority; a job that GPUs are kept for before others; jobs of which an attempt
 * failed last, since they may hang or fail again while others could work; then users in turn, the one served longest
 * ago first; of a user, the one that waits longest first, but a job of several GPUs before the user's smaller resumable
 * ones, which would be stopped for it. */
Status order_jobs(Schedule *schedule) MUST_USE;
/* Knows when the user was served last, from the database. */
Status order_know(Schedule *schedule, uid_t uid) MUST_USE;
/* A job of the user starts now. */
Status order_serve(Schedule *schedule, uid_t uid) MUST_USE;

#endif
