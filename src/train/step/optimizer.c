/* SPDX-License-Identifier: Apache-2.0 */
#include "train/optimizer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct Optimizer {
    OptimizerOptions options;
    Params *params;
    Ops *ops;
    int count;
    int64_t head_steps;     /* in which only the head is updated */
    bool head_only;         /* what the segments say */
    Arena memory;           /* of the device, for: */
    AdamwSegment *segments; /* one for each trained tensor */
    AdamwValues *values;
    float *norm;
    float *first;        /* [trained]; NULL without l2sp */
    AdamwValues *staged; /* [OPTIMIZER_MAX_IN_FLIGHT], pinned: copied to `values` */
};

static AdamwDecay decay_of(const OptimizerOptions *options, const Param *param) {
    const char *dot = strrchr(param->name, '.');
    if (options->l2sp > 0 && !param->fresh)
        return DECAY_FIRST;
    if (param->dims <= 1 || (dot && strcmp(dot, ".bias") == 0))
        return DECAY_NONE;
    bool token = strcmp(param->name, "cls_token") == 0 || strcmp(param->name, "pos_embed") == 0;
    return options->decay_tokens || !token ? DECAY_ZERO : DECAY_NONE;
}

/* Fills the list of segments, in host memory. */
static void list_segments(Optimizer *optimizer, AdamwSegment *segments) {
    optimizer->count = 0;
    const OptimizerOptions *options = &optimizer->options;
    const Params *params = optimizer->params;
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->list[i];
        if (param_is_trained(param))
            segments[optimizer->count++] =
                (AdamwSegment){.offset = param->offset,
                               .count = param->count,
                               .lr_scale = optimizer->head_only && param->layer <= options->layers
                                               ? 0
                                               : (float)pow(options->layer_decay, options->layers + 1 - param->layer),
                               .decay = decay_of(options, param)};
    }
}

static void lay_out_optimizer(Optimizer *optimizer, Arena *memory) {
    arena_group(memory, "optimizer's lists");
    optimizer->segments = arena_take(memory, (size_t)optimizer->params->count * sizeof *optimizer->segments);
    optimizer->values = arena_take(memory, sizeof *optimizer->values);
    optimizer->norm = arena_take(memory, sizeof *optimizer->norm);
    arena_group(memory, "first values");
    optimizer->first =
        optimizer->options.l2sp > 0 ? arena_take(memory, optimizer->params->trained * sizeof(float)) : NULL;
}

void optimizer_measure(const OptimizerOptions *options, const Params *params, Arena *host, Arena *memory) {
    Params table = *params;
    Optimizer optimizer = {.options = *options, .params = &table};
    lay_out_optimizer(&optimizer, memory);
    arena_group(host, "optimizer's values");
    arena_take(host, OPTIMIZER_MAX_IN_FLIGHT * sizeof *optimizer.staged);
}

/* Writes the list of segments to the device, by what the parameters are now. */
static Status write_segments(Optimizer *optimizer) {
    const size_t most = (size_t)optimizer->params->count * sizeof *optimizer->segments;
    AdamwSegment *segments = malloc(most);
    if (!segments)
        return status_no_memory("the optimizer's parameter groups", most);
    list_segments(optimizer, segments);
    Status status = device_write(optimizer->ops->device, optimizer->segments, segments,
                                 (size_t)optimizer->count * sizeof *segments);
    free(segments);
    return status;
}

static Status prepare_optimizer(Optimizer *optimizer) {
    const Device *device = optimizer->ops->device;
    Arena measure = {0};
    lay_out_optimizer(optimizer, &measure);
    TRY(device_arena_open(device, &optimizer->memory, measure.used, "the optimizer's parameter groups"));
    lay_out_optimizer(optimizer, &optimizer->memory);
    TRY(device->allocate_pinned(device, OPTIMIZER_MAX_IN_FLIGHT * sizeof *optimizer->staged, "the optimizer's values",
                                (void **)&optimizer->staged));
    return optimizer_keep_first(optimizer);
}

Status optimizer_open(const OptimizerOptions *options, Params *params, Ops *ops, Optimizer **out) {
    *out = NULL;
    Optimizer *optimizer = calloc(1, sizeof *optimizer);
    if (!optimizer)
        return status_no_memory("the optimizer", sizeof *optimizer);
    *optimizer = (Optimizer){.options = *options, .params = params, .ops = ops};
    Status status = prepare_optimizer(optimizer);
    if (status)
        optimizer_close(optimizer);
    else
        *out = optimizer;
    return status;
}

Status optimizer_keep_first(Optimizer *optimizer) {
    const Params *params = optimizer->params;
    const Device *device = optimizer->ops->device;
    TRY(write_segments(optimizer));
    return optimizer->first ? device->copy(device, NULL, optimizer->first, params->value,
                                           params->trained * sizeof *params->value, COPY_ON_DEVICE)
                            : NULL;
}

void optimizer_close(Optimizer *optimizer) {
    if (!optimizer)
        return;
    if (optimizer->ops) {
        const Device *device = optimizer->ops->device;
        device->release_pinned(device, optimizer->staged);
        device_arena_close(device, &optimizer->memory);
    }
    free(optimizer);
}

void optimizer_head_first(Optimizer *optimizer, int64_t steps) {
    optimizer->head_steps = steps;
}

/* Lets the head alone be updated, or all. Waits: it happens once or twice in a run. */
static Status choose_updated(Optimizer *optimizer, bool head_only) {
    if (optimizer->head_only == head_only)
        return NULL;
    optimizer->head_only = head_only;
    return write_segments(optimizer);
}

Status optimizer_set(Optimizer *optimizer, double lr, int64_t step) {
    TRY(choose_updated(optimizer, step <= optimizer->head_steps));
    const OptimizerOptions *o = &optimizer->options;
    const Device *device = optimizer->ops->device;
    AdamwValues *values = &optimizer->staged[step % OPTIMIZER_MAX_IN_FLIGHT];
    *values = (AdamwValues){.lr = (float)lr,
                            .eps = (float)o->eps,
                            .weight_decay = (float)o->weight_decay,
                            .l2sp = (float)o->l2sp,
                            .weight1 = (float)(1 - o->beta1),
                            .weight2 = (float)(1 - o->beta2),
                            .bias1 = (float)(1 - pow(o->beta1, (double)step)),
                            .bias2 = (float)(1 - pow(o->beta2, (double)step)),
                            .clip = (float)o->clip};
    return device->copy(device, NULL, optimizer->values, values, sizeof *values, COPY_TO_DEVICE);
}

const float *optimizer_norm(Optimizer *optimizer) {
    Ops *ops = optimizer->ops;
    ops->global_norm(
        ops, &(GlobalNorm){.x = optimizer->params->grad, .count = optimizer->params->trained, .norm = optimizer->norm});
    return optimizer->norm;
}

void optimizer_apply(Optimizer *optimizer, const float *gate) {
    const Params *params = optimizer->params;
    Ops *ops = optimizer->ops;
    ops->adamw(ops, &(Adamw){.param = params->value,
                             .first = optimizer->first,
                             .rounded = params->rounded,
                             .grad = params->grad,
                             .m = params->m,
                             .v = params->v,
                             .count = params->trained,
                             .segments = optimizer->segments,
                             .segment_count = optimizer->count,
                             .values = optimizer->values,
                             .norm = gate});
}

void optimizer_summarise(const Optimizer *optimizer, size_t offset, size_t count, TensorSummary *summary) {
    const Params *params = optimizer->params;
    Ops *ops = optimizer->ops;
    ops->summarise_update(ops, &(SummariseUpdate){.param = params->value,
                                                  .first = optimizer->first,
                                                  .m = params->m,
                                                  .v = params->v,
                                                  .offset = offset,
                                                  .count = count,
                                                  .segments = optimizer->segments,
                                                  .segment_count = optimizer->count,
                                                  .values = optimizer->values,
                                                  .norm = optimizer->norm,
                                                  .summary = summary});
}

Status optimizer_step(Optimizer *optimizer, double lr, int64_t step, float *norm) {
    const Device *device = optimizer->ops->device;
    TRY(optimizer_set(optimizer, lr, step));
    optimizer_apply(optimizer, optimizer_norm(optimizer));
    TRY(ops_error(optimizer->ops));
    return device_read(device, norm, optimizer->norm, sizeof *norm);
}

double schedule_lr(const Schedule *schedule, int64_t step) {
    const double pi = 3.14159265358979323846;
    const bool held = schedule->held_from && step >= schedule->held_from;
    double at = (double)(held ? schedule->held_from - 1 : step);
    if (at < schedule->warmup_steps)
        return schedule->peak_lr * at / schedule->warmup_steps;
    double progress = (at - schedule->warmup_steps) / (schedule->total_steps - schedule->warmup_steps);
    return schedule->min_lr + (schedule->peak_lr - schedule->min_lr) * 0.5 * (1 + cos(pi * fmin(progress, 1)));
}
