/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that a run needs: measured by the code that lays it out, before anything is allocated. */
#ifndef FOVEA_TRAIN_MEMORY_PLAN_H
#define FOVEA_TRAIN_MEMORY_PLAN_H

#include "base/arena.h"
#include "model/params.h"
#include "train/memory/memory_budget.h"

typedef struct {
    int micro_batch;
    Params params;      /* the counts alone: no list, no arrays */
    size_t model;       /* device memory of the model */
    size_t scratch;     /* device memory of the kernels; 0: the CPU */
    Arena device, host; /* measured, in groups */
} MemoryPlan;

/* A run of `config` that computes `micro_batch` images at a time. */
Status memory_plan(const Config *config, const MemoryBudget *budget, int micro_batch, MemoryPlan *plan) MUST_USE;
/* Whether device and host use the same memory. */
bool memory_is_shared(const MemoryBudget *budget);
/* Bytes of the device's memory; where the host shares it, all of them. */
size_t memory_needed(const MemoryPlan *plan, const MemoryBudget *budget);

#endif
