/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a run is as fast as the best one before it. */
#ifndef FOVEA_TRAIN_THROUGHPUT_CHECK_H
#define FOVEA_TRAIN_THROUGHPUT_CHECK_H

#include "train/run/run.h"

/* Counts an applied step. After the 200th of this process it compares the run's images/s with the best run of the same
 * configuration and device, notes when they are much lower, and keeps them in run.json if they are this run's best. */
Status throughput_check(Run *run, const StepFigures *figures) MUST_USE;

#endif
