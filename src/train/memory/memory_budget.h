/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that a run may use. */
#ifndef FOVEA_TRAIN_MEMORY_BUDGET_H
#define FOVEA_TRAIN_MEMORY_BUDGET_H

#include "cost/known_gpus.h"
#include "data/records.h"
#include "device/device.h"
#include "model/model.h"
#include "train/config.h"

typedef struct {
    char name[160];                  /* of the device */
    bool host_memory, unified;       /* as in Device */
    int capability, multiprocessors; /* as in Device; multiprocessors 0: not known */
    size_t free, total;              /* the device's memory */
    size_t margin;                   /* the part of `free` that must stay free */
    size_t workspace;                /* of the libraries, while `free` still includes it */
    size_t host_free;                /* SIZE_MAX: not known */
    int record;                      /* side of the records that the device crops itself; 0: the host crops */
    int64_t cached_records;          /* how many of them the device caches; 0: none */
    int classes;                     /* that the labels have; 0: those of the configuration */
    int64_t val_images;              /* that data.val has; 0: not known */
    int64_t probe_images[2];         /* the same of probe.train and probe.val */
    const Device *device;            /* NULL: not on this machine */
} MemoryBudget;

/* The memory of an open device as it is now. */
Status memory_budget_open(const Device *device, MemoryBudget *budget) MUST_USE;
/* The memory of a known GPU that runs nothing else. */
void memory_budget_known(const KnownGpu *gpu, MemoryBudget *budget);

/* Whether the device crops `records` itself and whether it caches them (data.cache). It crops records of packs of one
 * size when its memory is not the host's; the host then resizes nothing. Results are the same. */
void memory_budget_records(MemoryBudget *budget, const Config *config, const Records *records);
/* Sets the same in the model's shape, and its classes. */
void memory_budget_to_shape(const MemoryBudget *budget, ModelShape *shape);

/* EXIT_MISSING when the device does not support train.precision. */
Status memory_check_precision(const Config *config, const MemoryBudget *budget) MUST_USE;

#endif
