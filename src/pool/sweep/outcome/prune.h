/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints of trials that are not the best: the newest alone is kept. */
#ifndef FOVEA_POOL_SWEEP_OUTCOME_PRUNE_H
#define FOVEA_POOL_SWEEP_OUTCOME_PRUNE_H

#include "pool/sweep/outcome/trial_outcome.h"

/* Removes the step folders of ended trials but the one that ckpt/latest points to, and ckpt/best where that was one of
 * them. The best trial so far, and the ones that differ from it in their seed alone, keep all. Nothing is removed of a
 * job that is live, of another sweep, or where there is no latest one. */
Status prune_losers(const Sweep *sweep, const Outcome *outcomes) MUST_USE;

#endif
