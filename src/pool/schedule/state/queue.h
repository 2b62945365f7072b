/* SPDX-License-Identifier: Apache-2.0 */
/* The live jobs of the schedule: those that wait, are held, run or stop. */
#ifndef FOVEA_POOL_SCHEDULE_STATE_QUEUE_H
#define FOVEA_POOL_SCHEDULE_STATE_QUEUE_H

#include "pool/schedule/state/state.h"

/* Reads live jobs, their attempts and the switches from the database, in place of what is in memory; what only memory
 * has of a job (when it last progressed, the memory that it uses) is kept. */
Status queue_restore(Schedule *schedule) MUST_USE;
/* The live job of that number; NULL: none. */
ScheduleJob *queue_find(const Schedule *schedule, int64_t id);
/* Adds a job, whose texts it takes over on success, but for the request, which is freed. Its number is above all
 * others, unless it is one that is tried again. */
Status queue_add(Schedule *schedule, Job *job, ScheduleJob **added) MUST_USE;
/* Forgets a job that has ended. */
void queue_remove(Schedule *schedule, int64_t id);
void queue_free(Schedule *schedule);
/* Writes the job to the database. */
Status queue_put(Schedule *schedule, ScheduleJob *job) MUST_USE;

/* Why the waiting or held job does not start, whatever is free: it is held, waits for other jobs, the loan, the filler,
 * the host's memory, of which running jobs have `claimed` bytes. False: nothing but GPUs is missing. The words stay the
 * same as long as nothing changes. */
bool queue_is_hindered(const Schedule *schedule, const ScheduleJob *job, int64_t claimed, char why[POOL_REASON]);
/* Why a free GPU idles: "no job waits", "the filler is off", "the queue is paused: ..", "job 9 waits for 3 GPUs"; ""
 * when a job would start on it at once, if its two looks were over. The same words as long as nothing changes, since
 * each change is a line of the ledger. */
void queue_idle_reason(const Schedule *schedule, int index, char reason[POOL_REASON]);

/* When jobs have to be asked to stop because of the loan's end; INFINITY without a loan. */
double queue_loan_stop(const Schedule *schedule);
/* Whether the job needs the filler to start. */
bool queue_needs_filler(const Schedule *schedule, const ScheduleJob *job);
/* Whether the GPU is one of those that the job may have, by lane and number. */
bool queue_may_use(const Schedule *schedule, const ScheduleJob *job, int index);
/* Whether an attempt of the job failed on that GPU, by number; and remembers the GPUs of one that did. */
bool queue_avoids(const ScheduleJob *job, int number);
void queue_avoid(ScheduleJob *job, const Attempt *attempt);

#endif
