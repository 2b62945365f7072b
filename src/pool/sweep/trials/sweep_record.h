/* SPDX-License-Identifier: Apache-2.0 */
/* runs/sweeps/NAME/sweep.json: the trials of a sweep and what they are, for later calls and for other sweeps. */
#ifndef FOVEA_POOL_SWEEP_TRIALS_SWEEP_RECORD_H
#define FOVEA_POOL_SWEEP_TRIALS_SWEEP_RECORD_H

#include "pool/sweep/trials/trial.h"

Status sweep_record_write(const Sweep *sweep) MUST_USE;
/* *found false, and an empty sweep: there is no such file. EXIT_DATA for one that is damaged. sweep_free() either way.
 */
Status sweep_record_read(const char *name, Sweep *sweep, bool *found) MUST_USE;

#endif
