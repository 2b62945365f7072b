/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/flops.h"
#include "device/open.h"
#include "train/memory/memory_plan.h"
#include "train/run/run.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double MEGABYTE = 1e6, GIGABYTE = 1e9;

static Status open_room(const Config *config, const char *gpu, MemoryRoom *room) {
    if (gpu) {
        const KnownGpu *known;
        TRY(known_gpu_find(gpu, &known));
        memory_room_known(known, room);
        return NULL;
    }
    Device *device;
    TRY(run_open_device(config, &device));
    Status status = memory_room_open(device, room);
    device_close(device);
    return status;
}

static void print_group(const char *where, const char *name, size_t bytes) {
    printf("%-8s %-26s %18zu %12.1f\n", where, name, bytes, (double)bytes / MEGABYTE);
}

static void print_arena(const char *where, const Arena *arena) {
    for (int i = 0; i < arena->group_count; i++)
        if (arena->groups[i].bytes)
            print_group(where, arena->groups[i].name, arena->groups[i].bytes);
    print_group(where, "total", arena->used);
}

static void print_head(const Config *config, const MemoryRoom *room, const MemoryPlan *plan) {
    const ModelShape shape = memory_shape(config, plan->micro_batch);
    printf("plan     MAE %dx%d, %d heads, decoder %dx%d, %d heads; %d px, patch %d; %.2f M parameters, %s\n", shape.dim,
           shape.depth, shape.heads, shape.decoder_dim, shape.decoder_depth, shape.decoder_heads, shape.image_size,
           shape.patch_size, (double)plan->params.total / 1e6,
           config_choice_name(&train_config, "train.precision", config->train.precision));
    printf("         %" PRId64 " x %d images a step%s\n", config->train.global_batch / plan->micro_batch,
           plan->micro_batch, config->train.micro_batch == CONFIG_AUTO ? " (train.micro_batch = auto)" : "");
    printf("         on the %s: %.1f MB of %.1f MB %s\n", room->name, (double)room->free / MEGABYTE,
           (double)room->total / MEGABYTE, room->workspace ? "left by the driver and its context" : "are free now");
    printf("         all figures are computed, nothing was allocated\n\n%-8s %-26s %18s %12s\n", "memory", "for",
           "bytes", "MB");
}

static void print_fit(const Config *config, const MemoryRoom *room, const MemoryPlan *plan, bool fits, int largest) {
    printf("\nfits     %s: %.1f MB%s, and %.1f MB that stay free, of %.1f MB; ", fits ? "yes" : "no",
           (double)memory_needed(plan, room) / MEGABYTE,
           room->host_memory || room->unified ? " for device and host, whose memory is one" : "",
           (double)room->margin / MEGABYTE, (double)room->free / MEGABYTE);
    if (largest)
        printf("the largest train.micro_batch that divides %" PRId64 " and fits is %d\n", config->train.global_batch,
               largest);
    else
        printf("not even one image at a time fits\n");
}

/* How many images would fit if more were computed again. */
static Status print_recompute(const Config *config, const MemoryRoom *room) {
    Config other = *config;
    printf("         at most");
    for (int level = RECOMPUTE_NONE; level <= RECOMPUTE_BLOCKS; level++) {
        int largest;
        other.train.recompute = level;
        TRY(memory_largest(&other, room, INT_MAX, &largest));
        printf("%s %d", level ? "," : "", largest);
        printf(level ? " with %s" : " with train.recompute = %s",
               config_choice_name(&train_config, "train.recompute", (int)other.train.recompute));
    }
    printf("\n");
    return NULL;
}

/* Steps of the whole run, 0 where they are not known without the images, and who crops. */
static Status look_at_data(const Config *config, MemoryRoom *room, int64_t *steps) {
    *steps = config->train.steps;
    const bool packs = pack_is(config->data.train) || strchr(config->data.train, ',');
    if (!run_data_given(config) || (*steps && !packs))
        return NULL;
    Records records;
    TRY(records_open(config->data.train, config->data.weights, config->data.splits, &records));
    memory_room_records(room, config, &records);
    if (!*steps)
        *steps = (int64_t)floor(config->train.epochs * (double)(records.places / config->train.global_batch));
    records_close(&records);
    return NULL;
}

static void print_work(const Config *config, const MemoryPlan *plan, int64_t steps) {
    const ModelShape shape = memory_shape(config, plan->micro_batch);
    const double image = flops_training(&shape);
    printf("work     %.*f GFLOP an image, forward and backward (computed)", image < GIGABYTE ? 5 : 2, image / GIGABYTE);
    if (steps)
        printf("; %.4g FLOP for %" PRId64 " steps of %" PRId64 " images\n",
               image * (double)steps * (double)config->train.global_batch, steps, config->train.global_batch);
    else
        printf("; the run's number of steps hangs on the images, which data.train does not show\n");
    /* Weights, and both moments of what is trained. */
    const double checkpoint =
        sizeof(float) * ((double)plan->params.total + 2 * (double)plan->params.trainable) / MEGABYTE;
    const int64_t count = config->checkpoint.keep + 2;
    printf("disk     %.1f MB for up to %" PRId64 " checkpoints of %.1f MB (computed): the newest %" PRId64
           ", the best, and one that is being written\n",
           (double)count * checkpoint, count, checkpoint, config->checkpoint.keep);
}

Status train_plan(const Config *config, const char *gpu) {
    MemoryRoom room;
    MemoryPlan plan;
    int micro_batch, largest;
    int64_t steps;
    TRY(open_room(config, gpu, &room));
    TRY(memory_check_precision(config, &room));
    TRY(look_at_data(config, &room, &steps));
    TRY(memory_pick(config, &room, 0, &micro_batch));
    TRY(memory_plan(config, &room, micro_batch, &plan));
    TRY(memory_largest(config, &room, INT_MAX, &largest));
    Status refused = memory_refuse(config, &room, &plan);
    print_head(config, &room, &plan);
    print_arena("device", &plan.device);
    print_arena("host", &plan.host);
    print_fit(config, &room, &plan, !refused, largest);
    Status failed = print_recompute(config, &room);
    if (failed) {
        status_free(refused);
        return failed;
    }
    print_work(config, &plan, steps);
    fflush(stdout);
    return refused;
}
