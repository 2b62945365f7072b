/* SPDX-License-Identifier: Apache-2.0 */
/* Training: one run from a configuration to its run directory. */
#ifndef FOVEA_TRAIN_H
#define FOVEA_TRAIN_H

#include "base/status.h"
#include "train/config.h"

typedef struct {
    const char *config_path; /* for messages and the default run directory */
    bool resume;             /* go on from the run directory's newest sound checkpoint */
    bool force;              /* remove an existing run directory first */
    int64_t until;           /* stop, with a checkpoint, after this step; 0: run to the end */
    double max_hours;        /* stop, with a checkpoint, after this time; 0: no limit */
} TrainOptions;

/* Pretrains as `config` says. Returns NULL when done (run.json tells `finished` from `until` and `max_hours`),
 * EXIT_STOPPED after SIGTERM, SIGUSR1 or SIGINT with a checkpoint written, otherwise the failure. */
Status train_run(const Config *config, const TrainOptions *options) MUST_USE;

/* Prints what a run of `config` would hold in memory, its work and its checkpoints' size: on the device that it would
 * run on, or, unless `gpu` is NULL, on the known GPU of that name. EXIT_NO_MEMORY when it does not fit, EXIT_USAGE for
 * an unknown GPU. Allocates nothing of it and changes nothing on disk. */
Status train_plan(const Config *config, const char *gpu) MUST_USE;

/* Takes `steps` steps (1 or more) of a run of `config`, after a few to warm up, marking each operation on the device,
 * and as many unmarked, and prints the time by phase and operation against what the device was measured to do at most,
 * and the device's idle share. Changes nothing on disk. */
Status train_profile(const Config *config, const TrainOptions *options, int64_t steps) MUST_USE;

#endif
