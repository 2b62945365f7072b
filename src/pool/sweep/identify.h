/* SPDX-License-Identifier: Apache-2.0 */
/* Which trials are the same run, and what each would take: asked of the program before anything is started or written.
 */
#ifndef FOVEA_POOL_SWEEP_IDENTIFY_H
#define FOVEA_POOL_SWEEP_IDENTIFY_H

#include "pool/sweep/trials/trial.h"

/* Sets identity, sizes and hashes of every trial, and same_as. A trainer of fovea is asked for each trial, several at a
 * time; of another program the identity is the command and the text of the configuration. `base`: the text of the base.
 * A failure has the program's own code and message, after `path`, the sweep's file, and the trial's values. */
Status identify_trials(const char *path, Sweep *sweep, const char *base) MUST_USE;

#endif
