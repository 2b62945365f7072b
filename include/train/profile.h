/* SPDX-License-Identifier: Apache-2.0 */
/* ./train --profile: where the time of a step goes. */
#ifndef FOVEA_TRAIN_PROFILE_H
#define FOVEA_TRAIN_PROFILE_H

#include "base/status.h"
#include "train/config.h"
#include "train/options.h"

/* After a few steps to warm up, takes `steps` steps (1 or more) of a run of `config` with each operation marked on the
 * device, and as many unmarked. Computes as training does: by the choices in run.dir's tune.json, if there is one, else
 * by those that are the fastest now. Prints the time by phase and operation, compared with the device's measured peak,
 * and the device's idle share. Changes nothing on disk. */
Status train_profile(const Config *config, const TrainOptions *options, int64_t steps) MUST_USE;

#endif
