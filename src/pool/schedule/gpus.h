/* SPDX-License-Identifier: Apache-2.0 */
/* The GPUs' half of the schedule: states, leases, ledger. All of it inside a transaction. */
#ifndef FOVEA_POOL_SCHEDULE_GPUS_H
#define FOVEA_POOL_SCHEDULE_GPUS_H

#include "pool/schedule/state.h"

/* Index of the GPU of that number; -1: none. */
int gpus_find(const Schedule *schedule, int64_t number);
/* Whether a lease may be taken now: free, or reserved for `job`. */
bool gpus_may_lease(const Schedule *schedule, int index, int64_t job);
/* Whether the last round of two looks found it idle, after its last lease ended. Slots always are. */
bool gpus_idle_twice(const Schedule *schedule, int index);
/* Leases GPUs by index to a job. */
Status gpus_take(Schedule *schedule, const int *indices, int count, int64_t job, uid_t uid, int64_t epoch) MUST_USE;
/* The job's processes are gone: its GPUs drain, and are free once gauges show them clear (slots at once). */
Status gpus_drain(Schedule *schedule, int64_t job) MUST_USE;
Status gpus_quarantine(Schedule *schedule, int index, const char *why) MUST_USE;
/* Brings all states, their reasons and the ledger up to date; looks at queue_idle_reason() for why a free GPU idles. */
Status gpus_settle(Schedule *schedule) MUST_USE;
/* Who holds it or what is in its way, for refusals: "gpu 3 is held by ann, pid 4242, job 17, since 2026-11-30 20:41".
 */
void gpus_describe(const Schedule *schedule, int index, char *text, size_t size);

#endif
