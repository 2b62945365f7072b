/* SPDX-License-Identifier: Apache-2.0 */
#include "model/backbone.h"

#include "model/blocks.h"
#include "model/embedding.h"
#include "model/init.h"

#include <stdlib.h>

struct Backbone {
    ModelShape shape;
    Ops *ops;
    Arena host, arena; /* the list of parameters; everything on the device */
    Params params;
    int patches;
    bool has_norm;
    int cls_token, pos_embed; /* parameter indices */
    Linear patch_embed;
    Stack stack;
    InputSlots slots;
    int32_t *ids;             /* [batch][patches]: every patch visible, in its place */
    Real *visible, *embedded; /* [batch][patches][patch_dim | dim] */
    float *pooled, *features; /* [batch][dim] */
    float *mean, *rstd;       /* [batch] */
    float *ones, *zeros;      /* [dim]: a norm without parameters */
    int batch;                /* of the last forward pass */
};

static void list_backbone_params(Backbone *backbone) {
    const ModelShape *s = &backbone->shape;
    Params *p = &backbone->params;
    const int64_t dim = s->dim;
    params_freeze(p, s->depth + 2);
    backbone->cls_token = params_add(p, "cls_token", true, 0, 3, (int64_t[]){1, 1, dim});
    backbone->pos_embed = params_add(p, "pos_embed", true, 0, 3, (int64_t[]){1, 1 + backbone->patches, dim});
    backbone->patch_embed = patch_embed_add(p, s);
    stack_params(&backbone->stack, p);
}

static void lay_out_backbone(Backbone *backbone, Arena *host, Arena *arena) {
    const ModelShape *s = &backbone->shape;
    const Ops *ops = backbone->ops;
    const size_t batch = (size_t)s->batch, patches = (size_t)backbone->patches, dim = (size_t)s->dim;
    const size_t real = real_size(ops->type), feature = batch * dim * sizeof(float);
    params_begin(&backbone->params, host, 6 + 14 * s->depth);
    list_backbone_params(backbone);
    params_end(&backbone->params, arena, ops->device, ops->type);
    stack_place(&backbone->stack, arena, ops->type, batch * (1 + patches));
    input_place(&backbone->slots, s, ops->device, false, arena);
    backbone->ids = arena_take(arena, batch * patches * sizeof *backbone->ids);
    backbone->visible = arena_take(arena, batch * patches * real * (size_t)shape_patch_dim(s));
    backbone->embedded = arena_take(arena, batch * patches * real * dim);
    backbone->pooled = arena_take(arena, feature);
    backbone->features = arena_take(arena, feature);
    backbone->mean = arena_take(arena, batch * sizeof(float));
    backbone->rstd = arena_take(arena, batch * sizeof(float));
    backbone->ones = arena_take(arena, dim * sizeof(float));
    backbone->zeros = arena_take(arena, dim * sizeof(float));
}

static Status set_backbone_shape(Backbone *backbone, const ModelShape *shape, bool norm) {
    /* The encoder alone: no head, no drop-path, no decoder, nothing kept for a backward pass. */
    backbone->shape = (ModelShape){.image_size = shape->image_size,
                                   .patch_size = shape->patch_size,
                                   .dim = shape->dim,
                                   .depth = shape->depth,
                                   .heads = shape->heads,
                                   .mlp_ratio = shape->mlp_ratio,
                                   .norm_eps = shape->norm_eps,
                                   .activation = shape->activation,
                                   .layer_scale = shape->layer_scale,
                                   .task = TASK_REGRESS,
                                   .classes = 1,
                                   .batch = shape->batch};
    const ModelShape *s = &backbone->shape;
    TRY(model_check(s, false));
    backbone->shape.classes = 0;
    backbone->patches = shape_patches(s);
    backbone->has_norm = norm;
    TRY(stack_open(&backbone->stack, "blocks", norm ? "norm" : NULL, s->dim, s->depth, s->heads, 1 + backbone->patches,
                   s));
    backbone->stack.forward_only = true;
    return NULL;
}

Status backbone_measure(const ModelShape *shape, bool norm, RealType type, bool host_memory, Arena *host,
                        Arena *arena) {
    const Device device = {.host_memory = host_memory};
    Ops ops = {.device = &device, .type = type};
    Backbone backbone = {.ops = &ops};
    Status status = set_backbone_shape(&backbone, shape, norm);
    if (!status)
        lay_out_backbone(&backbone, host, arena);
    stack_close(&backbone.stack);
    return status;
}

static Status fill_backbone(Backbone *backbone) {
    const Device *device = backbone->ops->device;
    float *ones = malloc((size_t)backbone->shape.dim * sizeof *ones);
    if (!ones)
        return status_no_memory("the encoder", (size_t)backbone->shape.dim * sizeof *ones);
    for (int i = 0; i < backbone->shape.dim; i++)
        ones[i] = 1;
    Status status = device_write(device, backbone->ones, ones, (size_t)backbone->shape.dim * sizeof *ones);
    free(ones);
    TRY(status);
    return input_number_patches(device, backbone->ids, backbone->shape.batch, backbone->patches);
}

Status backbone_open(const ModelShape *shape, bool norm, Ops *ops, Backbone **out) {
    *out = NULL;
    Backbone *backbone = calloc(1, sizeof *backbone);
    if (!backbone)
        return status_no_memory("the encoder", sizeof *backbone);
    backbone->ops = ops;
    Arena host = {0}, arena = {0};
    Status status = set_backbone_shape(backbone, shape, norm);
    if (!status) {
        lay_out_backbone(backbone, &host, &arena);
        status = arena_open(&backbone->host, host.used, "the list of parameters");
    }
    if (!status)
        status = device_arena_open(ops->device, &backbone->arena, arena.used, "the encoder and its activations");
    if (!status) {
        lay_out_backbone(backbone, &backbone->host, &backbone->arena);
        status = fill_backbone(backbone);
    }
    if (status)
        backbone_close(backbone);
    else
        *out = backbone;
    return status;
}

void backbone_close(Backbone *backbone) {
    if (!backbone)
        return;
    device_arena_close(backbone->ops->device, &backbone->arena);
    arena_close(&backbone->host);
    stack_close(&backbone->stack);
    free(backbone);
}

Params *backbone_params(Backbone *backbone) {
    return &backbone->params;
}

Status backbone_init(Backbone *backbone, uint64_t seed) {
    return init_params(&backbone->params, &backbone->shape, seed, backbone->ops);
}

Status backbone_upload(Backbone *backbone, const ModelInput *host, ModelInput *input) {
    return input_upload(&backbone->slots, 0, NULL, host, input);
}

void backbone_forward(Backbone *backbone, const ModelInput *input) {
    Ops *ops = backbone->ops;
    const Params *p = &backbone->params;
    const int batch = input->batch, patches = backbone->patches;
    backbone->batch = batch;
    ops->device->range_push(ops->device, "encode");
    input_cut(&backbone->slots, ops, input, backbone->ids, patches, backbone->visible, NULL);
    linear_forward(&backbone->patch_embed, ops, p,
                   &(LinearPass){.x = backbone->visible, .y = backbone->embedded, .rows = batch * patches});
    ops->embed_forward(ops, &(EmbedForward){.x = backbone->embedded,
                                            .cls = params_value(p, backbone->cls_token),
                                            .pos = params_value(p, backbone->pos_embed),
                                            .ids = backbone->ids,
                                            .out = backbone->stack.blocks[0].norm1.sum,
                                            .batch = batch,
                                            .patches = patches,
                                            .keep = patches,
                                            .dim = backbone->shape.dim});
    stack_forward(&backbone->stack, ops, p, batch);
    ops->device->range_pop(ops->device);
}

void backbone_forward_watched(Backbone *backbone, const ModelInput *input, ActivationVisit visit, void *context) {
    backbone->stack.watch = visit;
    backbone->stack.watcher = context;
    backbone_forward(backbone, input);
    backbone->stack.watch = NULL;
    backbone->stack.watcher = NULL;
}

/* From the pool on in FP32, as a ViT's head. */
static const float *norm_pooled(Backbone *backbone) {
    Ops *ops = backbone->ops;
    const RealType type = ops->type;
    stack_pool(&backbone->stack, ops, &backbone->params, POOL_MEAN, backbone->pooled, backbone->batch);
    ops->type = REAL_FP32;
    ops->norm_forward(ops, &(NormForward){.x = backbone->pooled,
                                          .weight = backbone->ones,
                                          .bias = backbone->zeros,
                                          .eps = (float)backbone->shape.norm_eps,
                                          .y = backbone->features,
                                          .mean = backbone->mean,
                                          .rstd = backbone->rstd,
                                          .rows = backbone->batch,
                                          .dim = backbone->shape.dim});
    ops->type = type;
    return backbone->features;
}

static const float *pool_normed(Backbone *backbone, Pool pool) {
    Ops *ops = backbone->ops;
    ops->pool_forward(ops, &(PoolForward){.x = backbone->stack.last.y,
                                          .pool = pool,
                                          .y = backbone->pooled,
                                          .batch = backbone->batch,
                                          .tokens = 1 + backbone->patches,
                                          .dim = backbone->shape.dim});
    return backbone->pooled;
}

Status backbone_read(Backbone *backbone, BackbonePool pool, float *features) {
    if (pool != BACKBONE_POOLED && !backbone->has_norm)
        return status_error(EXIT_INTERNAL, "an encoder without its last norm was asked for its tokens after it");
    const float *found = pool == BACKBONE_POOLED ? norm_pooled(backbone)
                                                 : pool_normed(backbone, pool == BACKBONE_CLS ? POOL_CLS : POOL_MEAN);
    TRY(ops_error(backbone->ops));
    return device_read(backbone->ops->device, features, found,
                       (size_t)backbone->batch * (size_t)backbone->shape.dim * sizeof *features);
}
