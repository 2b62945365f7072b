/* SPDX-License-Identifier: Apache-2.0 */
#include "train/memory/memory_plan.h"

#include "checkpoint/checkpoint.h"
#include "data/loader.h"
#include "data/prefetch.h"
#include "gauges/gpu_processes.h"
#include "model/fp8.h"
#include "ops/gpu_scratch.h"
#include "train/optimizer.h"
#include "train/step/step.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const double MEGABYTE = 1e6, GIBIBYTE = 1 << 30;

/* A GPU's driver brings kernels' code and its own tables into memory as they are first used, and hands memory out in
 * pieces of 2 MiB: some hundred megabytes, which a small (emulated) device does not have. */
static size_t gpu_margin(size_t total) {
    enum { SHARE = 64, MOST = 512 << 20 };
    return total / SHARE < MOST ? total / SHARE : MOST;
}

/* What Linux calls available is an estimate; decoded images, the operations' scratch memory, other programs and the
 * cache of the images' files, without which every epoch waits for the disk, have to live off the rest. */
static size_t host_margin(size_t available) {
    enum { SHARE = 8 };
    return available / SHARE;
}

Status memory_room_open(const Device *device, MemoryRoom *room) {
    const Device *cpu = device_cpu();
    size_t host_total;
    *room = (MemoryRoom){.device = device,
                         .host_memory = device->host_memory,
                         .unified = device->unified,
                         .capability = device->capability};
    TRY(cpu->memory(cpu, &room->host_free, &host_total));
    snprintf(room->name, sizeof room->name, "%s", *device->model ? device->model : "machine");
    if (device->host_memory || device->unified) {
        room->free = room->host_free;
        room->total = host_total;
        room->margin = host_margin(room->free);
        return NULL;
    }
    TRY(device->memory(device, &room->free, &room->total));
    room->margin = gpu_margin(room->total);
    return NULL;
}

void memory_room_known(const KnownGpu *gpu, MemoryRoom *room) {
    const size_t total = (size_t)(gpu->gibibytes * GIBIBYTE);
    *room = (MemoryRoom){.unified = gpu->unified,
                         .capability = gpu->capability,
                         .free = total - GPU_CONTEXT_BYTES,
                         .total = total,
                         .workspace = GPU_WORKSPACE_BYTES,
                         .host_free = SIZE_MAX};
    room->margin = gpu->unified ? host_margin(room->free) : gpu_margin(total);
    snprintf(room->name, sizeof room->name, "%s", gpu->full_name);
}

ModelShape memory_shape(const Config *config, int micro_batch) {
    return (ModelShape){.image_size = (int)config->model.image_size,
                        .patch_size = (int)config->model.patch_size,
                        .dim = (int)config->model.dim,
                        .depth = (int)config->model.depth,
                        .heads = (int)config->model.heads,
                        .decoder_dim = (int)config->model.decoder_dim,
                        .decoder_depth = (int)config->model.decoder_depth,
                        .decoder_heads = (int)config->model.decoder_heads,
                        .mlp_ratio = 4,
                        .norm_eps = 1e-6,
                        .mask_ratio = config->model.mask_ratio,
                        .norm_pix_loss = config->model.norm_pix_loss,
                        .activation = config->model.activation,
                        .recompute = config->train.recompute,
                        .batch = micro_batch,
                        .fp8 = config->train.precision == PRECISION_FP8};
}

void memory_room_records(MemoryRoom *room, const Config *config, const Records *records) {
    room->record = records->part_count && !room->host_memory ? records->side : 0;
    room->held = room->record && config->data.cache == LOADER_DEVICE ? records->count : 0;
}

void memory_shape_records(ModelShape *shape, const MemoryRoom *room) {
    shape->record = room->record;
    shape->cached = room->held > 0;
}

RealType memory_type(const Config *config) {
    return config->train.precision == PRECISION_FP32 ? REAL_FP32 : REAL_BF16;
}

Status memory_check_precision(const Config *config, const MemoryRoom *room) {
    enum { BF16_LEAST = 80 };
    if (config->train.precision == PRECISION_FP8)
        return status_append(fp8_check(room->name, room->capability),
                             ": set train.precision = bf16, or train.device = cpu");
    if (config->train.precision == PRECISION_FP32 || !room->capability || room->capability >= BF16_LEAST)
        return NULL;
    return status_error(EXIT_MISSING,
                        "train.precision = bf16: the %s is of compute capability %d.%d, which has no BF16 (%d.%d and "
                        "later have); take train.precision = fp32",
                        room->name, room->capability / 10, room->capability % 10, BF16_LEAST / 10, BF16_LEAST % 10);
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

/* Of the encoder's or the decoder's blocks. */
static size_t block_scratch(const ModelShape *shape, RealType type, int rows, int dim, int heads, int tokens) {
    const int hidden = dim * shape->mlp_ratio;
    size_t most = gpu_attention_scratch(type, shape->batch, heads, tokens);
    most = larger(most, gpu_norm_scratch(type, rows, dim, 2));
    for (int columns = dim; columns <= 3 * dim; columns += 2 * dim)
        most = larger(most, gpu_column_sums_scratch(type, rows, columns));
    return larger(most, gpu_column_sums_scratch(type, rows, hidden));
}

/* FP8 serves the encoder's blocks alone. */
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
                            gpu_global_norm_scratch(),
                            GPU_SCRATCH_MIN};
    size_t most = 0;
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        most = larger(most, needs[i]);
    return most;
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
                                  .depth = (int)config->data.prefetch_batches};
    prefetch_measure(&ring, host);
    int64_t images = config->log.recon_images;
    if (config->data.val[0] && config->val.every && config->val.images > images)
        images = config->val.images;
    arena_group(host, "images to look at");
    arena_take(host, (size_t)images * image);
    arena_group(host, "masks");
    arena_take(host, ((size_t)shape->batch + 1) * patches * sizeof(int32_t));
}

Status memory_plan(const Config *config, const MemoryRoom *room, int micro_batch, MemoryPlan *plan) {
    *plan = (MemoryPlan){.micro_batch = micro_batch};
    ModelShape shape = memory_shape(config, micro_batch);
    memory_shape_records(&shape, room);
    TRY(mae_measure(&shape, memory_type(config), room->host_memory, &plan->host, &plan->device, &plan->params));
    plan->model = plan->device.used;
    optimizer_measure(&plan->params, &plan->host, &plan->device);
    step_measure(&shape, (int)config->train.global_batch, &plan->host, &plan->device);
    if (!room->host_memory) {
        arena_group(&plan->device, "kernels' scratch memory");
        plan->scratch = gpu_scratch(&shape, memory_type(config));
        arena_take(&plan->device, plan->scratch);
    }
    if (room->workspace) {
        arena_group(&plan->device, "library's workspace");
        arena_take(&plan->device, room->workspace);
    }
    if (room->held)
        loader_measure_device_cache(room->held, room->record, &plan->host, &plan->device);
    checkpoint_writer_measure(&plan->params, &plan->host);
    measure_host(config, &shape, &plan->host);
    return NULL;
}

static size_t sum(size_t a, size_t b) {
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static bool shares(const MemoryRoom *room) {
    return room->host_memory || room->unified;
}

size_t memory_needed(const MemoryPlan *plan, const MemoryRoom *room) {
    return shares(room) ? sum(plan->device.used, plan->host.used) : plan->device.used;
}

static bool device_fits(const MemoryPlan *plan, const MemoryRoom *room) {
    return sum(memory_needed(plan, room), room->margin) <= room->free;
}

Status memory_largest(const Config *config, const MemoryRoom *room, int most, int *micro_batch) {
    const int all = (int)config->train.global_batch;
    MemoryPlan plan;
    for (*micro_batch = most < all ? most : all; *micro_batch > 0; --*micro_batch) {
        if (all % *micro_batch)
            continue;
        TRY(memory_plan(config, room, *micro_batch, &plan));
        if (device_fits(&plan, room))
            return NULL;
    }
    return NULL;
}

Status memory_pick(const Config *config, const MemoryRoom *room, int kept, int *micro_batch) {
    /* From some dozens of images on a matrix product has thousands of rows, enough to use its packed parts again and
     * again, and no cache holds the activations of more: ViT-Tiny at 112 pixels, on two cores, was as fast with 64 at a
     * time as with 256, and a quarter slower with 8. */
    enum { MOST_ON_CPU = 64 };
    const int64_t asked = config->train.micro_batch, all = config->train.global_batch;
    if (asked != CONFIG_AUTO) {
        *micro_batch = (int)(asked && asked < all ? asked : all);
        return NULL;
    }
    if (kept > 0 && all % kept == 0) {
        MemoryPlan plan;
        TRY(memory_plan(config, room, kept, &plan));
        *micro_batch = kept;
        if (device_fits(&plan, room))
            return NULL;
    }
    TRY(memory_largest(config, room, room->host_memory ? MOST_ON_CPU : INT_MAX, micro_batch));
    if (!*micro_batch)
        *micro_batch = 1;
    return NULL;
}

Status memory_advise(Status failure) {
    static const char *const keys[] = {"train.micro_batch", "model.image_size", "data.prefetch_batches"};
    if (status_code(failure) != EXIT_NO_MEMORY)
        return failure;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (strstr(status_message(failure), keys[i]))
            return failure;
    return status_append(
        failure,
        "; lower train.micro_batch or model.image_size, or for host memory data.prefetch_batches or data.workers");
}

Status memory_refuse(const Config *config, const MemoryRoom *room, const MemoryPlan *plan) {
    if (!shares(room) && plan->host.used > room->host_free)
        return status_error(
            EXIT_NO_MEMORY,
            "out of memory: the run would need %.1f MB of host memory, %.1f MB of them for the ring of "
            "batches; %.1f MB are free; lower data.prefetch_batches, train.global_batch or val.images, or free "
            "memory",
            (double)plan->host.used / MEGABYTE,
            (double)config->data.prefetch_batches * (double)config->train.global_batch * 3 *
                (double)config->model.image_size * (double)config->model.image_size / MEGABYTE,
            (double)room->host_free / MEGABYTE);
    if (device_fits(plan, room))
        return NULL;
    int largest;
    char others[256] = "";
    if (room->device)
        gpu_processes(room->device->pci, others, sizeof others);
    char advice[400] = "not even one image at a time fits: take a smaller model or model.image_size, or free memory";
    TRY(memory_largest(config, room, plan->micro_batch, &largest));
    if (largest)
        snprintf(advice, sizeof advice, "the largest train.micro_batch that divides train.global_batch and fits is %d",
                 largest);
    /* The least that would let more in. */
    Config other = *config;
    for (int more = largest; ++other.train.recompute <= RECOMPUTE_BLOCKS && more == largest;) {
        TRY(memory_largest(&other, room, plan->micro_batch, &more));
        const size_t used = strlen(advice);
        if (more > largest)
            snprintf(advice + used, sizeof advice - used, "; with train.recompute = %s it is %d",
                     config_choice_name(&train_config, "train.recompute", (int)other.train.recompute), more);
    }
    const size_t used = strlen(advice);
    if (room->held)
        snprintf(advice + used, sizeof advice - used, "; with data.cache = page %.1f MB of records stay on the host",
                 (double)room->held * 3 * room->record * room->record / MEGABYTE);
    return status_error(
        EXIT_NO_MEMORY,
        "out of %smemory: with %d images at a time the run would need %.1f MB, %.1f MB of them for "
        "the model's parameters and activations; %.1f MB of %.1f MB of the %s are free, of which %.1f MB "
        "stay free%s; %s",
        shares(room) ? "" : "GPU ", plan->micro_batch, (double)memory_needed(plan, room) / MEGABYTE,
        (double)plan->model / MEGABYTE, (double)room->free / MEGABYTE, (double)room->total / MEGABYTE, room->name,
        (double)room->margin / MEGABYTE, others, advice);
}
