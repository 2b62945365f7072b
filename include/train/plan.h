/* SPDX-License-Identifier: Apache-2.0 */
/* ./train --plan: what a run needs, without running it. */
#ifndef FOVEA_TRAIN_PLAN_H
#define FOVEA_TRAIN_PLAN_H

#include "base/status.h"
#include "train/config.h"

/* Prints the memory that a run of `config` needs, its work and the size of its checkpoints: on the device that it would
 * use or, unless `gpu` is NULL, on the known GPU of that name. EXIT_NO_MEMORY when it does not fit, EXIT_USAGE for an
 * unknown GPU. Allocates none of that memory and changes nothing on disk. */
Status train_plan(const Config *config, const char *gpu) MUST_USE;

#endif
