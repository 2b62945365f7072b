/* SPDX-License-Identifier: Apache-2.0 */
/* Asking running jobs to stop. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_QUEUE_STOP_H
#define FOVEA_POOL_SCHEDULE_STATE_QUEUE_STOP_H

#include "pool/schedule/state/state.h"

/* Asks a running job to stop with a checkpoint. A stopping one keeps its time to be killed; it is cancelled if that is
 * what is asked for now. */
Status queue_ask(Schedule *schedule, ScheduleJob *job, JobStop stop, const char *why) MUST_USE;
/* Asks the job that holds a GPU to stop with a checkpoint and go back to the queue, for a reason of the GPU's (too hot,
 * lost). Nothing when it is stopping already. */
Status queue_stop(Schedule *schedule, int64_t job, const char *why) MUST_USE;

#endif
