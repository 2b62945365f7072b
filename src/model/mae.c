/* SPDX-License-Identifier: Apache-2.0 */
#include "model/mae.h"

#include "model/blocks.h"
#include "model/embedding.h"
#include "model/init.h"

#include <stdlib.h>

struct Mae {
    ModelShape shape;
    Ops *ops;
    Arena host, arena; /* the list of parameters; everything on the device */
    Params params;
    int patches, keep, patch_dim;
    int cls_token, mask_token, pos_embed, decoder_pos; /* parameter indices */
    Linear patch_embed, decoder_embed, decoder_pred;
    Stack encoder, decoder;
    InputSlots slots;
    Real *visible;            /* [batch][keep][patch_dim] */
    float *target;            /* [batch][patches - keep][patch_dim] */
    Real *embedded;           /* [batch][keep][dim] */
    Real *decoder_in;         /* [batch][1 + keep][decoder_dim] */
    Real *pred, *dpred;       /* [batch][1 + patches][patch_dim] */
    Real *ddecoder, *dlatent; /* gradients of the two stacks' inputs and outputs */
    double *loss;
    int32_t *whole_ids; /* [mae_whole_batch()][patches]: every patch visible, in its place; NULL: no whole images */
    float *pooled;      /* [mae_whole_batch()][dim] of whole images */
    /* Of the last forward pass. */
    int batch;
    const int32_t *passed_ids;
};

static bool comes_after(const float *noise, int32_t a, int32_t b) {
    return noise[a] > noise[b] || (noise[a] == noise[b] && a > b);
}

/* Moves ids[root] down to its place in the heap of the first `count`, largest on top. */
static void sink_id(const float *noise, int32_t *ids, int root, int count) {
    int32_t id = ids[root];
    for (int child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && comes_after(noise, ids[child + 1], ids[child]))
            child++;
        if (!comes_after(noise, ids[child], id))
            break;
        ids[root] = ids[child];
    }
    ids[root] = id;
}

void mae_shuffle(const float *noise, int patches, int32_t *ids) {
    /* Heapsort: no memory, and n log n for the thousand patches of a large image. */
    for (int i = 0; i < patches; i++)
        ids[i] = i;
    for (int i = patches / 2 - 1; i >= 0; i--)
        sink_id(noise, ids, i, patches);
    for (int last = patches - 1; last > 0; last--) {
        int32_t largest = ids[0];
        ids[0] = ids[last];
        ids[last] = largest;
        sink_id(noise, ids, 0, last);
    }
}

/* Parameters in the order of computation; the fixed position embeddings last. */
static void list_mae_params(Mae *mae) {
    const ModelShape *s = &mae->shape;
    Params *p = &mae->params;
    const int64_t dim = s->dim, ddim = s->decoder_dim, tokens = 1 + mae->patches;
    const int after = s->depth + 1;
    mae->cls_token = params_add(p, "cls_token", true, 0, 3, (int64_t[]){1, 1, dim});
    mae->mask_token = params_add(p, "mask_token", true, after, 3, (int64_t[]){1, 1, ddim});
    mae->patch_embed = patch_embed_add(p, s);
    stack_params(&mae->encoder, p);
    mae->decoder_embed = linear_add(p, "decoder_embed", after, s->dim, s->decoder_dim);
    stack_params(&mae->decoder, p);
    mae->decoder_pred = linear_add(p, "decoder_pred", after, s->decoder_dim, mae->patch_dim);
    mae->pos_embed = params_add(p, "pos_embed", false, 0, 3, (int64_t[]){1, tokens, dim});
    mae->decoder_pos = params_add(p, "decoder_pos_embed", false, 0, 3, (int64_t[]){1, tokens, ddim});
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static int count_visible(const ModelShape *shape) {
    return (int)(shape_patches(shape) * (1 - shape->mask_ratio));
}

int mae_whole_batch(const ModelShape *shape) {
    const int64_t tokens = (int64_t)shape->batch * (1 + count_visible(shape)), whole = 1 + shape_patches(shape);
    return tokens < whole ? 1 : (int)(tokens / whole);
}

/* All that the model has on the device: parameters, activations, gradients. */
static void lay_out_mae(Mae *mae, Arena *host, Arena *arena) {
    const ModelShape *s = &mae->shape;
    const Ops *ops = mae->ops;
    size_t batch = (size_t)s->batch, keep = (size_t)mae->keep, patches = (size_t)mae->patches;
    size_t whole = s->whole ? (size_t)mae_whole_batch(s) : 0, shown = larger(batch * keep, whole * patches);
    size_t real = real_size(ops->type), values = (size_t)mae->patch_dim, patch = real * values,
           token = real * (size_t)s->dim, dtoken = real * (size_t)s->decoder_dim;
    arena_group(host, "lists of tensors");
    params_begin(&mae->params, host, 12 + 12 * (s->depth + s->decoder_depth) + 4);
    list_mae_params(mae);
    mae->params.fp8 = mae->encoder.fp8;
    mae->params.fp8_linears = fp8_linears(mae->encoder.fp8);
    params_end(&mae->params, arena, ops->device, ops->type);
    arena_group(arena, "encoder's activations");
    stack_place(&mae->encoder, arena, ops->type, larger(batch * (1 + keep), whole * (1 + patches)));
    arena_group(arena, "decoder's activations");
    stack_place(&mae->decoder, arena, ops->type, batch * (1 + patches));
    arena_group(arena, "inputs");
    input_place(&mae->slots, s, ops->device, true, arena);
    arena_group(arena, "patches and predictions");
    mae->visible = arena_take(arena, shown * patch);
    mae->target = arena_take(arena, batch * (patches - keep) * values * sizeof *mae->target);
    mae->embedded = arena_take(arena, shown * token);
    mae->decoder_in = arena_take(arena, batch * (1 + keep) * dtoken);
    mae->pred = arena_take(arena, batch * (1 + patches) * patch);
    mae->dpred = arena_take(arena, batch * (1 + patches) * patch);
    mae->ddecoder = arena_take(arena, batch * (1 + patches) * dtoken);
    mae->dlatent = arena_take(arena, batch * (1 + keep) * token);
    mae->loss = arena_take(arena, sizeof *mae->loss);
    mae->whole_ids = whole ? arena_take(arena, whole * patches * sizeof *mae->whole_ids) : NULL;
    mae->pooled = whole ? arena_take(arena, whole * (size_t)s->dim * sizeof *mae->pooled) : NULL;
}

static Status set_mae_shape(Mae *mae, const ModelShape *shape) {
    TRY(model_check(shape, true));
    mae->shape = *shape;
    mae->patches = shape_patches(shape);
    mae->keep = count_visible(shape);
    mae->patch_dim = shape_patch_dim(shape);
    TRY(stack_open(&mae->encoder, "blocks", "norm", shape->dim, shape->depth, shape->heads, 1 + mae->keep, shape));
    if (shape->fp8)
        TRY(stack_use_fp8(&mae->encoder, mae->ops, &mae->params));
    return stack_open(&mae->decoder, "decoder_blocks", "decoder_norm", shape->decoder_dim, shape->decoder_depth,
                      shape->decoder_heads, 1 + mae->patches, shape);
}

Status mae_measure(const ModelShape *shape, RealType type, bool host_memory, Arena *host, Arena *arena,
                   Params *params) {
    const Device device = {.host_memory = host_memory};
    Ops ops = {.device = &device, .type = type};
    Mae mae = {.ops = &ops};
    Status status = set_mae_shape(&mae, shape);
    if (!status) {
        lay_out_mae(&mae, host, arena);
        *params = mae.params;
        params->device = NULL;
        params->fp8 = NULL;
    }
    stack_close(&mae.encoder);
    stack_close(&mae.decoder);
    return status;
}

Status mae_open(const ModelShape *shape, Ops *ops, Mae **out) {
    *out = NULL;
    Mae *mae = calloc(1, sizeof *mae);
    if (!mae)
        return status_no_memory("the model", sizeof *mae);
    mae->ops = ops;
    Arena host = {0}, arena = {0};
    Status status = set_mae_shape(mae, shape);
    if (!status) {
        lay_out_mae(mae, &host, &arena);
        status = arena_open(&mae->host, host.used, "the list of parameters");
    }
    if (!status)
        status = device_arena_open(ops->device, &mae->arena, arena.used, "the model's parameters and activations");
    if (status) {
        mae_close(mae);
        return status;
    }
    lay_out_mae(mae, &mae->host, &mae->arena);
    status = fp8_reset(mae->encoder.fp8);
    if (!status && shape->whole)
        status = input_number_patches(ops->device, mae->whole_ids, mae_whole_batch(shape), mae->patches);
    if (status) {
        mae_close(mae);
        return status;
    }
    *out = mae;
    return NULL;
}

void mae_close(Mae *mae) {
    if (!mae)
        return;
    device_arena_close(mae->ops->device, &mae->arena);
    arena_close(&mae->host);
    stack_close(&mae->encoder);
    stack_close(&mae->decoder);
    free(mae);
}

Params *mae_params(Mae *mae) {
    return &mae->params;
}
const ModelShape *mae_shape(const Mae *mae) {
    return &mae->shape;
}
int mae_patches(const Mae *mae) {
    return mae->patches;
}
int mae_keep(const Mae *mae) {
    return mae->keep;
}
const Real *mae_prediction(const Mae *mae) {
    return mae->pred;
}
const Real *mae_latent(const Mae *mae) {
    return mae->encoder.last.y;
}
const float *mae_target(const Mae *mae) {
    return mae->target;
}

Status mae_init(Mae *mae, uint64_t seed) {
    return init_params(&mae->params, &mae->shape, seed, mae->ops);
}

Status mae_upload(Mae *mae, int slot, Stream *stream, const ModelInput *host, ModelInput *input) {
    return input_upload(&mae->slots, slot, stream, host, input);
}

uint64_t mae_uploaded_bytes(const Mae *mae) {
    return mae->slots.uploaded;
}

/* The first `keep` patches of `ids` through `encoder`; the others go to `target`. */
static void encode_patches(Mae *mae, Stack *encoder, const ModelInput *input, const int32_t *ids, int keep,
                           float *target) {
    Ops *ops = mae->ops;
    const Params *p = &mae->params;
    const int batch = input->batch;
    input_cut(&mae->slots, ops, input, ids, keep, mae->visible, target);
    linear_forward(&mae->patch_embed, ops, p,
                   &(LinearPass){.x = mae->visible, .y = mae->embedded, .rows = batch * keep});
    ops->embed_forward(ops, &(EmbedForward){.x = mae->embedded,
                                            .cls = params_value(p, mae->cls_token),
                                            .pos = params_value(p, mae->pos_embed),
                                            .ids = ids,
                                            .out = encoder->blocks[0].norm1.sum,
                                            .batch = batch,
                                            .patches = mae->patches,
                                            .keep = keep,
                                            .dim = mae->shape.dim});
    stack_forward(encoder, ops, p, batch);
}

const float *mae_encode(Mae *mae, const ModelInput *input) {
    Ops *ops = mae->ops;
    Stack whole = mae->encoder; /* the same activations, of fewer samples with more tokens each */
    whole.tokens = 1 + mae->patches;
    ops->device->range_push(ops->device, "encode");
    encode_patches(mae, &whole, input, mae->whole_ids, mae->patches, NULL);
    ops->pool_forward(ops, &(PoolForward){.x = whole.last.y,
                                          .pool = mae->shape.pool,
                                          .y = mae->pooled,
                                          .batch = input->batch,
                                          .tokens = whole.tokens,
                                          .dim = whole.dim});
    ops->device->range_pop(ops->device);
    return mae->pooled;
}

void mae_forward(Mae *mae, const ModelInput *input) {
    Ops *ops = mae->ops;
    const ModelShape *s = &mae->shape;
    const Params *p = &mae->params;
    const int batch = input->batch, keep = mae->keep, patches = mae->patches;
    mae->batch = batch;
    mae->passed_ids = input->ids;
    ops->device->range_push(ops->device, "forward");
    encode_patches(mae, &mae->encoder, input, input->ids, keep, mae->target);
    linear_forward(&mae->decoder_embed, ops, p,
                   &(LinearPass){.x = mae->encoder.last.y, .y = mae->decoder_in, .rows = batch * (1 + keep)});
    ops->restore_forward(ops, &(RestoreForward){.x = mae->decoder_in,
                                                .mask_token = params_value(p, mae->mask_token),
                                                .pos = params_value(p, mae->decoder_pos),
                                                .ids = input->ids,
                                                .out = mae->decoder.blocks[0].norm1.sum,
                                                .batch = batch,
                                                .patches = patches,
                                                .keep = keep,
                                                .dim = s->decoder_dim});
    stack_forward(&mae->decoder, ops, p, batch);
    linear_forward(&mae->decoder_pred, ops, p,
                   &(LinearPass){.x = mae->decoder.last.y, .y = mae->pred, .rows = batch * (1 + patches)});
    ops->device->range_pop(ops->device);
}

const double *mae_loss_memory(const Mae *mae) {
    return mae->loss;
}

/* Of samples first .. first + batch - 1 of the last forward pass, and the gradient of grad_scale times it (dpred NULL:
 * not needed). */
static void compute_loss(Mae *mae, const int32_t *ids, int first, int batch, float grad_scale, Real *dpred) {
    const size_t patches = (size_t)mae->patches, at = (size_t)first * (size_t)mae->patch_dim;
    const uint8_t *pred = (const uint8_t *)mae->pred + at * (1 + patches) * real_size(mae->ops->type);
    mae->ops->masked_pixel_loss(mae->ops, &(MaskedPixelLoss){.pred = (const Real *)pred,
                                                             .target = mae->target + at * (patches - (size_t)mae->keep),
                                                             .ids = ids + (size_t)first * patches,
                                                             .normalise = mae->shape.norm_pix_loss,
                                                             .grad_scale = grad_scale,
                                                             .loss = mae->loss,
                                                             .dpred = dpred,
                                                             .batch = batch,
                                                             .patches = mae->patches,
                                                             .keep = mae->keep,
                                                             .dim = mae->patch_dim});
}

static Status read_loss(Mae *mae, int first, int batch, double *loss) {
    compute_loss(mae, mae->passed_ids, first, batch, 1, NULL);
    TRY(ops_error(mae->ops));
    return device_read(mae->ops->device, loss, mae->loss, sizeof *loss);
}

Status mae_loss(Mae *mae, double *loss) {
    return read_loss(mae, 0, mae->batch, loss);
}

Status mae_losses(Mae *mae, double *losses) {
    for (int i = 0; i < mae->batch; i++)
        TRY(read_loss(mae, i, 1, &losses[i]));
    return NULL;
}

void mae_backward(Mae *mae, const ModelInput *input, float grad_scale, bool add) {
    Ops *ops = mae->ops;
    const ModelShape *s = &mae->shape;
    const Params *p = &mae->params;
    const int batch = input->batch, keep = mae->keep, patches = mae->patches;
    ops->device->range_push(ops->device, "backward");
    compute_loss(mae, input->ids, 0, batch, grad_scale, mae->dpred);
    linear_backward(&mae->decoder_pred, ops, p,
                    &(LinearGradient){.dy = mae->dpred,
                                      .x = mae->decoder.last.y,
                                      .dx = mae->ddecoder,
                                      .add = add,
                                      .rows = batch * (1 + patches)});
    stack_backward(&mae->decoder, ops, p, mae->ddecoder, 0, batch, add);

    /* The decoder's entry has fewer tokens than its blocks; its gradient fits where ddecoder was. */
    ops->restore_backward(ops, &(RestoreBackward){.dout = mae->decoder.dx,
                                                  .ids = input->ids,
                                                  .dx = mae->ddecoder,
                                                  .dmask_token = params_grad(p, mae->mask_token),
                                                  .add = add,
                                                  .batch = batch,
                                                  .patches = patches,
                                                  .keep = keep,
                                                  .dim = s->decoder_dim});
    linear_backward(
        &mae->decoder_embed, ops, p,
        &(LinearGradient){
            .dy = mae->ddecoder, .x = mae->encoder.last.y, .dx = mae->dlatent, .add = add, .rows = batch * (1 + keep)});
    stack_backward(&mae->encoder, ops, p, mae->dlatent, 0, batch, add);

    ops->embed_backward(ops, &(EmbedBackward){.dout = mae->encoder.dx,
                                              .ids = input->ids,
                                              .dx = mae->dlatent,
                                              .dcls = params_grad(p, mae->cls_token),
                                              .add = add,
                                              .batch = batch,
                                              .patches = patches,
                                              .keep = keep,
                                              .dim = s->dim});
    linear_backward(&mae->patch_embed, ops, p,
                    &(LinearGradient){.dy = mae->dlatent, .x = mae->visible, .add = add, .rows = batch * keep});
    ops->device->range_pop(ops->device);
}

void mae_visit(const Mae *mae, ActivationVisit visit, void *context) {
    size_t batch = (size_t)mae->batch, patches = (size_t)mae->patches, keep = (size_t)mae->keep;
    const VisitedTensor list[] = {
        {"patches", mae->visible, batch * keep * (size_t)mae->patch_dim, 0, NULL},
        {"patch_embed", mae->embedded, batch * keep * (size_t)mae->shape.dim, 0, NULL},
        {"decoder_embed", mae->decoder_in, batch * (1 + keep) * (size_t)mae->shape.decoder_dim, 0, NULL},
        {"decoder_pred", mae->pred, batch * (1 + patches) * (size_t)mae->patch_dim, 0, NULL}};
    if (visit(context, &list[0]) && visit(context, &list[1]) &&
        stack_visit(&mae->encoder, mae->ops, &mae->params, mae->batch, visit, context) && visit(context, &list[2]) &&
        stack_visit(&mae->decoder, mae->ops, &mae->params, mae->batch, visit, context))
        visit(context, &list[3]);
}
