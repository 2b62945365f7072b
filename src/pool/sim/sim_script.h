/* SPDX-License-Identifier: Apache-2.0 */
/* A script of `pool sim`: the rule, the jobs that come, and what gauges show beside them. */
#ifndef FOVEA_POOL_SIM_SIM_SCRIPT_H
#define FOVEA_POOL_SIM_SIM_SCRIPT_H

#include "pool/rule/rule.h"

#include <sys/types.h>

enum { SCRIPT_HANGS = -1 };

typedef struct {
    double at, seconds;
    int gpus, priority;
    int *exits; /* [exit_count] of its attempts, the last repeated; SCRIPT_HANGS: it never ends by itself */
    int exit_count;
    double util; /* percent that its GPUs read; NAN: not supported */
    char user[POOL_NAME];
    uid_t uid; /* made up, in the order in which users appear */
    bool resumable;
} ScriptJob;

/* What a GPU reads in a stretch of time, in place of what its job would make it read. */
typedef struct {
    int gpu; /* number of the rule */
    double from, to;
    bool has_util, has_memory, has_processes;
    double util;    /* NAN: not supported */
    int64_t memory; /* -1: not supported */
    int processes;  /* -1: not supported */
} ScriptGauge;

typedef struct {
    Rule rule;
    bool filler;
    double filler_off; /* when it is switched off; INFINITY: never */
    double until;
    bool bad[POOL_GPUS]; /* by index in the rule: every job ends there soon, with 1 */
    ScriptJob *jobs;     /* [job_count] */
    int job_count;
    ScriptGauge *gauges; /* [gauge_count] later ones override earlier ones */
    int gauge_count;
} Script;

/* EXIT_DATA naming the file and the field; EXIT_IO: it cannot be read. script_close() either way. */
Status script_open(const char *path, Script *script) MUST_USE;
void script_close(Script *script);

#endif
