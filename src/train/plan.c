/* SPDX-License-Identifier: Apache-2.0 */
#include "train/plan.h"

#include "base/files.h"
#include "cost/flops.h"
#include "device/open.h"
#include "train/keep_at.h"
#include "train/memory/memory_fit.h"
#include "train/objective/model_shape.h"
#include "train/objective/objectives.h"
#include "train/plan/identity.h"
#include "train/plan/plan_json.h"
#include "train/run/claim.h"
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
static Status open_budget(const Config *config, const PlanOptions *options, Device **device, MemoryBudget *budget) {
    *device = NULL;
    if (options->gpu) {
        const KnownGpu *known;
        TRY(status_append(known_gpu_find(options->gpu, &known), "; omit --gpu to plan for this machine"));
        memory_budget_known(known, budget);
        return NULL;
    }
    TRY(run_open_device(config, options->json ? stderr : stdout, device));
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

/* The images that a run reads, as far as they are there. */
typedef struct {
    Records train, val;
    IdentityData hashes;
} PlanData;

/* Finds the number of steps (0: unknown without the images), who crops, and the hashes. */
static Status inspect_data(const Config *config, MemoryBudget *budget, PlanData *data, int64_t *steps) {
    *steps = config->train.steps;
    const ObjectiveKind *objective = objectives_find(config);
    if (!run_has_images(config->data.train))
        return NULL;
    TRY(run_open_training_records(config, &data->train));
    if (run_has_images(config->data.val))
        TRY(records_open(config->data.val, "", RECORDS_VAL, &data->val));
    memory_budget_records(budget, config, &data->train);
    budget->val_images = data->val.count;
    Targets targets = {0};
    Status status = objective->read ? objective->read(config, &data->train, &data->val, NULL, &targets) : NULL;
    budget->classes = targets.classes;
    data->hashes.train = data->train.hash ^ targets.train.hash;
    data->hashes.val = data->val.hash ^ targets.val.hash;
    targets_close(&targets);
    if (!*steps)
        *steps =
            (int64_t)floor(config->train.epochs * (double)(data->train.samples_per_epoch / config->train.global_batch));
    return status;
}

static Status inspect_images(const char *text, RecordsSplits splits, int64_t *count, uint64_t *hash) {
    Records records = {0};
    if (!run_has_images(text))
        return NULL;
    Status status = records_open(text, "", splits, &records);
    *count = records.count;
    *hash = records.hash;
    records_close(&records);
    return status;
}

static Status inspect_probes(const Config *config, MemoryBudget *budget, IdentityData *hashes) {
    TRY(inspect_images(config->probe.train, RECORDS_TRAIN, &budget->probe_images[0], &hashes->probe_train));
    return inspect_images(config->probe.val, RECORDS_VAL, &budget->probe_images[1], &hashes->probe_val);
}

static void print_work(const PlanFigures *figures) {
    const Config *config = figures->config;
    const int64_t steps = figures->steps;
    const ModelShape shape = model_shape_of(config, figures->memory.micro_batch);
    const double image = flops_training(&shape);
    printf("work     %.*f GFLOP an image, forward and backward (computed)", image < GIGABYTE ? 5 : 2, image / GIGABYTE);
    if (steps)
        printf("; %.4g FLOP for %" PRId64 " steps of %" PRId64 " images\n",
               image * (double)steps * (double)config->train.global_batch, steps, config->train.global_batch);
    else
        printf("; number of steps unknown: it depends on the images in data.train\n");
    const double checkpoint = (double)figures->checkpoint / MEGABYTE;
    const int64_t shares = figures->kept - config->checkpoint.keep, count = figures->kept + 2;
    char kept_at[64] = "";
    if (shares)
        snprintf(kept_at, sizeof kept_at, ", %" PRId64 " of checkpoint.keep_at", shares);
    printf("disk     %.1f MB for up to %" PRId64 " checkpoints of %.1f MB (computed): the newest %" PRId64
           ", the best%s, and one being written\n",
           (double)count * checkpoint, count, checkpoint, config->checkpoint.keep, kept_at);
}

static void print_shares(const Config *config, const Records *records) {
    if (records->part_count > 1)
        printf("data     %" PRId64 " samples an epoch\n", records->samples_per_epoch);
    run_print_shares(config, records);
}

static Status print_table(const PlanFigures *figures, const Records *records) {
    const Config *config = figures->config;
    const MemoryBudget *budget = figures->budget;
    print_head(config, budget, &figures->memory);
    print_arena("device", &figures->memory.device);
    print_arena("host", &figures->memory.host);
    print_fit(config, budget, &figures->memory, !figures->reason, figures->largest_micro_batch);
    TRY(print_recompute(config, budget));
    print_shares(config, records);
    print_work(figures);
    fflush(stdout);
    return NULL;
}

static Status print_json(const PlanFigures *figures, const char *config_path) {
    char *run_dir;
    TRY(claim_path(figures->config, config_path, &run_dir));
    Status status = plan_json_print(figures, run_dir);
    free(run_dir);
    return status;
}

/* All but whether it fits. */
static Status compute_plan(const Config *config, MemoryBudget *budget, PlanData *data, PlanFigures *figures) {
    int micro_batch;
    *figures = (PlanFigures){.config = config, .budget = budget};
    TRY(memory_check_precision(config, budget));
    TRY(inspect_data(config, budget, data, &figures->steps));
    TRY(inspect_probes(config, budget, &data->hashes));
    TRY(memory_choose_micro_batch(config, budget, 0, &micro_batch));
    TRY(memory_plan(config, budget, micro_batch, &figures->memory));
    TRY(memory_largest_micro_batch(config, budget, INT_MAX, &figures->largest_micro_batch));
    /* Weights, and both moments of the trained parameters. */
    figures->checkpoint = sizeof(float) * (figures->memory.params.total + 2 * figures->memory.params.trained);
    figures->kept = config->checkpoint.keep + keep_at_steps(config, figures->steps).step_count;
    figures->has_data = data->train.count > 0;
    figures->data_hash = data->hashes.train;
    figures->data_count = data->train.count;
    return figures->has_data ? identity_hash(config, &data->hashes, &figures->identity) : NULL;
}

static Status print_plan(const Config *config, const PlanOptions *options, MemoryBudget *budget, PlanData *data) {
    PlanFigures figures;
    TRY(compute_plan(config, budget, data, &figures));
    Status refused = memory_check_fits(config, budget, &figures.memory);
    figures.reason = refused ? status_message(refused) : NULL;
    Status failed = options->json ? print_json(&figures, options->config_path) : print_table(&figures, &data->train);
    if (!failed)
        return refused;
    status_free(refused);
    return failed;
}

Status train_plan(const Config *config, const PlanOptions *options) {
    MemoryBudget budget;
    PlanData data = {0};
    Device *device;
    TRY(objectives_check(config));
    Status status = open_budget(config, options, &device, &budget);
    if (!status)
        status = print_plan(config, options, &budget, &data);
    records_close(&data.train);
    records_close(&data.val);
    device_close(device);
    return status;
}
