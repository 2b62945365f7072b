/* SPDX-License-Identifier: Apache-2.0 */
/* ./train --plan: what a run needs, without running it. */
#ifndef FOVEA_TRAIN_PLAN_H
#define FOVEA_TRAIN_PLAN_H

#include "base/status.h"
#include "train/config.h"

#include <stdbool.h>

typedef struct {
    const char *config_path; /* which names the run directory where run.dir does not */
    const char *gpu;         /* NULL: the device that a run would use; else the known GPU of that name */
    bool json;
} PlanOptions;

/* Prints the memory that a run of `config` needs, its work and the size of its checkpoints, as a table or, with what
 * decides its results, as JSON (docs/plan.md). EXIT_NO_MEMORY, after printing, when it does not fit, EXIT_USAGE for an
 * unknown GPU. Allocates none of that memory and changes nothing on disk. */
Status train_plan(const Config *config, const PlanOptions *options) MUST_USE;

#endif
