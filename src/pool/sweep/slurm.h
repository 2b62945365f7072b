/* SPDX-License-Identifier: Apache-2.0 */
/* A sweep on a cluster: a script for sbatch, an array with a task for each trial. */
#ifndef FOVEA_POOL_SWEEP_SLURM_H
#define FOVEA_POOL_SWEEP_SLURM_H

#include "pool/sweep/trials/trial.h"

/* Writes runs/sweeps/NAME/slurm.sh for the trials that are wanted[i], at least one. *path is the caller's. */
Status slurm_write(const Sweep *sweep, const bool *wanted, char **path) MUST_USE;

#endif
