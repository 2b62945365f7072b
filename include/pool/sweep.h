/* SPDX-License-Identifier: Apache-2.0 */
/* Sweeps: many configurations of one program on a pool's GPUs, and which of them is the best. docs/sweep.md. */
#ifndef FOVEA_POOL_SWEEP_H
#define FOVEA_POOL_SWEEP_H

#include "base/status.h"

#include <stdbool.h>

typedef struct {
    const char *file;
    const char *state; /* the pool's folder, as pool_client_open() takes it */
    bool detach;       /* returns once all trials are queued */
    bool slurm;        /* writes a script for Slurm in their place, and asks no daemon */
} SweepOptions;

/* Checks every trial, queues those that have not run yet, follows them with a table until all have ended, and prints
 * the result. *well: whether every trial has ended well; with `detach` or `slurm` that nothing failed. Called again it
 * goes on. EXIT_USAGE for what the file has wrong, EXIT_REFUSED when the disk has no room, or another call is under
 * way; a trial that the program refuses has the program's own code. */
Status sweep_run(const SweepOptions *options, bool *well) MUST_USE;
/* Prints how a sweep stands, as a table or as JSON. Works without a daemon, too. EXIT_USAGE: there is none. */
Status sweep_show(const char *name, const char *state, bool json, bool *well) MUST_USE;

#endif
