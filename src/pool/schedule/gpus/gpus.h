/* SPDX-License-Identifier: Apache-2.0 */
/* The GPUs' half of the schedule: leases, quarantine, states and the ledger. All that returns a Status is called inside
 * a transaction. */
#ifndef FOVEA_POOL_SCHEDULE_GPUS_GPUS_H
#define FOVEA_POOL_SCHEDULE_GPUS_GPUS_H

#include "pool/schedule/state/state.h"

/* Fills the GPUs from the rule, then leases, baselines, quarantines, drains and open lines of the ledger from the
 * database, after queue_restore(). A lease whose attempt runs on is held, another drains. Moves schedule->now forward
 * if the ledger goes beyond it: the clock was set back. */
Status gpus_open(Schedule *schedule) MUST_USE;
/* At a daemon's start, after gpus_open(): the time since the one before it lived is unseen, but of held GPUs whose job
 * is then adopted. A job that is not adopted ends, with gpus_drain(). */
Status gpus_start_unseen(Schedule *schedule) MUST_USE;
void gpus_adopt(Schedule *schedule, int64_t job);

/* Index of the GPU of that number; -1: none. */
int gpus_find(const Schedule *schedule, int64_t number);
/* Whether a lease may be taken now: free, or reserved for `job`. */
bool gpus_may_lease(const Schedule *schedule, int index, int64_t job);
/* Whether the last round of two looks found it idle, and began after its last lease ended. Slots always are. */
bool gpus_idle_twice(const Schedule *schedule, int index);
/* Keeps a GPU for a waiting job of several GPUs; 0: for none. */
void gpus_reserve(Schedule *schedule, int index, int64_t job);
/* Leases GPUs by index to a job. */
Status gpus_take(Schedule *schedule, const int *indices, int count, int64_t job, uid_t uid, int64_t epoch) MUST_USE;
/* The job's processes are gone: its GPUs drain, and are free once gauges show them clear (slots at once). Slots add the
 * last seconds to the attempt's `busy`: it is written to the database afterwards. */
Status gpus_drain(Schedule *schedule, int64_t job) MUST_USE;

/* Gauges show a GPU clear whose job has ended: gives the lease back, and the first of its two looks is due. */
Status gpus_release(Schedule *schedule, int index) MUST_USE;

/* No lease until an admin clears it. Tells people. */
Status gpus_quarantine(Schedule *schedule, int index, const char *why) MUST_USE;
/* The job failed soon after its start on this GPU: the third different one in a row quarantines it. */
Status gpus_early_failure(Schedule *schedule, int index, int64_t job) MUST_USE;
/* A job worked on this GPU. */
void gpus_worked(Schedule *schedule, int index);

/* Brings all states, their reasons and the ledger up to date; asks queue_idle_reason() why a free GPU idles. */
Status gpus_settle(Schedule *schedule) MUST_USE;

#endif
