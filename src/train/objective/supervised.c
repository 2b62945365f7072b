/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/supervised.h"

#include "base/random.h"
#include "model/fp8.h"
#include "model/vit.h"
#include "ops/gpu_scratch.h"
#include "train/objective/scores.h"
#include "train/objective/scratch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Objective objective; /* first: the caller's pointer */
    Ops *ops;
    Vit *vit;
    const Targets *targets;
    uint64_t seed;
    LookRange look;
    int global_batch;
    void *pinned;                     /* memory of the host, for: */
    float *labels[MODEL_INPUT_SLOTS]; /* [batch][labels] of the slot's micro-batch */
    double *known[MODEL_INPUT_SLOTS]; /* what its loss divides by */
    float *keep[MODEL_INPUT_SLOTS];   /* [depth][2][batch] of drop-path; NULL: none */
    Look *looks[MODEL_INPUT_SLOTS];   /* [batch]; NULL: none */
    float *all;                       /* [global_batch][labels] */
} Supervised;

static Supervised *own_of(const Objective *self) {
    return (Supervised *)(uintptr_t)self;
}

/* Branches that drop-path may skip. */
static int count_branches(const ModelShape *shape) {
    return shape->drop_path > 0 ? 2 * shape->depth : 0;
}

/* Numbers beside a sample: labels, drop-path's factors, its look. */
enum { LOOK_NUMBERS = sizeof(Look) / sizeof(int32_t) };
static int count_extras(const ModelShape *shape) {
    return shape_labels(shape) + count_branches(shape) + (shape->looks ? LOOK_NUMBERS : 0);
}

static void lay_out_labels(Supervised *own, const ObjectiveOptions *options, Arena *pinned) {
    const size_t sample = (size_t)shape_labels(&options->shape) * sizeof(float);
    const size_t branches = (size_t)count_branches(&options->shape);
    arena_group(pinned, "labels");
    for (int slot = 0; slot < MODEL_INPUT_SLOTS; slot++) {
        own->labels[slot] = arena_take(pinned, (size_t)options->shape.batch * sample);
        own->known[slot] = arena_take(pinned, sizeof *own->known[slot]);
        own->keep[slot] = branches ? arena_take(pinned, (size_t)options->shape.batch * branches * sizeof(float)) : NULL;
    }
    for (int slot = 0; slot < MODEL_INPUT_SLOTS; slot++)
        own->looks[slot] =
            options->shape.looks ? arena_take(pinned, (size_t)options->shape.batch * sizeof(Look)) : NULL;
    own->all = arena_take(pinned, (size_t)options->global_batch * sample);
}

static Status draw_sample(const void *objective, uint32_t epoch, int64_t key, int32_t *extra) {
    const Supervised *own = objective;
    const Labels *labels = &own->targets->train;
    memcpy(extra, labels->values + key % labels->count * labels->columns, (size_t)labels->columns * sizeof(float));
    if (own->keep[0])
        vit_draw_keep(own->objective.shape, own->seed, epoch, (uint64_t)key, (float *)extra + labels->columns);
    if (own->looks[0]) {
        Random random;
        random_start(&random, own->seed, RANDOM_LOOK, epoch, (uint64_t)key);
        const Look look = random_look(&random, &own->look, own->objective.shape->image_size);
        memcpy(extra + own->objective.extras - LOOK_NUMBERS, &look, sizeof look);
    }
    return NULL;
}

static float *take_keep(Supervised *own, int slot, const int32_t *extras, int batch) {
    const int labels = shape_labels(own->objective.shape), branches = count_branches(own->objective.shape);
    for (int i = 0; i < batch; i++)
        for (int b = 0; b < branches; b++)
            memcpy(&own->keep[slot][b * batch + i], extras + i * own->objective.extras + labels + b, sizeof(float));
    return own->keep[slot];
}

static const Look *take_looks(Supervised *own, int slot, const int32_t *extras, int batch) {
    for (int i = 0; own->looks[slot] && i < batch; i++)
        memcpy(&own->looks[slot][i], extras + (i + 1) * own->objective.extras - LOOK_NUMBERS, sizeof(Look));
    return own->looks[slot];
}

/* The loss of each micro-batch divides by its share of the batch's known labels, wherever they are in it. */
static void take_sample(Objective *self, int slot, const int32_t *extras, int first, ModelInput *host) {
    Supervised *own = own_of(self);
    const size_t labels = (size_t)shape_labels(self->shape);
    for (size_t i = 0; i < (size_t)own->global_batch; i++)
        memcpy(own->all + i * labels, extras + i * (size_t)self->extras, labels * sizeof *own->all);
    memcpy(own->labels[slot], own->all + (size_t)first * labels, (size_t)host->batch * labels * sizeof *own->all);
    *own->known[slot] = vit_known(own->vit, own->all, own->global_batch) * host->batch / own->global_batch;
    host->labels = own->labels[slot];
    host->known = own->known[slot];
    extras += (size_t)first * (size_t)self->extras;
    host->keep = take_keep(own, slot, extras, host->batch);
    host->looks = take_looks(own, slot, extras, host->batch);
}

static Status upload_sample(Objective *self, int slot, Stream *stream, const ModelInput *host, ModelInput *input) {
    return vit_upload(own_of(self)->vit, slot, stream, host, input);
}

static uint64_t count_uploaded(const Objective *self) {
    return vit_uploaded_bytes(own_of(self)->vit);
}

static void forward_vit(Objective *self, const ModelInput *input) {
    vit_forward(own_of(self)->vit, input);
}

static Status lose_vit(Objective *self, double *loss) {
    return vit_loss(own_of(self)->vit, loss);
}

static void backward_vit(Objective *self, const ModelInput *input, float grad_scale, bool add) {
    vit_backward(own_of(self)->vit, input, grad_scale, add);
}

static void visit_vit(const Objective *self, ActivationVisit visit, void *context) {
    vit_visit(own_of(self)->vit, visit, context);
}

/* What a validation adds up. */
typedef struct {
    double sum, known; /* the loss of each part times what it divides by, and that */
    float *logits;     /* [images][outputs] */
} Sums;

/* Of images first .. first + count - 1. */
static Status validate_part(Supervised *own, const EvaluationImages *images, int first, int count, Sums *sums) {
    const Labels *labels = &own->targets->val;
    const size_t columns = (size_t)labels->columns, side = (size_t)images->image_size;
    const size_t outputs = (size_t)shape_outputs(own->objective.shape);
    double loss;
    for (int i = 0; i < count; i++)
        memcpy(own->labels[0] + (size_t)i * columns, labels->values + (size_t)images->records[first + i] * columns,
               columns * sizeof *labels->values);
    *own->known[0] = vit_known(own->vit, own->labels[0], count);
    const ModelInput host = {.pixels = images->pixels + (size_t)first * side * side * 3,
                             .labels = own->labels[0],
                             .known = own->known[0],
                             .batch = count};
    ModelInput input;
    TRY(vit_upload(own->vit, 0, NULL, &host, &input));
    fp8_begin(own->objective.params->fp8);
    vit_forward(own->vit, &input);
    TRY(vit_loss(own->vit, &loss));
    sums->sum += loss * *own->known[0];
    sums->known += *own->known[0];
    return device_read(own->ops->device, sums->logits + (size_t)first * outputs, vit_logits(own->vit),
                       (size_t)count * outputs * sizeof *sums->logits);
}

/* Without a finite loss there are no figures: outputs are not finite, either. */
static Status validate_vit(Objective *self, const EvaluationImages *images, int count, Validation *validation) {
    Supervised *own = own_of(self);
    const int batch = self->shape->batch;
    const size_t bytes = (size_t)count * (size_t)shape_outputs(self->shape) * sizeof(float);
    Sums sums = {.logits = malloc(bytes)};
    Status status = sums.logits ? NULL : status_no_memory("the outputs of a validation", bytes);
    for (int first = 0; !status && first < count; first += batch)
        status = validate_part(own, images, first, count - first < batch ? count - first : batch, &sums);
    validation->loss = sums.sum / sums.known;
    validation->count = 0;
    if (!status && isfinite(validation->loss))
        status = scores_add_logits(own->targets, sums.logits, images->records, count, validation);
    free(sums.logits);
    return status;
}

/* A forward pass over images first .. first + count - 1, of which `result`, [count][width], is read to `values`. */
static Status read_part(const Supervised *own, const EvaluationImages *images, int first, int count,
                        const float *(*result)(const Vit *vit), size_t width, float *values) {
    const size_t side = (size_t)images->image_size;
    const ModelInput host = {.pixels = images->pixels + (size_t)first * side * side * 3, .batch = count};
    ModelInput input;
    TRY(vit_upload(own->vit, 0, NULL, &host, &input));
    fp8_begin(own->objective.params->fp8);
    vit_forward(own->vit, &input);
    TRY(ops_error(own->ops));
    return device_read(own->ops->device, values + (size_t)first * width, result(own->vit),
                       (size_t)count * width * sizeof *values);
}

static Status read_parts(const Supervised *own, const EvaluationImages *images, const float *(*result)(const Vit *vit),
                         size_t width, float *values) {
    const int batch = own->objective.shape->batch;
    for (int first = 0; first < images->count; first += batch)
        TRY(read_part(own, images, first, images->count - first < batch ? images->count - first : batch, result, width,
                      values));
    return NULL;
}

static Status encode_vit(Objective *self, const EvaluationImages *images, float *features) {
    return read_parts(own_of(self), images, vit_features, (size_t)self->shape->dim, features);
}

static Status predict_vit(Objective *self, const EvaluationImages *images, double *values) {
    Supervised *own = own_of(self);
    const size_t outputs = (size_t)shape_outputs(self->shape), bytes = (size_t)images->count * outputs * sizeof(float);
    float *logits = malloc(bytes ? bytes : 1);
    Status status = logits ? read_parts(own, images, vit_logits, outputs, logits)
                           : status_no_memory("the outputs of an evaluation", bytes);
    for (int i = 0; i < images->count && !status; i++)
        scores_predict(own->targets, logits + (size_t)i * outputs, values + (size_t)i * (size_t)self->values);
    free(logits);
    return status;
}

static void close_supervised(Objective *self) {
    Supervised *own = own_of(self);
    const Device *device = own->ops->device;
    device->release_pinned(device, own->pinned);
    vit_close(own->vit);
    free(own);
}

static Status open_parts(Supervised *own, const ObjectiveOptions *options) {
    const Device *device = own->ops->device;
    Arena pinned = {0};
    lay_out_labels(own, options, &pinned);
    TRY(device->allocate_pinned(device, pinned.used, "the labels of a batch", &own->pinned));
    pinned = (Arena){.base = own->pinned, .size = pinned.used};
    lay_out_labels(own, options, &pinned);
    TRY(vit_open(&options->shape, own->ops, &own->vit));
    TRY(vit_init(own->vit, options->seed));
    if (own->targets->weights)
        TRY(vit_set_weights(own->vit, own->targets->weights));
    own->objective.shape = vit_shape(own->vit);
    own->objective.params = vit_params(own->vit);
    own->objective.loss_memory = vit_loss_memory(own->vit);
    own->objective.extras = count_extras(&options->shape);
    own->objective.values = own->targets->classes;
    return NULL;
}

static Status open_supervised(const ObjectiveOptions *options, Ops *ops, Objective **out) {
    *out = NULL;
    Supervised *own = calloc(1, sizeof *own);
    if (!own)
        return status_no_memory("the objective", sizeof *own);
    own->ops = ops;
    own->targets = options->targets;
    own->seed = options->seed;
    own->look = options->look;
    own->global_batch = options->global_batch;
    own->objective = (Objective){.draw_extra = draw_sample,
                                 .take_extras = take_sample,
                                 .upload = upload_sample,
                                 .uploaded_bytes = count_uploaded,
                                 .forward = forward_vit,
                                 .loss = lose_vit,
                                 .backward = backward_vit,
                                 .visit = visit_vit,
                                 .validate = validate_vit,
                                 .features = encode_vit,
                                 .evaluate = predict_vit,
                                 .close = close_supervised};
    Status status = open_parts(own, options);
    if (status)
        close_supervised(&own->objective);
    else
        *out = &own->objective;
    return status;
}

static Status measure_supervised(const ObjectiveOptions *options, RealType type, bool host_memory, Arena *host,
                                 Arena *device, Params *params) {
    Supervised own;
    TRY(vit_measure(&options->shape, type, host_memory, host, device, params));
    lay_out_labels(&own, options, host);
    return NULL;
}

static size_t vit_scratch(const ModelShape *shape, RealType type) {
    const int patches = shape_patches(shape), batch = shape->batch;
    const ScratchBlock encoder = {.dim = shape->dim, .heads = shape->heads, .tokens = 1 + patches, .fp8 = shape->fp8};
    const size_t needs[] = {scratch_of_block(shape, type, &encoder),
                            scratch_of_input(shape),
                            gpu_column_sums_scratch(type, batch * patches, shape->dim),
                            gpu_column_sums_scratch(REAL_FP32, batch, shape_outputs(shape)),
                            gpu_embed_scratch(batch, patches, shape->dim, true),
                            gpu_loss_scratch(gpu_head_loss_blocks(batch, shape_outputs(shape)))};
    return scratch_largest(needs, sizeof needs / sizeof *needs);
}

static ObjectiveText describe_vit(const ModelShape *shape) {
    static const char *const tasks[] = {[TASK_CLASSIFY] = "classes",
                                        [TASK_MULTILABEL] = "labels",
                                        [TASK_REGRESS] = "numbers",
                                        [TASK_ORDINAL] = "ordered classes"};
    ObjectiveText text;
    snprintf(text.text, sizeof text.text, "ViT %dx%d, %d heads; %d px, patch %d; %d %s", shape->dim, shape->depth,
             shape->heads, shape->image_size, shape->patch_size, shape->classes, tasks[shape->task]);
    return text;
}

static Status read_targets(const Config *config, Records *train, const Records *val, const double *given,
                           Targets *targets) {
    TRY(targets_open(config, train, val, given, targets));
    return scores_check(config, targets);
}

const ObjectiveKind supervised_objective = {.read = read_targets,
                                            .measure = measure_supervised,
                                            .scratch = vit_scratch,
                                            .extras = count_extras,
                                            .describe = describe_vit,
                                            .open = open_supervised};
