/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs' half of the schedule, as the GPUs' half sees it. */
#ifndef FOVEA_POOL_SCHEDULE_QUEUE_H
#define FOVEA_POOL_SCHEDULE_QUEUE_H

#include "pool/schedule/state.h"

/* The live job of that number; NULL: none. */
ScheduleJob *queue_find(const Schedule *schedule, int64_t id);
/* Why a free GPU idles: "no job waits", "the filler is off", "kept for job 7", "the queue is paused: ..", "its two
 * looks are not over", "job 9 waits for 3 GPUs". The same words as long as nothing changes, since each change is a line
 * of the ledger. */
void queue_idle_reason(const Schedule *schedule, int index, char reason[POOL_REASON]);
/* Asks the job that holds the GPU to stop with a checkpoint and go back to the queue, for a reason of the GPU's (too
 * hot, lost). */
Status queue_stop(Schedule *schedule, int64_t job, const char *why) MUST_USE;

#endif
