/* SPDX-License-Identifier: Apache-2.0 */
/* How many steps a run has, and its learning rate's schedule over them. */
#ifndef FOVEA_TRAIN_RUN_LENGTH_H
#define FOVEA_TRAIN_RUN_LENGTH_H

#include "train/run/run.h"

/* Sets the number of steps and the schedule over all of them, from the configuration and the loader. EXIT_USAGE when
 * there is not one step. */
Status run_length_plan(Run *run) MUST_USE;
/* After run_length_plan() and the checkpoint: lets a resumed run have more steps than it was to have, and prints what
 * that does to the learning rate. EXIT_USAGE for fewer. */
Status run_length_extend(Run *run) MUST_USE;

#endif
