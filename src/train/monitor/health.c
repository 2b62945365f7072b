/* SPDX-License-Identifier: Apache-2.0 */
#include "train/monitor/health.h"

#include "model/fp8.h"
#include "train/monitor/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Activations that are visited: of a block eight, beside blocks eight at most. */
enum { BLOCK_ACTIVATIONS = 8, OTHER_ACTIVATIONS = 8 };
/* Attention is looked at in so many samples of the micro-batch: it is quadratic in the tokens, and at 512 px the scores
 * of 64 samples would take half a step of ViT-L (computed). */
enum { ATTENTION_SAMPLES = 4 };

/* What the operations write, in one piece of memory. */
typedef struct {
    TensorSummary *weights, *gradients, *updates; /* [parameters] */
    TensorSummary *activations;                   /* [activations] */
    int32_t *idle;                                /* [blocks] */
    int32_t *peaks;                               /* [blocks][tokens] */
} Results;

/* A parameter that counts among its layer's weights. */
typedef struct {
    int layer, index; /* in the table */
} Weight;

/* A tensor or list that was queued. */
typedef struct {
    int layer;
    size_t count; /* values, units or queries */
    int tokens;   /* of attention */
} Queued;

struct Health {
    Objective *objective;
    Optimizer *optimizer;
    Ops *ops;
    int most, blocks, tokens; /* activations, blocks of both stacks, tokens of a sample */
    LayerFigures *figures;    /* [layer_count] */
    int layer_count, weight_count;
    Weight *weights;                    /* [weight_count] */
    Queued *activations, *idle, *peaks; /* [most], [blocks], [blocks] */
    Arena host, device;
    Results on_host, on_device;
    /* Of the visit under way. */
    int activation_count, idle_count, peaks_count;
};

static void lay_out_results(Results *results, const ModelShape *shape, int parameters, Arena *arena) {
    const size_t blocks = (size_t)shape->depth + (size_t)shape->decoder_depth;
    const size_t activations = BLOCK_ACTIVATIONS * blocks + OTHER_ACTIVATIONS,
                 tokens = 1 + (size_t)shape_patches(shape);
    arena_group(arena, "monitors' figures");
    results->weights = arena_take(arena, (size_t)parameters * sizeof *results->weights);
    results->gradients = arena_take(arena, (size_t)parameters * sizeof *results->gradients);
    results->updates = arena_take(arena, (size_t)parameters * sizeof *results->updates);
    results->activations = arena_take(arena, activations * sizeof *results->activations);
    results->idle = arena_take(arena, blocks * sizeof *results->idle);
    results->peaks = arena_take(arena, blocks * tokens * sizeof *results->peaks);
}

void health_measure(const ModelShape *shape, const Params *params, Arena *host, Arena *device) {
    Results results;
    lay_out_results(&results, shape, params->count, host);
    lay_out_results(&results, shape, params->count, device);
}

static int find_layer(const Health *health, const char *name) {
    int layer = health->layer_count - 1;
    while (layer >= 0 && strcmp(health->figures[layer].name, name) != 0)
        layer--;
    return layer;
}

static bool has_matrix(const Params *params, const char *layer) {
    const size_t length = strlen(layer);
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->list[i];
        if (param->dims > 1 && strncmp(param->name, layer, length) == 0 && param->name[length] == '.')
            return true;
    }
    return false;
}

/* Fixed parameters, which are last, never change. */
static void list_weights(Health *health) {
    const Params *params = health->objective->params;
    for (int i = 0; i < params->count && params->list[i].trainable; i++) {
        char name[64];
        judge_layer_name(params->list[i].name, name);
        int layer = find_layer(health, name);
        if (layer < 0) {
            layer = health->layer_count++;
            memcpy(health->figures[layer].name, name, sizeof name);
        }
        if (params->list[i].dims > 1 || !has_matrix(params, name))
            health->weights[health->weight_count++] = (Weight){.layer = layer, .index = i};
    }
}

static Status open_lists(Health *health) {
    const size_t parameters = (size_t)health->objective->params->count, blocks = (size_t)health->blocks;
    health->weights = calloc(parameters, sizeof *health->weights);
    health->figures = calloc(parameters, sizeof *health->figures);
    health->activations = calloc((size_t)health->most, sizeof *health->activations);
    health->idle = calloc(blocks, sizeof *health->idle);
    health->peaks = calloc(blocks, sizeof *health->peaks);
    if (!health->weights || !health->figures || !health->activations || !health->idle || !health->peaks)
        return status_no_memory("the monitored layers", parameters * sizeof *health->figures);
    return NULL;
}

static Status open_memory(Health *health) {
    const ModelShape *shape = health->objective->shape;
    const int parameters = health->objective->params->count;
    Arena measure = {0};
    lay_out_results(&health->on_host, shape, parameters, &measure);
    TRY(arena_open(&health->host, measure.used, "the monitors' figures"));
    TRY(device_arena_open(health->ops->device, &health->device, measure.used, "the monitors' figures"));
    lay_out_results(&health->on_host, shape, parameters, &health->host);
    lay_out_results(&health->on_device, shape, parameters, &health->device);
    return NULL;
}

Status health_open(Objective *objective, Optimizer *optimizer, Ops *ops, Health **out) {
    *out = NULL;
    Health *health = calloc(1, sizeof *health);
    if (!health)
        return status_no_memory("the monitors", sizeof *health);
    const ModelShape *shape = objective->shape;
    health->objective = objective;
    health->optimizer = optimizer;
    health->ops = ops;
    health->blocks = shape->depth + shape->decoder_depth;
    health->most = BLOCK_ACTIVATIONS * health->blocks + OTHER_ACTIVATIONS;
    health->tokens = 1 + shape_patches(shape);
    Status status = open_lists(health);
    if (!status)
        status = open_memory(health);
    if (status) {
        health_close(health);
        return status;
    }
    list_weights(health);
    *out = health;
    return NULL;
}

void health_close(Health *health) {
    if (!health)
        return;
    device_arena_close(health->ops->device, &health->device);
    arena_close(&health->host);
    free(health->weights);
    free(health->figures);
    free(health->activations);
    free(health->idle);
    free(health->peaks);
    free(health);
}

static void summarise_tensor(const Health *health, const Real *x, RealType type, size_t count, TensorSummary *summary) {
    Ops *ops = health->ops;
    ops->summarise_tensor(ops, &(SummariseTensor){.x = x, .type = type, .count = count, .summary = summary});
}

static bool queue_activation(void *context, const VisitedTensor *tensor) {
    Health *health = context;
    Ops *ops = health->ops;
    const Results *results = &health->on_device;
    char name[64];
    judge_layer_name(tensor->name, name);
    const int layer = find_layer(health, name);
    if (layer < 0) /* it has no parameters, as the patches */
        return true;
    if (health->activation_count < health->most) {
        const int i = health->activation_count++;
        health->activations[i] = (Queued){.layer = layer, .count = tensor->count};
        summarise_tensor(health, tensor->values, ops->type, tensor->count, &results->activations[i]);
    }
    if (tensor->units && health->idle_count < health->blocks) {
        const int i = health->idle_count++, units = tensor->units;
        health->idle[i] = (Queued){.layer = layer, .count = (size_t)units};
        ops->count_idle_units(ops, &(CountIdleUnits){.x = tensor->values,
                                                     .rows = (int)(tensor->count / (size_t)units),
                                                     .columns = units,
                                                     .idle = &results->idle[i]});
    }
    if (tensor->attention && health->peaks_count < health->blocks) {
        const int i = health->peaks_count++;
        const AttentionForward *a = tensor->attention;
        const int samples = a->batch < ATTENTION_SAMPLES ? a->batch : ATTENTION_SAMPLES;
        health->peaks[i] = (Queued){
            .layer = layer, .count = (size_t)samples * (size_t)a->heads * (size_t)a->tokens, .tokens = a->tokens};
        ops->count_attention_peaks(
            ops, &(CountAttentionPeaks){.qkv = a->qkv,
                                        .lse = a->lse,
                                        .batch = samples,
                                        .tokens = a->tokens,
                                        .heads = a->heads,
                                        .head = a->head,
                                        .peaks = results->peaks + (size_t)i * (size_t)health->tokens});
    }
    return true;
}

static void queue_weights(const Health *health) {
    const Params *params = health->objective->params;
    const Results *results = &health->on_device;
    for (int i = 0; i < health->weight_count; i++) {
        const int index = health->weights[i].index;
        const Param *param = &params->list[index];
        summarise_tensor(health, params_value(params, index), REAL_FP32, param->count, &results->weights[i]);
        if (!param_is_trained(param))
            continue;
        summarise_tensor(health, params_grad(params, index), REAL_FP32, param->count, &results->gradients[i]);
        optimizer_summarise(health->optimizer, param->offset, param->count, &results->updates[i]);
    }
}

/* Tensors of a layer together. */
typedef struct {
    TensorSummary all;
    size_t count; /* of values */
    double most;  /* the largest share of zeros in a tensor */
} Sum;

static void add_tensor(Sum *sum, const TensorSummary *summary, size_t count) {
    sum->all.squares += summary->squares;
    sum->all.largest = fmax(sum->all.largest, summary->largest);
    sum->all.nonfinite += summary->nonfinite;
    sum->all.zeros += summary->zeros;
    sum->most = fmax(sum->most, (double)summary->zeros / (double)count);
    sum->count += count;
}

static LayerSpread spread_of(const Sum *sum) {
    const double count = (double)sum->count, finite = count - (double)sum->all.nonfinite;
    if (!sum->count)
        return (LayerSpread){0};
    return (LayerSpread){.known = true,
                         .rms = finite > 0 ? (float)sqrt(sum->all.squares / finite) : 0,
                         .largest = (float)sum->all.largest,
                         .zero = (float)((double)sum->all.zeros / count),
                         .not_finite = (float)((double)sum->all.nonfinite / count)};
}

static void take_weights(const Health *health, int layer) {
    const Params *params = health->objective->params;
    const Results *results = &health->on_host;
    LayerFigures *figures = &health->figures[layer];
    Sum weights = {0}, gradients = {0}, updates = {0};
    for (int i = 0; i < health->weight_count; i++) {
        const Param *param = &params->list[health->weights[i].index];
        if (health->weights[i].layer != layer)
            continue;
        add_tensor(&weights, &results->weights[i], param->count);
        if (!param_is_trained(param))
            continue;
        add_tensor(&gradients, &results->gradients[i], param->count);
        add_tensor(&updates, &results->updates[i], param->count);
    }
    figures->weights = spread_of(&weights);
    figures->gradients = spread_of(&gradients);
    figures->update =
        updates.count && weights.all.squares > 0 ? (float)sqrt(updates.all.squares / weights.all.squares) : NAN;
}

static void take_activations(const Health *health, int layer) {
    Sum sum = {0};
    for (int i = 0; i < health->activation_count; i++)
        if (health->activations[i].layer == layer)
            add_tensor(&sum, &health->on_host.activations[i], health->activations[i].count);
    health->figures[layer].activations = spread_of(&sum);
    health->figures[layer].activations.zero = (float)sum.most;
}

static void take_blocks(const Health *health) {
    for (int layer = 0; layer < health->layer_count; layer++)
        health->figures[layer].peaks = health->figures[layer].same_peak = health->figures[layer].idle = NAN;
    for (int i = 0; i < health->idle_count; i++)
        health->figures[health->idle[i].layer].idle =
            (float)((double)health->on_host.idle[i] / (double)health->idle[i].count);
    for (int i = 0; i < health->peaks_count; i++) {
        const Queued *own = &health->peaks[i];
        const int32_t *peaks = health->on_host.peaks + (size_t)i * (size_t)health->tokens;
        int64_t all = 0, most = 0;
        for (int key = 0; key < own->tokens; key++) {
            all += peaks[key];
            most = peaks[key] > most ? peaks[key] : most;
        }
        health->figures[own->layer].peaks = (float)((double)all / (double)own->count);
        health->figures[own->layer].same_peak = (float)((double)most / (double)own->count);
    }
}

Status health_read(Health *health, const LayerFigures **layers, int *count) {
    Objective *objective = health->objective;
    health->activation_count = health->idle_count = health->peaks_count = 0;
    queue_weights(health);
    fp8_begin(objective->params->fp8); /* for what is computed again, with the scales as they are now */
    objective->visit(objective, queue_activation, health);
    TRY(ops_error(health->ops));
    TRY(device_read(health->ops->device, health->host.base, health->device.base, health->host.used));
    for (int layer = 0; layer < health->layer_count; layer++) {
        take_weights(health, layer);
        take_activations(health, layer);
    }
    take_blocks(health);
    *layers = health->figures;
    *count = health->layer_count;
    return NULL;
}
