/* SPDX-License-Identifier: Apache-2.0 */
/* ./train: one run from a configuration to its run directory. */
#ifndef FOVEA_TRAIN_TRAIN_H
#define FOVEA_TRAIN_TRAIN_H

#include "base/status.h"
#include "train/config.h"
#include "train/options.h"

/* Pretrains as `config` says. Returns NULL when done (run.json distinguishes `finished`, `until` and `max_hours`),
 * EXIT_STOPPED after SIGTERM, SIGHUP, SIGUSR1 or SIGINT with a checkpoint written, otherwise the failure. */
Status train_run(const Config *config, const TrainOptions *options) MUST_USE;

#endif
