/* SPDX-License-Identifier: Apache-2.0 */
#include "train/plan.h"

#include "base/files.h"
#include "cost/flops.h"
#include "device/open.h"
#include "train/keep_at.h"
#include "train/memory/memory_fit.h"
#include "train/objective/model_shape.h"
#include "train/objective/objectives.h"
#include "train/run/run_open.h"
#include "train/run/run_summary.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double MEGABYTE = 1e6, GIGABYTE = 1e9;

/* *device stays open, because the budget asks it who uses its memory; NULL for a known GPU. */
static Status open_budget(const Config *config, const char *gpu, Device **device, MemoryBudget *budget) {
    *device = NULL;
    if (gpu) {
        const KnownGpu *known;
        TRY(status_append(known_gpu_find(gpu, &known), "; omit --gpu to plan for this machine"));
        memory_budget_known(known, budget);
        return NULL;
    }
    TRY(run_open_device(config, device));
    return memory_budget_open(*device, budget);
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

static void print_head(const Config *config, const MemoryBudget *budget, const MemoryPlan *plan) {
    ModelShape shape = model_shape_of(config, plan->micro_batch);
    memory_budget_to_shape(budget, &shape);
    printf("plan     %s; %.2f M parameters, %s\n", objectives_find(config)->describe(&shape).text,
           (double)plan->params.total / 1e6,
           config_choice_name(&train_config, "train.precision", config->train.precision));
    printf("         %" PRId64 " x %d images a step%s\n", config->train.global_batch / plan->micro_batch,
           plan->micro_batch, config->train.micro_batch == CONFIG_AUTO ? " (train.micro_batch = auto)" : "");
    printf("         on the %s: %.1f MB of %.1f MB %s\n", budget->name, (double)budget->free / MEGABYTE,
           (double)budget->total / MEGABYTE, budget->workspace ? "left by the driver and its context" : "are free now");
    printf("         all figures are computed, nothing was allocated\n\n%-8s %-26s %18s %12s\n", "memory", "for",
           "bytes", "MB");
}

static void print_fit(const Config *config, const MemoryBudget *budget, const MemoryPlan *plan, bool fits,
                      int largest) {
    printf("\nfits     %s: %.1f MB%s, plus %.1f MB that must stay free, of %.1f MB; ", fits ? "yes" : "no",
           (double)memory_needed(plan, budget) / MEGABYTE,
           memory_is_shared(budget) ? " for device and host, which share memory" : "",
           (double)budget->margin / MEGABYTE, (double)budget->free / MEGABYTE);
    if (largest)
        printf("the largest train.micro_batch that divides %" PRId64 " and fits is %d\n", config->train.global_batch,
               largest);
    else
        printf("not even one image at a time fits\n");
}

/* How many images would fit with more recomputation. */
static Status print_recompute(const Config *config, const MemoryBudget *budget) {
    Config other = *config;
    printf("         at most");
    for (int level = RECOMPUTE_NONE; level <= RECOMPUTE_BLOCKS; level++) {
        int largest;
        other.train.recompute = level;
        TRY(memory_largest_micro_batch(&other, budget, INT_MAX, &largest));
        printf("%s %d", level ? "," : "", largest);
        printf(level ? " with %s" : " with train.recompute = %s",
               config_choice_name(&train_config, "train.recompute", (int)other.train.recompute));
    }
    printf("\n");
    return NULL;
}

/* Finds the number of steps (0: unknown without the images) and who crops. *records: the training images, none where
 * they are not there or not needed; records_close() is allowed after a failure too. */
static Status inspect_data(const Config *config, MemoryBudget *budget, Records *records, int64_t *steps) {
    *steps = config->train.steps;
    const bool packs = pack_is(config->data.train) || strchr(config->data.train, ',');
    const ObjectiveKind *objective = objectives_find(config);
    if (!run_has_data(config) || (*steps && !packs && !objective->read)) /* labels say how many classes there are */
        return NULL;
    TRY(run_open_training_records(config, records));
    memory_budget_records(budget, config, records);
    Targets targets = {0};
    Status status = objective->read ? objective->read(config, records, &(Records){0}, NULL, &targets) : NULL;
    budget->classes = targets.classes;
    targets_close(&targets);
    if (!*steps)
        *steps =
            (int64_t)floor(config->train.epochs * (double)(records->samples_per_epoch / config->train.global_batch));
    return status;
}

static Status count_images(const char *text, RecordsSplits splits, int64_t *count) {
    Records records = {0};
    if (!files_exists(text) && !strchr(text, ','))
        return NULL;
    Status status = records_open(text, "", splits, &records);
    *count = records.count;
    records_close(&records);
    return status;
}

/* Those that a run keeps in memory, as far as they are there. */
static Status count_evaluation(const Config *config, MemoryBudget *budget) {
    TRY(count_images(config->data.val, RECORDS_VAL, &budget->val_images));
    TRY(count_images(config->probe.train, RECORDS_TRAIN, &budget->probe_images[0]));
    return count_images(config->probe.val, RECORDS_VAL, &budget->probe_images[1]);
}

static void print_work(const Config *config, const MemoryPlan *plan, int64_t steps) {
    const ModelShape shape = model_shape_of(config, plan->micro_batch);
    const double image = flops_training(&shape);
    printf("work     %.*f GFLOP an image, forward and backward (computed)", image < GIGABYTE ? 5 : 2, image / GIGABYTE);
    if (steps)
        printf("; %.4g FLOP for %" PRId64 " steps of %" PRId64 " images\n",
               image * (double)steps * (double)config->train.global_batch, steps, config->train.global_batch);
    else
        printf("; number of steps unknown: it depends on the images in data.train\n");
    /* Weights, and both moments of the trained parameters. */
    const double checkpoint =
        sizeof(float) * ((double)plan->params.total + 2 * (double)plan->params.trained) / MEGABYTE;
    const int shares = keep_at_steps(config, steps).step_count;
    const int64_t count = config->checkpoint.keep + shares + 2;
    char kept_at[64] = "";
    if (shares)
        snprintf(kept_at, sizeof kept_at, ", %d of checkpoint.keep_at", shares);
    printf("disk     %.1f MB for up to %" PRId64 " checkpoints of %.1f MB (computed): the newest %" PRId64
           ", the best%s, and one being written\n",
           (double)count * checkpoint, count, checkpoint, config->checkpoint.keep, kept_at);
}

static void print_shares(const Config *config, const Records *records) {
    if (records->part_count > 1)
        printf("data     %" PRId64 " samples an epoch\n", records->samples_per_epoch);
    run_print_shares(config, records);
}

static Status print_plan(const Config *config, MemoryBudget *budget, Records *records) {
    MemoryPlan plan;
    int micro_batch, largest;
    int64_t steps;
    TRY(memory_check_precision(config, budget));
    TRY(inspect_data(config, budget, records, &steps));
    TRY(count_evaluation(config, budget));
    TRY(memory_choose_micro_batch(config, budget, 0, &micro_batch));
    TRY(memory_plan(config, budget, micro_batch, &plan));
    TRY(memory_largest_micro_batch(config, budget, INT_MAX, &largest));
    Status refused = memory_check_fits(config, budget, &plan);
    print_head(config, budget, &plan);
    print_arena("device", &plan.device);
    print_arena("host", &plan.host);
    print_fit(config, budget, &plan, !refused, largest);
    Status failed = print_recompute(config, budget);
    if (failed) {
        status_free(refused);
        return failed;
    }
    print_shares(config, records);
    print_work(config, &plan, steps);
    fflush(stdout);
    return refused;
}

Status train_plan(const Config *config, const char *gpu) {
    MemoryBudget budget;
    Records records = {0};
    Device *device;
    TRY(objectives_check(config));
    Status status = open_budget(config, gpu, &device, &budget);
    if (!status)
        status = print_plan(config, &budget, &records);
    records_close(&records);
    device_close(device);
    return status;
}
