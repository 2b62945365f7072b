/* SPDX-License-Identifier: Apache-2.0 */
/* The jobs' half of the schedule, as the GPUs' half sees it. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_QUEUE_H
#define FOVEA_POOL_SCHEDULE_STATE_QUEUE_H

#include "pool/schedule/state/state.h"

/* Reads live jobs, their attempts and the switches from the database, in place of what is in memory. */
Status queue_restore(Schedule *schedule) MUST_USE;
/* The live job of that number; NULL: none. */
ScheduleJob *queue_find(const Schedule *schedule, int64_t id);
/* Why a free GPU idles: "no job waits", "the filler is off", "the queue is paused: ..", "job 9 waits for 3 GPUs"; ""
 * when a job would start on it at once, if its two looks were over. The same words as long as nothing changes, since
 * each change is a line of the ledger. */
void queue_idle_reason(const Schedule *schedule, int index, char reason[POOL_REASON]);
/* Asks the job that holds the GPU to stop with a checkpoint and go back to the queue, for a reason of the GPU's (too
 * hot, lost). */
Status queue_stop(Schedule *schedule, int64_t job, const char *why) MUST_USE;

#endif
