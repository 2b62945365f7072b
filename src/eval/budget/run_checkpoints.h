/* SPDX-License-Identifier: Apache-2.0 */
/* The checkpoints of a run that a curve over its training shows. */
#ifndef FOVEA_EVAL_RUN_CHECKPOINTS_H
#define FOVEA_EVAL_RUN_CHECKPOINTS_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    char *path; /* of its directory */
    int64_t step;
    double share; /* of all steps of the run, above 0 and up to 1 */
} RunCheckpoint;

typedef struct {
    RunCheckpoint *list; /* [count], the earliest first */
    int count;
} RunCheckpoints;

/* Of a run with checkpoint.keep_at the checkpoints nearest to the shares that it has passed, each once; else all that
 * are there. EXIT_DATA when `run` is no run directory, has no checkpoint, has taken no share's step, or when one of
 * these checkpoints is damaged. Free with run_checkpoints_close() either way. */
Status run_checkpoints_open(const char *run, RunCheckpoints *checkpoints) MUST_USE;
void run_checkpoints_close(RunCheckpoints *checkpoints);

#endif
