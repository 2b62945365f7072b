/* SPDX-License-Identifier: Apache-2.0 */
/* How many steps lie between two checkpoints, with checkpoint.every = auto. It follows the time of a write, measured in
 * this process, and changes nothing but when checkpoints are written: a parameter never depends on it. */
#ifndef FOVEA_TRAIN_CHECKPOINT_INTERVAL_H
#define FOVEA_TRAIN_CHECKPOINT_INTERVAL_H

#include "train/run/run.h"

/* The least of 1, 2, 5, 10, 20, 50 ... steps that last five minutes, and fifty times the write. With validations, each
 * of `validations` steps (0: none), a multiple of these or a divisor that is not below it, because only a validated
 * checkpoint can be the best. */
int64_t checkpoint_interval(double write_seconds, double step_seconds, int64_t validations);

/* Sets run->checkpoint_every before the first step: until a write has been timed, about a hundred steps. */
void checkpoint_interval_open(Run *run);
/* Follows the last write, prints and records an interval that changed. No step may be pending. */
Status checkpoint_interval_update(Run *run) MUST_USE;

#endif
