/* SPDX-License-Identifier: Apache-2.0 */
/* What a training of fovea would take and what decides its results, asked of the trainer itself: of its keys the pool
 * knows nothing. docs/plan.md has what it answers. */
#ifndef FOVEA_POOL_SWEEP_PLAN_H
#define FOVEA_POOL_SWEEP_PLAN_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { PLAN_HASH = 17, PLAN_GPU = 96 };

/* Sizes are bytes. */
typedef struct {
    bool trainer;                    /* false: the command is no trainer of fovea, and all else is empty */
    bool fits;                       /* on this machine as it is now */
    int64_t gpu_memory, host_memory; /* of each GPU, 0 where it computes in the host's; of the host */
    int64_t checkpoint, disk;        /* of one checkpoint, and of the most that there are at once */
    int64_t steps, micro_batch, global_batch, threads; /* steps 0: not known */
    char *run_dir;                                     /* absolute; owned, NULL where there is none */
    /* Hexadecimal; "" where the data are not there. `identity`: equal ones have equal results. */
    char config_hash[PLAN_HASH], data_hash[PLAN_HASH], identity[PLAN_HASH];
} Plan;

/* Whether a command (ending in NULL) is a trainer of fovea: a program called train with an .ini file. */
bool plan_is_trainer(char *const *arguments);
/* Asks the trainer of a command, in `folder` and with `environment` (ending in NULL): runs PROGRAM CONFIG [--set ...]
 * --plan --json. *plan says so when the command is none, or does not answer. A failure has the trainer's own message
 * and code; a run that does not fit is no failure. Code 127, 126: the program is not there, or cannot be run.
 * Thread-safe. Free with plan_free() either way. */
Status plan_read(char *const *arguments, const char *folder, char *const *environment, Plan *plan) MUST_USE;
/* The same for several commands: `gpu` is what plan_gpu() found, once. */
Status plan_read_for(const char *gpu, char *const *arguments, const char *folder, char *const *environment,
                     Plan *plan) MUST_USE;
/* The name of this machine's first GPU as the driver reports it, "" without one. The trainer is asked to plan for that
 * name, so that it does not open a GPU that another job holds; one that it does not know it opens. */
Status plan_gpu(char name[PLAN_GPU]) MUST_USE;
void plan_free(Plan *plan);

#endif
