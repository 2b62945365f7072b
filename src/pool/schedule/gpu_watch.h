/* SPDX-License-Identifier: Apache-2.0 */
/* The schedule's calls about GPUs: what was seen of them, and what people ask of and about them. */
#ifndef FOVEA_POOL_SCHEDULE_GPU_WATCH_H
#define FOVEA_POOL_SCHEDULE_GPU_WATCH_H

#include "base/status.h"
#include "gauges/xid_table.h"
#include "pool/schedule/state/types.h"

/* What error codes of GPUs (XIDs) mean; without a table they mean nothing. It stays the caller's. */
void schedule_use_xids(Schedule *schedule, const XidTable *xids);
/* What was seen of the GPU of that index at `now`. The time of its sample, on the same clock, is when reading began:
 * what was read before a job's end does not show its GPU clear. `seen->own` and `seen->foreign` are the host's to find
 * out. */
Status schedule_observe(Schedule *schedule, int index, const Observation *seen, double now) MUST_USE;
/* Sets `wanted` [gpus of the rule] to those GPUs that are to be observed at `now`, returns how many; and when the next
 * is due. */
int schedule_wants_looks(const Schedule *schedule, double now, bool *wanted, double *next);

/* Drains a GPU: its job goes on, no other starts. Clears a quarantine, a drain, or a ghost's learned memory. */
Status schedule_gpu(Schedule *schedule, const Caller *caller, int gpu, bool drain, double now) MUST_USE;

int schedule_gpu_count(const Schedule *schedule);
void schedule_gpu_view(const Schedule *schedule, int index, GpuView *view);
/* Why the GPU of that number is in its state, and when that is expected to change. */
void schedule_why_gpu(const Schedule *schedule, int gpu, double now, WhyView *why);

#endif
