/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory/memory_budget.h"

#include "model/fp8.h"
#include "ops/gpu_scratch.h"

#include <stdint.h>
#include <stdio.h>

static const double GIBIBYTE = 1 << 30;

/* A GPU's driver loads kernels and its own tables into memory when they are first used, and allocates in pieces of
 * 2 MiB: some hundred megabytes, which a small (emulated) device does not have. */
static size_t gpu_margin(size_t total) {
    enum { SHARE = 64, MAX_MARGIN = 512 << 20 };
    return total / SHARE < MAX_MARGIN ? total / SHARE : MAX_MARGIN;
}

/* Linux only estimates the available memory. Decoded images, the operations' scratch memory and other programs need
 * some of it, and so does the cache of the images' files, without which every epoch waits for the disk. */
static size_t host_margin(size_t available) {
    enum { SHARE = 8 };
    return available / SHARE;
}

Status memory_budget_open(const Device *device, MemoryBudget *budget) {
    const Device *cpu = device_cpu();
    size_t host_total;
    *budget = (MemoryBudget){.device = device,
                             .host_memory = device->host_memory,
                             .unified = device->unified,
                             .capability = device->capability,
                             .multiprocessors = device->multiprocessors};
    TRY(cpu->memory(cpu, &budget->host_free, &host_total));
    snprintf(budget->name, sizeof budget->name, "%s", *device->model ? device->model : "machine");
    if (device->host_memory || device->unified) {
        budget->free = budget->host_free;
        budget->total = host_total;
        budget->margin = host_margin(budget->free);
        return NULL;
    }
    TRY(device->memory(device, &budget->free, &budget->total));
    budget->margin = gpu_margin(budget->total);
    return NULL;
}

void memory_budget_known(const KnownGpu *gpu, MemoryBudget *budget) {
    const size_t total = (size_t)(gpu->gibibytes * GIBIBYTE);
    *budget = (MemoryBudget){.unified = gpu->unified,
                             .capability = gpu->capability,
                             .multiprocessors = gpu->multiprocessors,
                             .free = total - GPU_CONTEXT_BYTES,
                             .total = total,
                             .workspace = GPU_WORKSPACE_BYTES,
                             .host_free = SIZE_MAX};
    budget->margin = gpu->unified ? host_margin(budget->free) : gpu_margin(total);
    snprintf(budget->name, sizeof budget->name, "%s", gpu->full_name);
}

void memory_budget_records(MemoryBudget *budget, const Config *config, const Records *records) {
    budget->record = records->part_count && !budget->host_memory ? records->side : 0;
    budget->cached_records = budget->record && config->data.cache == LOADER_DEVICE ? records->count : 0;
}

void memory_budget_to_shape(const MemoryBudget *budget, ModelShape *shape) {
    shape->record = budget->record;
    shape->cached = budget->cached_records > 0;
    shape->classes = budget->classes ? budget->classes : shape->classes;
}

Status memory_check_precision(const Config *config, const MemoryBudget *budget) {
    enum { MIN_BF16_CAPABILITY = 80 };
    if (config->train.precision == PRECISION_FP8)
        return fp8_check(budget->name, budget->capability);
    if (config->train.precision == PRECISION_FP32 || !budget->capability || budget->capability >= MIN_BF16_CAPABILITY)
        return NULL;
    return status_error(EXIT_MISSING,
                        "train.precision = bf16: the %s has compute capability %d.%d, without BF16 (%d.%d or later "
                        "is needed); use train.precision = fp32",
                        budget->name, budget->capability / 10, budget->capability % 10, MIN_BF16_CAPABILITY / 10,
                        MIN_BF16_CAPABILITY % 10);
}
