/* SPDX-License-Identifier: Apache-2.0 */
/* What a run holds, measured before anything is allocated by the code that lays it out, and the micro-batch that fits.
 * All figures are computed. */
#ifndef FOVEA_TRAIN_MEMORY_PLAN_H
#define FOVEA_TRAIN_MEMORY_PLAN_H

#include "base/arena.h"
#include "cost/known_gpus.h"
#include "data/records.h"
#include "device/device.h"
#include "model/mae.h"
#include "train/config.h"

/* Where a run's memory is to come from. */
typedef struct {
    char name[160];
    bool host_memory, unified; /* as in Device */
    int capability;
    size_t free, total;   /* of the device */
    size_t margin;        /* of `free` that stays free */
    size_t workspace;     /* of the libraries', where `free` still holds it */
    size_t host_free;     /* SIZE_MAX: not known */
    int record;           /* side of the records that the device crops itself; 0: the host crops */
    int64_t held;         /* how many of them it holds; 0: none */
    const Device *device; /* NULL: it is not here */
} MemoryRoom;

typedef struct {
    int micro_batch;
    Params params;      /* its numbers: no list, no arrays */
    size_t model;       /* of the device's memory: mae_open()'s */
    size_t scratch;     /* of it, for the kernels; 0: the CPU */
    Arena device, host; /* measured, in groups */
} MemoryPlan;

/* The memory of an open device as it is now. */
Status memory_room_open(const Device *device, MemoryRoom *room) MUST_USE;
/* That of a GPU with nothing else on it. */
void memory_room_known(const KnownGpu *gpu, MemoryRoom *room);

/* Whether the device crops `records` itself, which are packs of one size and its memory not the host's, so that nobody
 * resizes on the host, and whether it is to hold them (data.cache). Results are the same. */
void memory_room_records(MemoryRoom *room, const Config *config, const Records *records);
/* The same in the model's shape. */
void memory_shape_records(ModelShape *shape, const MemoryRoom *room);
/* The model that `config` asks for, for images that are cropped by the host. */
ModelShape memory_shape(const Config *config, int micro_batch);
/* What activations are kept in. */
RealType memory_type(const Config *config);
/* EXIT_MISSING when the device does not have train.precision. */
Status memory_check_precision(const Config *config, const MemoryRoom *room) MUST_USE;

/* A run of `config` with that many images at a time. */
Status memory_plan(const Config *config, const MemoryRoom *room, int micro_batch, MemoryPlan *plan) MUST_USE;

/* Bytes that have to come from the device's memory: where it is the host's, all. */
size_t memory_needed(const MemoryPlan *plan, const MemoryRoom *room);
/* The largest divisor of train.global_batch, up to `most`, that fits; 0: not even one image. */
Status memory_largest(const Config *config, const MemoryRoom *room, int most, int *micro_batch) MUST_USE;
/* The micro-batch of a run: train.micro_batch, or with `auto` the one `kept` by the run that goes on (0: none), else
 * the largest that fits; 1 where none does. */
Status memory_pick(const Config *config, const MemoryRoom *room, int kept, int *micro_batch) MUST_USE;
/* EXIT_NO_MEMORY when the plan does not fit: what it needs, what is free, and the largest micro-batch that fits. */
Status memory_refuse(const Config *config, const MemoryRoom *room, const MemoryPlan *plan) MUST_USE;
/* A run's failure; one for lack of memory with the keys that lower its use, unless it names one already. */
Status memory_advise(Status failure) MUST_USE;

#endif
