/* SPDX-License-Identifier: Apache-2.0 */
/* The weights that a run starts from (init.from). */
#ifndef FOVEA_TRAIN_FIRST_WEIGHTS_H
#define FOVEA_TRAIN_FIRST_WEIGHTS_H

#include "train/run/run.h"

/* Reads them into the model and prints what became of each tensor. A run that continues from a checkpoint needs them
 * only for optim.l2sp. */
Status first_weights_read(Run *run) MUST_USE;

#endif
