/* SPDX-License-Identifier: Apache-2.0 */
/* What a sweep finds before it starts anything: which trials have run, and whether the disk has room for the others. */
#ifndef FOVEA_POOL_SWEEP_PREPARE_H
#define FOVEA_POOL_SWEEP_PREPARE_H

#include "pool/sweep/outcome/trial_outcome.h"

/* EXIT_USAGE when the run directory of a trial has a run of another identity: of another base, or other data. */
Status prepare_check_earlier(const Sweep *sweep, const Sweep *earlier) MUST_USE;
/* EXIT_REFUSED when a trial's job waits or runs that was queued with another base, or for other data: its configuration
 * would change under it. */
Status prepare_check_live(const Sweep *sweep, const Sweep *earlier, const Outcome *outcomes) MUST_USE;
/* Gives trials that have no results the run directory of another sweep's trial with the same identity and results. */
Status prepare_find_before(Sweep *sweep) MUST_USE;
/* Which trials have to be queued: not those with results, with a live job, or whose last job of the same identity
 * failed or was cancelled. */
void prepare_wanted(const Sweep *sweep, const Sweep *earlier, const Outcome *outcomes, bool *wanted);
/* EXIT_REFUSED when the checkpoints of the wanted trials do not fit on the disk: the newest of each, and the others of
 * those that run at a time. */
Status prepare_check_disk(const Sweep *sweep, const bool *wanted, int64_t at_a_time) MUST_USE;

#endif
