/* SPDX-License-Identifier: Apache-2.0 */
#include "model/vit.h"

#include "base/random.h"
#include "model/blocks.h"
#include "model/embedding.h"
#include "model/init.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct Vit {
    ModelShape shape;
    Ops *ops;
    Arena host, arena; /* the lists of parameters and weights; everything on the device */
    Params params;
    int patches, patch_dim;
    int cls_token, pos_embed, norm_weight, norm_bias; /* parameter indices */
    Linear patch_embed, head;
    Stack stack;
    InputSlots slots;
    int32_t *ids;                       /* [batch][patches]: every patch visible, in its place */
    Real *visible, *embedded;           /* [batch][patches][patch_dim | dim] */
    float *pooled, *features, *logits;  /* [batch][dim | dim | outputs] */
    float *mean, *rstd;                 /* [batch] */
    float *weights, *weights_in_memory; /* [outputs], of the device and of the host */
    double *loss;
    float *dlogits, *dfeatures, *dpooled;
    Real *dtokens, *dembedded;
    ModelInput passed; /* of the last forward pass */
};

static void list_vit_params(Vit *vit) {
    const ModelShape *s = &vit->shape;
    Params *p = &vit->params;
    int64_t dim = s->dim;
    int after = s->depth + 1;
    params_freeze(p, s->frozen ? s->frozen + 1 : 0);
    vit->cls_token = params_add(p, "cls_token", true, 0, 3, (int64_t[]){1, 1, dim});
    vit->pos_embed = params_add(p, "pos_embed", true, 0, 3, (int64_t[]){1, 1 + vit->patches, dim});
    vit->patch_embed = patch_embed_add(p, s);
    stack_params(&vit->stack, p);
    /* Of the mean it is another norm than the encoder's, which MAE's weights bring. */
    const bool cls = s->pool == POOL_CLS;
    if (!cls)
        params_freeze(p, 0);
    vit->norm_weight = params_add(p, cls ? "norm.weight" : "fc_norm.weight", true, after, 1, &dim);
    vit->norm_bias = params_add(p, cls ? "norm.bias" : "fc_norm.bias", true, after, 1, &dim);
    params_freeze(p, 0);
    vit->head = linear_add(p, "head", after, s->dim, shape_outputs(s));
    params_add_fresh(p, vit->head.weight);
    params_add_fresh(p, vit->head.bias);
    if (!cls) {
        params_add_fresh(p, vit->norm_weight);
        params_add_fresh(p, vit->norm_bias);
    }
}

static void lay_out_vit(Vit *vit, Arena *host, Arena *arena) {
    const ModelShape *s = &vit->shape;
    const Ops *ops = vit->ops;
    size_t batch = (size_t)s->batch, patches = (size_t)vit->patches, outputs = (size_t)shape_outputs(s);
    size_t real = real_size(ops->type), token = real * (size_t)s->dim, patch = real * (size_t)vit->patch_dim,
           feature = batch * (size_t)s->dim * sizeof(float);
    arena_group(host, "lists of tensors");
    params_begin(&vit->params, host, 8 + 14 * s->depth);
    list_vit_params(vit);
    vit->weights_in_memory = arena_take(host, outputs * sizeof *vit->weights_in_memory);
    vit->params.fp8 = vit->stack.fp8;
    vit->params.fp8_linears = fp8_linears(vit->stack.fp8);
    params_end(&vit->params, arena, ops->device, ops->type);
    arena_group(arena, "encoder's activations");
    stack_place(&vit->stack, arena, ops->type, batch * (1 + patches));
    arena_group(arena, "inputs");
    input_place(&vit->slots, s, ops->device, false, arena);
    vit->ids = arena_take(arena, batch * patches * sizeof *vit->ids);
    arena_group(arena, "patches and predictions");
    vit->visible = arena_take(arena, batch * patches * patch);
    vit->embedded = arena_take(arena, batch * patches * token);
    vit->dembedded = arena_take(arena, batch * patches * token);
    vit->dtokens = arena_take(arena, batch * (1 + patches) * token);
    vit->pooled = arena_take(arena, feature);
    vit->features = arena_take(arena, feature);
    vit->dfeatures = arena_take(arena, feature);
    vit->dpooled = arena_take(arena, feature);
    vit->logits = arena_take(arena, batch * outputs * sizeof(float));
    vit->dlogits = arena_take(arena, batch * outputs * sizeof(float));
    vit->mean = arena_take(arena, batch * sizeof(float));
    vit->rstd = arena_take(arena, batch * sizeof(float));
    vit->weights = arena_take(arena, outputs * sizeof *vit->weights);
    vit->loss = arena_take(arena, sizeof *vit->loss);
}

static Status set_vit_shape(Vit *vit, const ModelShape *shape) {
    TRY(model_check(shape, false));
    vit->shape = *shape;
    vit->patches = shape_patches(shape);
    vit->patch_dim = shape_patch_dim(shape);
    TRY(stack_open(&vit->stack, "blocks", NULL, shape->dim, shape->depth, shape->heads, 1 + vit->patches, shape));
    return shape->fp8 ? stack_use_fp8(&vit->stack, vit->ops, &vit->params) : NULL;
}

Status vit_measure(const ModelShape *shape, RealType type, bool host_memory, Arena *host, Arena *arena,
                   Params *params) {
    const Device device = {.host_memory = host_memory};
    Ops ops = {.device = &device, .type = type};
    Vit vit = {.ops = &ops};
    Status status = set_vit_shape(&vit, shape);
    if (!status) {
        lay_out_vit(&vit, host, arena);
        *params = vit.params;
        params->device = NULL;
        params->fp8 = NULL;
    }
    stack_close(&vit.stack);
    return status;
}

Status vit_open(const ModelShape *shape, Ops *ops, Vit **out) {
    *out = NULL;
    Vit *vit = calloc(1, sizeof *vit);
    if (!vit)
        return status_no_memory("the model", sizeof *vit);
    vit->ops = ops;
    Arena host = {0}, arena = {0};
    Status status = set_vit_shape(vit, shape);
    if (!status) {
        lay_out_vit(vit, &host, &arena);
        status = arena_open(&vit->host, host.used, "the list of parameters");
    }
    if (!status)
        status = device_arena_open(ops->device, &vit->arena, arena.used, "the model's parameters and activations");
    if (!status) {
        lay_out_vit(vit, &vit->host, &vit->arena);
        status = input_number_patches(ops->device, vit->ids, shape->batch, vit->patches);
    }
    for (int i = 0; !status && i < shape_outputs(shape); i++)
        vit->weights_in_memory[i] = 1;
    if (!status)
        status = vit_set_weights(vit, vit->weights_in_memory);
    if (!status)
        status = fp8_reset(vit->stack.fp8);
    if (status) {
        vit_close(vit);
        return status;
    }
    *out = vit;
    return NULL;
}

void vit_close(Vit *vit) {
    if (!vit)
        return;
    device_arena_close(vit->ops->device, &vit->arena);
    arena_close(&vit->host);
    stack_close(&vit->stack);
    free(vit);
}

Params *vit_params(Vit *vit) {
    return &vit->params;
}
const ModelShape *vit_shape(const Vit *vit) {
    return &vit->shape;
}
const float *vit_logits(const Vit *vit) {
    return vit->logits;
}
const float *vit_features(const Vit *vit) {
    return vit->features;
}
const double *vit_loss_memory(const Vit *vit) {
    return vit->loss;
}

Status vit_init(Vit *vit, uint64_t seed) {
    return init_params(&vit->params, &vit->shape, seed, vit->ops);
}

Status vit_set_weights(Vit *vit, const float *weights) {
    const size_t bytes = (size_t)shape_outputs(&vit->shape) * sizeof *weights;
    memmove(vit->weights_in_memory, weights, bytes);
    return device_write(vit->ops->device, vit->weights, weights, bytes);
}

double vit_known(const Vit *vit, const float *labels, int batch) {
    const ModelShape *s = &vit->shape;
    double known = 0;
    for (size_t i = 0; i < (size_t)batch * (size_t)shape_labels(s); i++)
        if (isnan(labels[i]))
            continue;
        else if (s->task == TASK_ORDINAL)
            known += shape_outputs(s);
        else if (s->task != TASK_CLASSIFY)
            known++;
        else if (labels[i] >= 0 && labels[i] < (float)s->classes) /* the loss reports others */
            known += vit->weights_in_memory[(int)labels[i]];
    return known;
}

void vit_draw_keep(const ModelShape *shape, uint64_t seed, uint32_t epoch, uint64_t sample, float *keep) {
    Random random;
    random_start(&random, seed, RANDOM_DROP_PATH, epoch, sample);
    for (int i = 0; i < 2 * shape->depth; i++) {
        const double p = shape->depth > 1 ? shape->drop_path * (i / 2) / (shape->depth - 1) : 0;
        keep[i] = random_uniform(&random) < p ? 0 : (float)(1 / (1 - p));
    }
}

Status vit_upload(Vit *vit, int slot, Stream *stream, const ModelInput *host, ModelInput *input) {
    return input_upload(&vit->slots, slot, stream, host, input);
}

uint64_t vit_uploaded_bytes(const Vit *vit) {
    return vit->slots.uploaded;
}

/* From the pool on operations are in FP32: from here, and until end_head(). */
static RealType begin_head(Ops *ops) {
    const RealType type = ops->type;
    ops->type = REAL_FP32;
    return type;
}
static void end_head(Ops *ops, RealType type) {
    ops->type = type;
}

static void forward_head(const Vit *vit, int batch) {
    Ops *ops = vit->ops;
    const ModelShape *s = &vit->shape;
    const Params *p = &vit->params;
    const RealType type = begin_head(ops);
    ops->norm_forward(ops, &(NormForward){.x = vit->pooled,
                                          .weight = params_value(p, vit->norm_weight),
                                          .bias = params_value(p, vit->norm_bias),
                                          .eps = (float)s->norm_eps,
                                          .y = vit->features,
                                          .mean = vit->mean,
                                          .rstd = vit->rstd,
                                          .rows = batch,
                                          .dim = s->dim});
    ops->linear_forward(ops, &(LinearForward){.x = vit->features,
                                              .w = params_value(p, vit->head.weight),
                                              .bias = params_value(p, vit->head.bias),
                                              .y = vit->logits,
                                              .rows = batch,
                                              .in = s->dim,
                                              .out = shape_outputs(s)});
    end_head(ops, type);
}

void vit_forward(Vit *vit, const ModelInput *input) {
    Ops *ops = vit->ops;
    const ModelShape *s = &vit->shape;
    const Params *p = &vit->params;
    const int batch = input->batch, patches = vit->patches;
    vit->passed = *input;
    ops->device->range_push(ops->device, "forward");
    input_cut(&vit->slots, ops, input, vit->ids, patches, vit->visible, NULL);
    linear_forward(&vit->patch_embed, ops, p,
                   &(LinearPass){.x = vit->visible, .y = vit->embedded, .rows = batch * patches});
    ops->embed_forward(ops, &(EmbedForward){.x = vit->embedded,
                                            .cls = params_value(p, vit->cls_token),
                                            .pos = params_value(p, vit->pos_embed),
                                            .ids = vit->ids,
                                            .out = vit->stack.blocks[0].norm1.sum,
                                            .batch = batch,
                                            .patches = patches,
                                            .keep = patches,
                                            .dim = s->dim});
    vit->stack.keep = input->keep;
    stack_forward(&vit->stack, ops, p, batch);
    stack_pool(&vit->stack, ops, p, s->pool, vit->pooled, batch);
    forward_head(vit, batch);
    ops->device->range_pop(ops->device);
}

/* Of the last forward pass, and the gradient of grad_scale times it (dlogits NULL: not needed). */
static void compute_loss(const Vit *vit, const ModelInput *input, float grad_scale, float *dlogits) {
    Ops *ops = vit->ops;
    const ModelShape *s = &vit->shape;
    const RealType type = begin_head(ops);
    if (s->task == TASK_CLASSIFY)
        ops->cross_entropy_loss(ops, &(CrossEntropyLoss){.logits = vit->logits,
                                                         .labels = input->labels,
                                                         .weights = vit->weights,
                                                         .known = input->known,
                                                         .smoothing = (float)s->label_smoothing,
                                                         .grad_scale = grad_scale,
                                                         .loss = vit->loss,
                                                         .dlogits = dlogits,
                                                         .batch = input->batch,
                                                         .classes = s->classes});
    else if (s->task == TASK_REGRESS)
        ops->regression_loss(ops, &(RegressionLoss){.pred = vit->logits,
                                                    .target = input->labels,
                                                    .known = input->known,
                                                    .grad_scale = grad_scale,
                                                    .loss = vit->loss,
                                                    .dpred = dlogits,
                                                    .batch = input->batch,
                                                    .outputs = s->classes});
    else
        ops->binary_loss(ops, &(BinaryLoss){.logits = vit->logits,
                                            .labels = input->labels,
                                            .ordinal = s->task == TASK_ORDINAL,
                                            .weights = vit->weights,
                                            .known = input->known,
                                            .grad_scale = grad_scale,
                                            .loss = vit->loss,
                                            .dlogits = dlogits,
                                            .batch = input->batch,
                                            .outputs = shape_outputs(s)});
    end_head(ops, type);
}

Status vit_loss(Vit *vit, double *loss) {
    compute_loss(vit, &vit->passed, 1, NULL);
    TRY(ops_error(vit->ops));
    return device_read(vit->ops->device, loss, vit->loss, sizeof *loss);
}

/* From the head to the pool: the head's and the norm's gradients. */
static void backward_head(const Vit *vit, int batch, bool add) {
    Ops *ops = vit->ops;
    const Params *p = &vit->params;
    float *dweight = params_grad(p, vit->norm_weight);
    const RealType type = begin_head(ops);
    const int dim = vit->shape.dim, outputs = shape_outputs(&vit->shape);
    ops->linear_backward_weight(ops, &(LinearBackwardWeight){.dy = vit->dlogits,
                                                             .x = vit->features,
                                                             .dw = params_grad(p, vit->head.weight),
                                                             .dbias = params_grad(p, vit->head.bias),
                                                             .add = add,
                                                             .rows = batch,
                                                             .in = dim,
                                                             .out = outputs});
    if (dweight)
        ops->linear_backward_input(ops, &(LinearBackwardInput){.dy = vit->dlogits,
                                                               .w = params_value(p, vit->head.weight),
                                                               .dx = vit->dfeatures,
                                                               .rows = batch,
                                                               .in = dim,
                                                               .out = outputs});
    if (dweight)
        ops->norm_backward(ops, &(NormBackward){.dy = vit->dfeatures,
                                                .sum = vit->pooled,
                                                .mean = vit->mean,
                                                .rstd = vit->rstd,
                                                .weight = params_value(p, vit->norm_weight),
                                                .dx = vit->dpooled,
                                                .dweight = dweight,
                                                .dbias = params_grad(p, vit->norm_bias),
                                                .add = add,
                                                .rows = batch,
                                                .dim = dim});
    end_head(ops, type);
}

static void backward_embedding(const Vit *vit, int batch, bool add) {
    Ops *ops = vit->ops;
    const Params *p = &vit->params;
    const int patches = vit->patches;
    ops->embed_backward(ops, &(EmbedBackward){.dout = vit->stack.dx,
                                              .ids = vit->ids,
                                              .dx = vit->dembedded,
                                              .dcls = params_grad(p, vit->cls_token),
                                              .dpos = params_grad(p, vit->pos_embed),
                                              .add = add,
                                              .batch = batch,
                                              .patches = patches,
                                              .keep = patches,
                                              .dim = vit->shape.dim});
    linear_backward(&vit->patch_embed, ops, p,
                    &(LinearGradient){.dy = vit->dembedded, .x = vit->visible, .add = add, .rows = batch * patches});
}

void vit_backward(Vit *vit, const ModelInput *input, float grad_scale, bool add) {
    Ops *ops = vit->ops;
    const int batch = input->batch;
    ops->device->range_push(ops->device, "backward");
    compute_loss(vit, input, grad_scale, vit->dlogits);
    backward_head(vit, batch, add);
    if (vit->shape.frozen < vit->shape.depth) {
        ops->pool_backward(ops, &(PoolBackward){.dy = vit->dpooled,
                                                .pool = vit->shape.pool,
                                                .dx = vit->dtokens,
                                                .batch = batch,
                                                .tokens = 1 + vit->patches,
                                                .dim = vit->shape.dim});
        stack_backward(&vit->stack, ops, &vit->params, vit->dtokens, vit->shape.frozen, batch, add);
    }
    if (vit->shape.frozen == 0)
        backward_embedding(vit, batch, add);
    ops->device->range_pop(ops->device);
}

void vit_visit(const Vit *vit, ActivationVisit visit, void *context) {
    const size_t batch = (size_t)vit->passed.batch, patches = (size_t)vit->patches, dim = (size_t)vit->shape.dim;
    const VisitedTensor list[] = {
        {"patches", vit->visible, batch * patches * (size_t)vit->patch_dim, 0, NULL},
        {"patch_embed", vit->embedded, batch * patches * dim, 0, NULL},
        {"pool", vit->pooled, batch * dim, 0, NULL},
        {vit->shape.pool == POOL_CLS ? "norm" : "fc_norm", vit->features, batch * dim, 0, NULL},
        {"head", vit->logits, batch * (size_t)shape_outputs(&vit->shape), 0, NULL}};
    if (!visit(context, &list[0]) || !visit(context, &list[1]) ||
        !stack_visit(&vit->stack, vit->ops, &vit->params, (int)batch, visit, context))
        return;
    const RealType type = begin_head(vit->ops);
    if (visit(context, &list[2]) && visit(context, &list[3]))
        visit(context, &list[4]);
    end_head(vit->ops, type);
}
