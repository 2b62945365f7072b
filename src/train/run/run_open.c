/* SPDX-License-Identifier: Apache-2.0 */
#include "train/run/run_open.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/lease.h"
#include "base/threads.h"
#include "checkpoint/read.h"
#include "cost/flops.h"
#include "cost/peak.h"
#include "data/records_disjoint.h"
#include "device/open.h"
#include "pack/derived.h"
#include "train/keep_at.h"
#include "train/memory/memory_fit.h"
#include "train/objective/model_shape.h"
#include "train/objective/objectives.h"
#include "train/run/checkpoint_interval.h"
#include "train/run/claim.h"
#include "train/run/first_weights.h"
#include "train/run/run_length.h"
#include "train/run/run_loader.h"
#include "train/run/run_report.h"
#include "train/run/run_summary.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Names the two commands that start a first run. */
static Status refuse_missing_data(const Config *config, const TrainOptions *options) {
    const bool given = config->data.train[0] != '\0';
    struct stat st;
    if (config->data.train[0] && stat(config->data.train, &st) != 0 && errno == EACCES)
        return status_error(EXIT_DATA, "data.train: %s cannot be accessed: %s", config->data.train, strerror(errno));
    return status_error(EXIT_DATA,
                        "data.train%s%s; give a folder of images or a pack, or draw images: `make demo`, then `./train "
                        "%s --set data.train=demo/data/train --set data.val=demo/data/val`",
                        given ? ": there is no folder " : " is not set", config->data.train, options->config_path);
}

bool run_has_images(const char *text) {
    return files_exists(text) || strchr(text, ',');
}

Status run_open_training_records(const Config *config, Records *records) {
    Status status = records_open(config->data.train, config->data.weights, config->data.splits, records);
    return status_code(status) == EXIT_USAGE ? status_append(status, " (data.weights)") : status;
}

static Status open_records(Run *run) {
    const Config *config = run->config;
    TRY(run_open_training_records(config, &run->train));
    if (config->data.val[0]) {
        TRY(records_open(config->data.val, "", RECORDS_VAL, &run->val));
        Status status = run->options->labels ? NULL : records_check_disjoint(&run->train, &run->val);
        TRY(status_append(status, run->train.part_count ? " (data.splits = train)" : " (data.train, data.val)"));
    }
    const ObjectiveKind *objective = objectives_find(config);
    if (objective->read)
        TRY(objective->read(config, &run->train, &run->val, run->options->labels, &run->targets));
    run->state.data_hash = run->train.hash ^ run->targets.train.hash;
    run->state.data_count = run->train.count;
    return NULL;
}

/* Images that are drawn of licensed packs are listed in them, which has to be possible before there are any. */
static Status check_registry(const Run *run, const Records *records) {
    Status status = NULL;
    for (int part = 0; part < records->part_count && run->config->log.recon_licensed && !status; part++)
        if (records->parts[part].pack.info.licensed)
            status = pack_derived_check(records->parts[part].pack.directory);
    return status_append(status, ": images of licensed data are listed there (derived.tsv); get write access, or set "
                                 "log.recon_licensed = off");
}

Status run_open_device(const Config *config, FILE *notes, Device **device) {
    char *note = NULL;
    TRY(device_open(config->train.device, device, &note));
    if (note)
        fprintf(notes, "%s\n", note);
    free(note);
    return NULL;
}

static Status open_device(Run *run) {
    const Config *config = run->config;
    TRY(run_open_device(config, stdout, &run->device));
    run->device->operations(run->device, config->train.threads ? (int)config->train.threads : threads_available(),
                            &run->ops);
    run->ops.type = model_shape_type(config);
    return NULL;
}

static Status open_budget(const Run *run, MemoryBudget *budget) {
    TRY(memory_budget_open(run->device, budget));
    memory_budget_records(budget, run->config, &run->train);
    budget->classes = run->targets.classes;
    budget->val_images = run->val.count;
    budget->probe_images[0] = run->probe.train.records.count;
    budget->probe_images[1] = run->probe.val.records.count;
    return NULL;
}

/* Chooses the micro-batch and checks that the whole run fits into memory. */
static Status plan_memory(Run *run, const MemoryBudget *budget, MemoryPlan *plan) {
    const Config *config = run->config;
    const int kept = run->earlier.micro_batch;
    int micro_batch;
    TRY(memory_check_precision(config, budget));
    TRY(memory_choose_micro_batch(config, budget, kept, &micro_batch));
    TRY(memory_plan(config, budget, micro_batch, plan));
    TRY(memory_check_fits(config, budget, plan));
    if (config->train.micro_batch != CONFIG_AUTO) {
        if (kept && micro_batch != kept)
            printf(
                "train.micro_batch: %d images at a time, %d before: the order of summation changes from this step on\n",
                micro_batch, kept);
        return NULL;
    }
    printf("train.micro_batch = auto: %d of %" PRId64 " images at a time, %.1f MB (computed) of %.1f MB free%s\n",
           micro_batch, config->train.global_batch, (double)memory_needed(plan, budget) / 1e6,
           (double)budget->free / 1e6, micro_batch == kept ? ", as before" : "");
    if (kept && micro_batch != kept)
        printf("the previous micro-batch, %d, no longer fits: the order of summation changes from this step on\n",
               kept);
    return NULL;
}

/* Adds the micro-batch that fits now: another process may have taken memory that was free a moment ago. */
static Status name_largest_batch(const Run *run, int micro_batch, Status failure) {
    MemoryBudget budget;
    int largest = 0;
    Status status = open_budget(run, &budget);
    if (!status)
        status = memory_largest_micro_batch(run->config, &budget, micro_batch, &largest);
    if (!status && largest > 0)
        return status_append(failure, "; the largest train.micro_batch that fits now is %d", largest);
    if (status_code(status) != EXIT_NO_MEMORY) {
        status_free(status);
        return failure;
    }
    status_free(failure);
    return status;
}

static Status open_model(Run *run) {
    const Config *config = run->config;
    MemoryBudget budget;
    MemoryPlan plan;
    TRY(open_budget(run, &budget));
    TRY(plan_memory(run, &budget, &plan));
    const int micro_batch = plan.micro_batch;
    ModelShape shape = model_shape_of(config, micro_batch);
    memory_budget_to_shape(&budget, &shape);
    const ObjectiveKind *objective = objectives_find(config);
    const ObjectiveOptions own = {.shape = shape,
                                  .global_batch = (int)config->train.global_batch,
                                  .seed = (uint64_t)config->train.seed,
                                  .targets = &run->targets,
                                  .look = {.jitter = config->data.jitter, .erase = config->data.erase}};
    Status status = objective->open(&own, &run->ops, &run->objective);
    if (status_code(status) == EXIT_NO_MEMORY)
        status = name_largest_batch(run, micro_batch, status);
    if (status)
        return status;
    run->micro_batch = micro_batch;
    OptimizerOptions options = {.beta1 = config->optim.beta1,
                                .beta2 = config->optim.beta2,
                                .eps = config->optim.eps,
                                .weight_decay = config->optim.weight_decay,
                                .l2sp = config->optim.l2sp,
                                .clip = config->optim.clip,
                                .layer_decay = config->optim.layer_decay,
                                .layers = shape.depth,
                                .decay_tokens = objective->decay_tokens};
    TRY(optimizer_open(&options, run->objective->params, &run->ops, &run->optimizer));
    return run->device->reserve_scratch(run->device, plan.scratch);
}

/* Reads the newest checkpoint, if the run has one, and checks that the data has not changed since. */
static Status read_checkpoint(Run *run, const ClaimChanges *changes) {
    uint64_t data_hash = run->state.data_hash, config_hash = run->state.config_hash;
    int64_t data_count = run->state.data_count;
    bool found;
    char *note = NULL;
    Status status = checkpoint_read(run->directory.checkpoints, run->objective->params, &run->state, &found, &note);
    if (note)
        printf("%s\n", note);
    free(note);
    if (status)
        return status;
    if (!found) {
        printf("no checkpoint in %s: starting from step 0\n", run->directory.path);
        return NULL;
    }
    params_round(run->objective->params, &run->ops);
    if (run->state.data_hash != data_hash || run->state.data_count != data_count)
        return status_error(
            EXIT_DATA,
            "cannot resume: the images in %s have changed since step %" PRId64 " of %s (%" PRId64 " then, %" PRId64
            " now, or other names, sizes, splits, weights or labels); restore them, or start a new run in another "
            "run.dir",
            run->train.text, run->state.step, run->directory.path, run->state.data_count, data_count);
    run->state.config_hash = config_hash;
    run->state.has_metric = run->config->val.metric[0] != '\0';
    if (changes->validation) {
        run->state.val_loss = run->state.best_val_loss = NAN;
        run->state.val_metric = run->state.best_val_metric = NAN;
        run->state.best_step = -1;
        printf(
            "data.val, val.images, val.metric or the probe differ from the stored run's: what was the best checkpoint "
            "is forgotten\n");
    }
    printf("resuming from step %" PRId64 " of %s\n", run->state.step, run->directory.path);
    return NULL;
}

Status run_open_step(Run *run, bool capture) {
    const Config *config = run->config;
    const StepOptions options = {.objective = run->objective,
                                 .optimizer = run->optimizer,
                                 .ops = &run->ops,
                                 .global_batch = (int)config->train.global_batch,
                                 .micro_batch = run->micro_batch,
                                 .spike = config->guard.spike,
                                 .settled = STEP_MEAN_SETTLED,
                                 .capture = capture,
                                 .cached_records = loader_device_records(run->loader),
                                 .cached_count = run->train.count};
    step_close(run->step);
    run->step = NULL;
    TRY(step_open(&options, &run->step));
    return step_start(run->step, run->state.step, run->state.loss_mean);
}

/* Another processor or library rounds differently. */
static void print_new_device(const Run *run) {
    const RunSummary *earlier = &run->earlier;
    const RunRecord *record = &run->record;
    if (*earlier->backend && (strcmp(earlier->backend, record->backend) || strcmp(earlier->device, record->device)))
        printf("the run was on %s (%s) and is now on %s (%s): results may round differently from this step on\n",
               earlier->backend, earlier->device, record->backend, record->device);
}

static void begin_run(Run *run, const Config *config, const TrainOptions *options) {
    *run = (Run){.config = config,
                 .options = options,
                 .opened = clock_now(),
                 .directory = {.lock = -1},
                 .monitor = {.metrics = {.descriptor = -1}},
                 .state = {.val_loss = NAN,
                           .best_val_loss = NAN,
                           .best_step = -1,
                           .loss_mean = NAN,
                           .has_metric = config->val.metric[0] != '\0',
                           .val_metric = NAN,
                           .best_val_metric = NAN},
                 .last_loss = NAN,
                 .written_step = -1,
                 .validated_step = -1,
                 .drawn_step = -1};
}

Status run_open(Run *run, const Config *config, const TrainOptions *options) {
    begin_run(run, config, options);
    run_record_begin(&run->record);
    ClaimChanges changes;
    TRY(lease_check());
    TRY(objectives_check(config));
    if (!run_has_images(config->data.train))
        return refuse_missing_data(config, options);
    TRY(claim_open(&run->directory, config, options, &changes));
    if (options->resume)
        run_summary_read_any(run->directory.record, &run->earlier);
    TRY(open_records(run));
    TRY(online_probe_open(config, &run->train, &run->targets, &run->probe));
    TRY(check_registry(run, &run->train));
    TRY(check_registry(run, &run->val));
    TRY(config_hash(&train_config, config, &run->state.config_hash));
    TRY(open_device(run));
    TRY(tune_open(&run->tune, config, run->device, run->directory.path, options->resume));
    TRY(open_model(run));
    TRY(first_weights_read(run));
    if (options->resume)
        TRY(read_checkpoint(run, &changes));
    TRY(run_loader_open(run));
    TRY(run_loader_open_images(run));
    TRY(run_open_step(run, config->train.capture));
    run->record.monitored = config->monitor.every > 0;
    if (run->record.monitored)
        TRY(layer_watch_open(&run->layers, run->objective, run->optimizer, &run->ops));
    TRY(run_length_plan(run));
    TRY(run_length_extend(run));

    /* From here on the disk changes. */
    TRY(claim_create(&run->directory, config, options->force));
    TRY(gpu_watch_open(run->device->pci, &run->gpu));
    TRY(run_begin_record(run));
    print_new_device(run);
    TRY(run_record_continue(&run->record, run->directory.record, run->state.step, run->state.next_batch));
    run->last_loss = run->record.final_loss;
    run->recording = true;
    TRY(run_write_record(run));
    TRY(monitor_open(&run->monitor, run->directory.metrics, config->log.every, run->total_steps,
                     (int)config->train.global_batch, run->state.step));
    TRY(layer_watch_continue(&run->layers, &run->monitor, &run->earlier, run->state.next_batch));
    const char *why;
    run->monitor.gpu = run->gpu;
    run->monitor.mfu_per_rate = flops_mfu(run->objective->shape, 1, peak_flops(run->device, run->ops.type, &why));
    run->keep = keep_at_steps(config, run->total_steps);
    TRY(checkpoint_writer_open(run->directory.checkpoints, run->objective->params, &run->keep, &run->writer));
    checkpoint_interval_open(run);
    if (run->state.step > 0)
        run->written_step = run->state.step;
    run_print_summary(run);
    return NULL;
}

Status run_open_bare(Run *run, const Config *config, const TrainOptions *options) {
    begin_run(run, config, options);
    TRY(objectives_check(config));
    if (!run_has_images(config->data.train))
        return refuse_missing_data(config, options);
    TRY(open_records(run));
    return open_device(run);
}

Status run_open_parts(Run *run) {
    TRY(open_model(run));
    TRY(run_loader_open(run));
    return run_length_plan(run);
}

void run_close(Run *run) {
    step_close(run->step);
    layer_watch_close(&run->layers);
    checkpoint_writer_close(run->writer);
    loader_close(run->loader);
    monitor_close(&run->monitor);
    gpu_watch_close(run->gpu);
    optimizer_close(run->optimizer);
    evaluation_images_close(&run->images);
    online_probe_close(&run->probe);
    if (run->objective)
        run->objective->close(run->objective);
    status_free(ops_error(&run->ops));
    tune_close(&run->tune);
    device_close(run->device);
    targets_close(&run->targets);
    records_close(&run->train);
    records_close(&run->val);
    run_directory_close(&run->directory);
    run_record_close(&run->record);
    run_summary_close(&run->earlier);
    free(run->batch_records);
}
