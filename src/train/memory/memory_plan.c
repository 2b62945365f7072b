/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory/memory_plan.h"
#include "checkpoint/write.h"

#include "data/loader.h"
#include "data/prefetch.h"
#include "train/monitor/health.h"
#include "train/objective/model_shape.h"
#include "train/objective/objectives.h"
#include "train/optimizer.h"
#include "train/probe/online_probe.h"
#include "train/step/step.h"

#include <stdint.h>

static int64_t at_most(int64_t wanted, int64_t there) {
    return there && there < wanted ? there : wanted;
}

static void measure_host(const Config *config, const MemoryBudget *budget, const ModelShape *shape, Arena *host) {
    const size_t image = (size_t)shape->image_size * (size_t)shape->image_size * 3;
    const size_t record = (size_t)shape->record * (size_t)shape->record * 3;
    const PrefetchOptions ring = {.batch_size = (int)config->train.global_batch,
                                  .sample_bytes = shape->cached ? 0
                                                  : record      ? record
                                                                : image,
                                  .crops = record > 0,
                                  .extra = objectives_find(config)->extras(shape),
                                  .depth = (int)config->data.prefetch_batches};
    prefetch_measure(&ring, host);
    int64_t images = objectives_find(config)->draws ? config->log.recon_images : 0;
    if (config->data.val[0] && config->val.every && config->val.images > images)
        images = config->val.images;
    arena_group(host, "evaluation images");
    arena_take(host, (size_t)at_most(images, budget->val_images) * image);
    online_probe_measure(config, shape, at_most(config->probe.images, budget->probe_images[0]),
                         at_most(config->probe.images, budget->probe_images[1]), host);
}

Status memory_plan(const Config *config, const MemoryBudget *budget, int micro_batch, MemoryPlan *plan) {
    *plan = (MemoryPlan){.micro_batch = micro_batch};
    ModelShape shape = model_shape_of(config, micro_batch);
    memory_budget_to_shape(budget, &shape);
    const ObjectiveKind *objective = objectives_find(config);
    const RealType type = model_shape_type(config);
    const ObjectiveOptions options = {.shape = shape, .global_batch = (int)config->train.global_batch};
    TRY(objective->measure(&options, type, budget->host_memory, &plan->host, &plan->device, &plan->params));
    plan->model = plan->device.used;
    optimizer_measure(&(OptimizerOptions){.l2sp = config->optim.l2sp}, &plan->params, &plan->host, &plan->device);
    step_measure(&shape, (int)config->train.global_batch, &plan->host, &plan->device);
    if (config->monitor.every)
        health_measure(&shape, &plan->params, &plan->host, &plan->device);
    if (!budget->host_memory) {
        arena_group(&plan->device, "kernels' scratch memory");
        plan->scratch = objective->scratch(&shape, type);
        arena_take(&plan->device, plan->scratch);
    }
    if (budget->workspace) {
        arena_group(&plan->device, "library's workspace");
        arena_take(&plan->device, budget->workspace);
    }
    if (budget->cached_records)
        loader_measure_device_cache(budget->cached_records, budget->record, &plan->host, &plan->device);
    checkpoint_writer_measure(&plan->params, &plan->host);
    measure_host(config, budget, &shape, &plan->host);
    return NULL;
}

bool memory_is_shared(const MemoryBudget *budget) {
    return budget->host_memory || budget->unified;
}

size_t memory_needed(const MemoryPlan *plan, const MemoryBudget *budget) {
    const size_t device = plan->device.used, host = memory_is_shared(budget) ? plan->host.used : 0;
    return device > SIZE_MAX - host ? SIZE_MAX : device + host;
}
