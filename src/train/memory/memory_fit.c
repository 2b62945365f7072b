/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory/memory_fit.h"

#include "gauges/gpu_processes.h"
#include "train/memory/waves.h"
#include "train/objective/model_shape.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const double MEGABYTE = 1e6;

static bool plan_fits(const MemoryPlan *plan, const MemoryBudget *budget) {
    return memory_needed(plan, budget) <= budget->free && budget->margin <= budget->free - memory_needed(plan, budget);
}

Status memory_largest_micro_batch(const Config *config, const MemoryBudget *budget, int max, int *micro_batch) {
    const int all = (int)config->train.global_batch;
    MemoryPlan plan;
    for (*micro_batch = max < all ? max : all; *micro_batch > 0; --*micro_batch) {
        if (all % *micro_batch)
            continue;
        TRY(memory_plan(config, budget, *micro_batch, &plan));
        if (plan_fits(&plan, budget))
            return NULL;
    }
    return NULL;
}

static double filled_by(const Config *config, const MemoryBudget *budget, int micro_batch) {
    const ModelShape shape = model_shape_of(config, micro_batch);
    return waves_filled(&shape, budget->multiprocessors);
}

/* The largest divisor of train.global_batch, up to `largest`, whose products take a fiftieth more time an image than
 * those of the best divisor, or less: each pass also has its own launches, and reads and writes all gradients. */
static int prefer_full_waves(const Config *config, const MemoryBudget *budget, int largest) {
    static const double WORTH_A_PASS = 0.02;
    const int all = (int)config->train.global_batch;
    double best = 0;
    for (int i = largest; i > 0; i--)
        if (all % i == 0 && filled_by(config, budget, i) > best)
            best = filled_by(config, budget, i);
    while (all % largest || filled_by(config, budget, largest) < (1 - WORTH_A_PASS) * best)
        largest--;
    return largest;
}

Status memory_choose_micro_batch(const Config *config, const MemoryBudget *budget, int kept, int *micro_batch) {
    /* From some dozens of images a matrix product has thousands of rows, enough to reuse its packed parts many times,
     * and no cache holds the activations of more. Measured on two cores, ViT-Tiny at 112 pixels was as fast with 64
     * images at a time as with 256, and a quarter slower with 8. */
    enum { MAX_ON_CPU = 64 };
    const int64_t asked = config->train.micro_batch, all = config->train.global_batch;
    if (asked != CONFIG_AUTO) {
        *micro_batch = (int)(asked && asked < all ? asked : all);
        return NULL;
    }
    if (kept > 0 && all % kept == 0) {
        MemoryPlan plan;
        TRY(memory_plan(config, budget, kept, &plan));
        *micro_batch = kept;
        if (plan_fits(&plan, budget))
            return NULL;
    }
    TRY(memory_largest_micro_batch(config, budget, budget->host_memory ? MAX_ON_CPU : INT_MAX, micro_batch));
    if (!*micro_batch)
        *micro_batch = 1;
    else if (budget->multiprocessors)
        *micro_batch = prefer_full_waves(config, budget, *micro_batch);
    return NULL;
}

Status memory_advise(Status failure) {
    static const char *const keys[] = {"train.micro_batch", "model.image_size", "data.prefetch_batches"};
    if (status_code(failure) != EXIT_NO_MEMORY)
        return failure;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strstr(status_message(failure), keys[i]))
            return failure;
    return status_append(failure,
                         "; lower train.micro_batch or model.image_size, or for host memory data.prefetch_batches");
}

/* Adds to `advice` how many images would fit with the least recomputation that fits more than `largest`. */
static Status advise_recompute(const Config *config, const MemoryBudget *budget, int max, int largest, char *advice,
                               size_t size) {
    Config other = *config;
    for (int more = largest; ++other.train.recompute <= RECOMPUTE_BLOCKS && more == largest;) {
        TRY(memory_largest_micro_batch(&other, budget, max, &more));
        const size_t used = strlen(advice);
        if (more > largest)
            snprintf(advice + used, size - used, "; with train.recompute = %s it is %d",
                     config_choice_name(&train_config, "train.recompute", (int)other.train.recompute), more);
    }
    return NULL;
}

Status memory_check_fits(const Config *config, const MemoryBudget *budget, const MemoryPlan *plan) {
    if (!memory_is_shared(budget) && plan->host.used > budget->host_free)
        return status_error(EXIT_NO_MEMORY,
                            "out of memory: the run needs %.1f MB of host memory, %.1f MB of it for prefetched "
                            "batches, but %.1f MB are free; lower data.prefetch_batches, train.global_batch, "
                            "val.images or probe.images, or free "
                            "memory",
                            (double)plan->host.used / MEGABYTE,
                            (double)config->data.prefetch_batches * (double)config->train.global_batch * 3 *
                                (double)config->model.image_size * (double)config->model.image_size / MEGABYTE,
                            (double)budget->host_free / MEGABYTE);
    if (plan_fits(plan, budget))
        return NULL;
    int largest;
    char others[256] = "";
    if (budget->device)
        gpu_processes(budget->device->pci, others, sizeof others);
    char advice[400] = "not even one image at a time fits: use a smaller model or model.image_size, or free memory";
    TRY(memory_largest_micro_batch(config, budget, plan->micro_batch, &largest));
    if (largest)
        snprintf(advice, sizeof advice, "the largest train.micro_batch that divides train.global_batch and fits is %d",
                 largest);
    TRY(advise_recompute(config, budget, plan->micro_batch, largest, advice, sizeof advice));
    const size_t used = strlen(advice);
    if (budget->cached_records)
        snprintf(advice + used, sizeof advice - used, "; data.cache = page would keep %.1f MB of records on the host",
                 (double)budget->cached_records * 3 * budget->record * budget->record / MEGABYTE);
    return status_error(
        EXIT_NO_MEMORY,
        "out of %smemory: with %d images at a time the run needs %.1f MB, %.1f MB of it for the model's parameters and "
        "activations; %.1f MB of %.1f MB of the %s are free, and %.1f MB must stay free%s; %s",
        memory_is_shared(budget) ? "" : "GPU ", plan->micro_batch, (double)memory_needed(plan, budget) / MEGABYTE,
        (double)plan->model / MEGABYTE, (double)budget->free / MEGABYTE, (double)budget->total / MEGABYTE, budget->name,
        (double)budget->margin / MEGABYTE, others, advice);
}
