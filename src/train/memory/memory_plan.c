/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory/memory_plan.h"
#include "checkpoint/write.h"

#include "data/loader.h"
#include "data/prefetch.h"
#include "ops/gpu_scratch.h"
#include "train/memory/model_shape.h"
#include "train/optimizer.h"
#include "train/step/step.h"

#include <stdint.h>

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* Of one block of the encoder or decoder. */
static size_t block_scratch(const ModelShape *shape, RealType type, int rows, int dim, int heads, int tokens) {
    const int hidden = dim * shape->mlp_ratio;
    size_t most = gpu_attention_scratch(type, shape->batch, heads, tokens);
    most = larger(most, gpu_norm_scratch(type, rows, dim, 2));
    most = larger(most, gpu_slope_scratch(type, rows, hidden));
    for (int columns = dim; columns <= 3 * dim; columns += 2 * dim)
        most = larger(most, gpu_column_sums_scratch(type, rows, columns));
    return larger(most, gpu_column_sums_scratch(type, rows, hidden));
}

/* Only the encoder's blocks use FP8. */
static size_t fp8_scratch(const ModelShape *shape, int rows) {
    const int dim = shape->dim, hidden = dim * shape->mlp_ratio;
    const size_t square = larger(gpu_fp8_scratch(rows, dim, dim), gpu_fp8_scratch(rows, dim, 3 * dim));
    const size_t wide = larger(gpu_fp8_scratch(rows, dim, hidden), gpu_fp8_scratch(rows, hidden, dim));
    return shape->fp8 ? larger(larger(square, gpu_fp8_scratch(rows, 3 * dim, dim)), wide) : 0;
}

/* The most that an operation of the model's step needs. */
static size_t gpu_scratch(const ModelShape *shape, RealType type) {
    const int across = shape->image_size / shape->patch_size, patches = across * across;
    const int keep = (int)(patches * (1 - shape->mask_ratio)), batch = shape->batch;
    const int seen = batch * (1 + keep), all = batch * (1 + patches),
              pixels = 3 * shape->patch_size * shape->patch_size;
    const int dim = shape->dim, decoder = shape->decoder_dim;
    const size_t needs[] = {block_scratch(shape, type, seen, dim, shape->heads, 1 + keep),
                            block_scratch(shape, type, all, decoder, shape->decoder_heads, 1 + patches),
                            fp8_scratch(shape, seen),
                            shape->record ? gpu_resize_scratch(batch, shape->record, shape->record, shape->image_size)
                                          : 0,
                            gpu_column_sums_scratch(type, batch * keep, dim),
                            gpu_column_sums_scratch(type, seen, decoder),
                            gpu_column_sums_scratch(type, all, pixels),
                            gpu_embed_scratch(batch, patches, dim, false),
                            gpu_restore_scratch(batch, decoder),
                            gpu_loss_scratch(gpu_pixel_loss_blocks(batch, patches)),
                            gpu_global_norm_scratch()};
    size_t most = 0;
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        most = larger(most, needs[i]);
    return gpu_round_up(most, GPU_ALIGNMENT);
}

static void measure_host(const Config *config, const ModelShape *shape, Arena *host) {
    const size_t across = (size_t)(shape->image_size / shape->patch_size), patches = across * across;
    const size_t image = (size_t)shape->image_size * (size_t)shape->image_size * 3;
    const size_t record = (size_t)shape->record * (size_t)shape->record * 3;
    const PrefetchOptions ring = {.batch_size = (int)config->train.global_batch,
                                  .sample_bytes = shape->cached ? 0
                                                  : record      ? record
                                                                : image,
                                  .crops = record > 0,
                                  .mask = (int)patches,
                                  .depth = (int)config->data.prefetch_batches};
    prefetch_measure(&ring, host);
    int64_t images = config->log.recon_images;
    if (config->data.val[0] && config->val.every && config->val.images > images)
        images = config->val.images;
    arena_group(host, "evaluation images");
    arena_take(host, (size_t)images * image);
    arena_group(host, "masks");
    arena_take(host, ((size_t)shape->batch + 1) * patches * sizeof(int32_t));
}

Status memory_plan(const Config *config, const MemoryBudget *budget, int micro_batch, MemoryPlan *plan) {
    *plan = (MemoryPlan){.micro_batch = micro_batch};
    ModelShape shape = model_shape_of(config, micro_batch);
    memory_budget_to_shape(budget, &shape);
    TRY(mae_measure(&shape, model_shape_type(config), budget->host_memory, &plan->host, &plan->device, &plan->params));
    plan->model = plan->device.used;
    optimizer_measure(&plan->params, &plan->host, &plan->device);
    step_measure(&shape, (int)config->train.global_batch, &plan->host, &plan->device);
    if (!budget->host_memory) {
        arena_group(&plan->device, "kernels' scratch memory");
        plan->scratch = gpu_scratch(&shape, model_shape_type(config));
        arena_take(&plan->device, plan->scratch);
    }
    if (budget->workspace) {
        arena_group(&plan->device, "library's workspace");
        arena_take(&plan->device, budget->workspace);
    }
    if (budget->cached_records)
        loader_measure_device_cache(budget->cached_records, budget->record, &plan->host, &plan->device);
    checkpoint_writer_measure(&plan->params, &plan->host);
    measure_host(config, &shape, &plan->host);
    return NULL;
}

bool memory_is_shared(const MemoryBudget *budget) {
    return budget->host_memory || budget->unified;
}

size_t memory_needed(const MemoryPlan *plan, const MemoryBudget *budget) {
    const size_t device = plan->device.used, host = memory_is_shared(budget) ? plan->host.used : 0;
    return device > SIZE_MAX - host ? SIZE_MAX : device + host;
}
