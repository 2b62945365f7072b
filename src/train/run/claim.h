/* SPDX-License-Identifier: Apache-2.0 */
/* Which run directory a run uses, and whether --resume, --force and the configuration stored there allow it. */
#ifndef FOVEA_TRAIN_CLAIM_H
#define FOVEA_TRAIN_CLAIM_H

#include "base/status.h"
#include "rundir/run_directory.h"
#include "rundir/run_summary.h"
#include "train/config.h"
#include "train/options.h"

/* What a resumed run has that the stored one had not. */
typedef struct {
    bool validation; /* it validates on other images */
    bool length;     /* train.steps, train.epochs or optim.extend are others */
} ClaimChanges;

/* The run directory of a run: run.dir, or runs/NAME where the config file is called NAME.ini. The caller's. */
Status claim_path(const Config *config, const char *config_path, char **path) MUST_USE;
/* Opens it. Refuses what the options do not allow (EXIT_USAGE): a directory that
 * is not empty without --resume or --force, --force on what is no run, a stored configuration that differs in a key
 * that changes the result. Changes nothing on disk. Whether the new length is allowed is for claim_length().
 * run_directory_close() afterwards, after a failure too. */
Status claim_open(RunDirectory *directory, const Config *config, const TrainOptions *options,
                  ClaimChanges *changes) MUST_USE;
/* Creates the directory, replacing the old one if --force was given, with a config.ini whose run.dir is the
 * directory's path. */
Status claim_create(RunDirectory *directory, const Config *config, bool force) MUST_USE;

/* Compares two resolved configurations line by line; EXIT_USAGE naming the first key that differs and can change the
 * result. `stored_path` is for the message. */
Status claim_compare(const char *stored, const char *wanted, const char *stored_path, ClaimChanges *changes) MUST_USE;

/* How long the schedule of a run of `total` steps is after `earlier`, the run's last process: `total`, or with `hold`
 * the length that it had. EXIT_USAGE when the run would be shorter than it was to be, or when an extended run would
 * change between the two ways without more steps. */
Status claim_length(const RunSummary *earlier, bool hold, int64_t total, int64_t *schedule_steps) MUST_USE;

#endif
