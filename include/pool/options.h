/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line of ./pool sets. */
#ifndef FOVEA_POOL_OPTIONS_H
#define FOVEA_POOL_OPTIONS_H

#include "base/option_table.h"

#include <stdint.h>

/* In the order of the table in src/cli/pool_options.c. */
typedef enum {
    POOL_RUN,
    POOL_SUBMIT,
    POOL_STATUS,
    POOL_JOBS,
    POOL_WHY,
    POOL_TOP,
    POOL_CLOCK,
    POOL_LOGS,
    POOL_WAIT,
    POOL_CANCEL,
    POOL_HOLD,
    POOL_RELEASE,
    POOL_RETRY,
    POOL_FILLER,
    POOL_GPU,
    POOL_GHOSTS,
    POOL_LOOKS,
    POOL_LEDGER,
    POOL_AUDIT,
    POOL_RULE,
    POOL_SWEEP,
    POOL_SIM,
    POOL_DAEMON,
} PoolCommand;

typedef struct {
    int command; /* PoolCommand */
    const char *state;
    /* run and submit */
    int gpus;
    const char *gpu_ids, *lane, *gpu_memory, *host_memory, *time_limit, *after, *name;
    int64_t priority;
    bool resumable, dry_run, now;
    OptionTexts words; /* of the command */
    /* the others */
    OptionTexts what; /* numbers of jobs; "gpu N" of why */
    const char *rule;
    int64_t number; /* of a GPU */
    int act, filler;
    const char *in, *out; /* of sim */
    const char *check;    /* of rule */
    OptionTexts sweep;    /* FILE, or show NAME */
    bool detach, slurm;
    bool all, kill, json, follow, watch;
    /* The code that the program exits with where nothing failed: that of the command of `run`, and so on. */
    int exit;
} PoolOptions;

#endif
