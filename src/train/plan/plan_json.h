/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as JSON, for programs: docs/plan.md has the fields. */
#ifndef FOVEA_TRAIN_PLAN_JSON_H
#define FOVEA_TRAIN_PLAN_JSON_H

#include "train/memory/memory_plan.h"

#include <stdint.h>

/* What ./train --plan computes. */
typedef struct {
    const Config *config;
    const MemoryBudget *budget;
    MemoryPlan memory;
    int largest_micro_batch; /* that divides the global batch and fits; 0: none */
    const char *reason;      /* why the run does not fit; NULL: it does */
    bool has_data;           /* the training images are there: what follows is known, but `steps` */
    int64_t steps;           /* 0: not known */
    int64_t data_count;
    uint64_t data_hash; /* as run.json has it */
    uint64_t identity;  /* identity.h */
    size_t checkpoint;  /* bytes of one */
    int64_t kept;       /* checkpoints that stay: the newest and those of checkpoint.keep_at */
} PlanFigures;

/* One object, on stdout. `run_dir` is the run's directory. */
Status plan_json_print(const PlanFigures *figures, const char *run_dir) MUST_USE;

#endif
