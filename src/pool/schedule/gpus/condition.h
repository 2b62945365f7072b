/* SPDX-License-Identifier: Apache-2.0 */
/* What a GPU's state is, and why, in words. */
#ifndef FOVEA_POOL_SCHEDULE_GPUS_CONDITION_H
#define FOVEA_POOL_SCHEDULE_GPUS_CONDITION_H

#include "pool/schedule/state/state.h"

/* Degrees below warn_celsius at which a GPU that was hot takes jobs again: it cools by a few as soon as it idles. */
enum { GPU_COOLS = 5 };
/* Seconds after its job's end in which gauges must show a GPU clear. A driver frees memory within a few. */
enum { GPU_CLEAR_WITHIN = 60 };

/* The first state that holds, in the order quarantined, held, draining, unknown, foreign, ghost, hot, reserved, free.
 * The reason (NULL: not wanted) stays the same as long as nothing but figures changes: each other one is a line of
 * the ledger. */
GpuState gpus_condition(const Schedule *schedule, int index, char reason[POOL_REASON]);
/* Whether nothing of a job is left on a GPU whose job has ended; otherwise `why` (NULL: not wanted) says what is. */
bool gpus_is_clear(const ScheduleGpu *gpu, char why[POOL_REASON]);
/* Whether that much memory (-1: not reported) is more than the idle GPU uses: above its baseline, or, before one is
 * learned, above all that could be a first one. */
bool gpus_is_excess(const ScheduleGpu *gpu, int64_t memory);
/* The process of no job that uses it, and what frees the GPU; "": there is none. */
void gpus_name_foreign(const Observation *seen, char text[POOL_REASON]);
/* Who holds it or what is in its way, for refusals: "gpu 3 is held by ann, pid 4242, job 17, since 2026-11-30 20:41".
 */
void gpus_describe(const Schedule *schedule, int index, char *text, size_t size);

#endif
