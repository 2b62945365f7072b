/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/mae_objective.h"

#include "model/fp8.h"
#include "ops/gpu_scratch.h"
#include "train/objective/masks.h"
#include "train/objective/recon.h"
#include "train/objective/scratch.h"
#include "train/objective/validate.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    Objective objective; /* first: the caller's pointer */
    Ops *ops;
    Mae *mae;
    Masks masks; /* of evaluation */
    MaskKey key; /* of training */
} MaeObjective;

Mae *mae_objective_model(const Objective *objective) {
    return ((const MaeObjective *)objective)->mae;
}

static Status draw_mask(const void *objective, uint32_t epoch, int64_t key, int32_t *extra) {
    return masks_draw_one(&((const MaeObjective *)objective)->key, epoch, key, extra);
}

static void take_mask(Objective *self, int slot, const int32_t *extras, int first, ModelInput *host) {
    (void)slot;
    host->ids = extras + (size_t)first * (size_t)self->extras;
}

static Status upload_mae(Objective *self, int slot, Stream *stream, const ModelInput *host, ModelInput *input) {
    return mae_upload(mae_objective_model(self), slot, stream, host, input);
}

static uint64_t count_uploaded(const Objective *self) {
    return mae_uploaded_bytes(mae_objective_model(self));
}

static void forward_mae(Objective *self, const ModelInput *input) {
    mae_forward(mae_objective_model(self), input);
}

static Status lose_mae(Objective *self, double *loss) {
    return mae_loss(mae_objective_model(self), loss);
}

static void backward_mae(Objective *self, const ModelInput *input, float grad_scale, bool add) {
    mae_backward(mae_objective_model(self), input, grad_scale, add);
}

static void visit_mae(const Objective *self, ActivationVisit visit, void *context) {
    mae_visit(mae_objective_model(self), visit, context);
}

static Status validate_mae(Objective *self, const EvaluationImages *images, int count, Validation *validation) {
    MaeObjective *own = (MaeObjective *)self;
    validation->count = 0;
    return validate_loss(own->mae, &own->masks, images, count, &validation->loss);
}

static Status encode_part(const MaeObjective *own, const EvaluationImages *images, int first, int count,
                          float *features) {
    const size_t side = (size_t)images->image_size, dim = (size_t)own->objective.shape->dim;
    const ModelInput host = {.pixels = images->pixels + (size_t)first * side * side * 3, .batch = count};
    ModelInput input;
    TRY(mae_upload(own->mae, 0, NULL, &host, &input));
    fp8_begin(own->objective.params->fp8);
    const float *found = mae_encode(own->mae, &input);
    TRY(ops_error(own->ops));
    return device_read(own->ops->device, features + (size_t)first * dim, found, (size_t)count * dim * sizeof *found);
}

static Status encode_mae(Objective *self, const EvaluationImages *images, float *features) {
    const int batch = mae_whole_batch(self->shape);
    for (int first = 0; first < images->count; first += batch)
        TRY(encode_part((MaeObjective *)self, images, first,
                        images->count - first < batch ? images->count - first : batch, features));
    return NULL;
}

static Status lose_each(Objective *self, const EvaluationImages *images, double *values) {
    MaeObjective *own = (MaeObjective *)self;
    const int batch = self->shape->batch;
    for (int first = 0; first < images->count; first += batch) {
        double mean;
        TRY(validate_forward(own->mae, &own->masks, images, first,
                             images->count - first < batch ? images->count - first : batch, &mean));
        TRY(mae_losses(own->mae, values + first));
    }
    return NULL;
}

static Status draw_mae(Objective *self, const char *path, const EvaluationImages *images, int rows) {
    MaeObjective *own = (MaeObjective *)self;
    return recon_write(path, own->mae, own->ops, &own->masks, images, rows);
}

static void close_mae(Objective *self) {
    MaeObjective *own = (MaeObjective *)self;
    masks_close(&own->masks);
    mae_close(own->mae);
    free(own);
}

static Status open_parts(MaeObjective *own, const ObjectiveOptions *options) {
    TRY(mae_open(&options->shape, own->ops, &own->mae));
    TRY(mae_init(own->mae, options->seed));
    const int patches = mae_patches(own->mae);
    own->key = (MaskKey){.seed = options->seed, .patches = patches};
    own->objective.shape = mae_shape(own->mae);
    own->objective.params = mae_params(own->mae);
    own->objective.loss_memory = mae_loss_memory(own->mae);
    own->objective.extras = patches;
    return masks_open(&own->masks, options->shape.batch, patches);
}

static Status open_mae(const ObjectiveOptions *options, Ops *ops, Objective **out) {
    *out = NULL;
    MaeObjective *own = calloc(1, sizeof *own);
    if (!own)
        return status_no_memory("the objective", sizeof *own);
    own->ops = ops;
    own->objective = (Objective){.draw_extra = draw_mask,
                                 .take_extras = take_mask,
                                 .upload = upload_mae,
                                 .uploaded_bytes = count_uploaded,
                                 .forward = forward_mae,
                                 .loss = lose_mae,
                                 .backward = backward_mae,
                                 .visit = visit_mae,
                                 .validate = validate_mae,
                                 .features = encode_mae,
                                 .evaluate = lose_each,
                                 .values = 1,
                                 .draw = draw_mae,
                                 .close = close_mae};
    Status status = open_parts(own, options);
    if (status)
        close_mae(&own->objective);
    else
        *out = &own->objective;
    return status;
}

static int count_extras(const ModelShape *shape) {
    return shape_patches(shape);
}

static Status measure_mae(const ObjectiveOptions *options, RealType type, bool host_memory, Arena *host, Arena *device,
                          Params *params) {
    const ModelShape *shape = &options->shape;
    TRY(mae_measure(shape, type, host_memory, host, device, params));
    masks_measure(shape->batch, shape_patches(shape), host);
    return NULL;
}

static size_t mae_scratch(const ModelShape *shape, RealType type) {
    const int patches = shape_patches(shape), keep = (int)(patches * (1 - shape->mask_ratio)), batch = shape->batch;
    const int seen = batch * (1 + keep), all = batch * (1 + patches), decoder = shape->decoder_dim;
    const ScratchBlock encoder = {.dim = shape->dim, .heads = shape->heads, .tokens = 1 + keep, .fp8 = shape->fp8};
    const ScratchBlock decoding = {.dim = decoder, .heads = shape->decoder_heads, .tokens = 1 + patches};
    ModelShape whole = *shape;
    whole.batch = shape->whole ? mae_whole_batch(shape) : 0;
    const ScratchBlock encoding = {.dim = shape->dim, .heads = shape->heads, .tokens = 1 + patches, .fp8 = shape->fp8};
    const size_t needs[] = {scratch_of_block(shape, type, &encoder),
                            scratch_of_block(&whole, type, &encoding),
                            scratch_of_block(shape, type, &decoding),
                            scratch_of_input(shape),
                            gpu_column_sums_scratch(type, batch * keep, shape->dim),
                            gpu_column_sums_scratch(type, seen, decoder),
                            gpu_column_sums_scratch(type, all, shape_patch_dim(shape)),
                            gpu_embed_scratch(batch, patches, shape->dim, false),
                            gpu_restore_scratch(batch, decoder),
                            gpu_loss_scratch(gpu_pixel_loss_blocks(batch, patches))};
    return scratch_largest(needs, sizeof needs / sizeof *needs);
}

static ObjectiveText describe_mae(const ModelShape *shape) {
    ObjectiveText text;
    snprintf(text.text, sizeof text.text,
             "MAE %dx%d, %d heads, decoder %dx%d, %d heads; %d px, patch %d, %.0f%% hidden", shape->dim, shape->depth,
             shape->heads, shape->decoder_dim, shape->decoder_depth, shape->decoder_heads, shape->image_size,
             shape->patch_size, 100 * shape->mask_ratio);
    return text;
}

const ObjectiveKind mae_objective = {.decay_tokens = true,
                                     .draws = true,
                                     .measure = measure_mae,
                                     .scratch = mae_scratch,
                                     .extras = count_extras,
                                     .describe = describe_mae,
                                     .open = open_mae};
