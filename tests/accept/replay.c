/* SPDX-License-Identifier: Apache-2.0 */
/* replay CASE.safetensors --out OUT.safetensors [--backend cpu|emu|cuda] [--precision fp32|bf16|fp8]
 *
 * Loads a recorded case (weights, images, noise or labels, configuration in __metadata__) into the product's models,
 * takes the recorded number of AdamW steps on the one batch, and writes what was computed under the case's names.
 * Nothing is computed here. */
#include "base/files.h"
#include "base/program.h"
#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "base/threads.h"
#include "device/open.h"
#include "model/fp8.h"
#include "model/mae.h"
#include "model/vit.h"
#include "train/optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const SafeTensors *file;
    const char *out;
    Device *device;
    Ops ops;
    ModelShape shape;
    OptimizerOptions optimizer;
    double lr;
    int steps;
    float label_smoothing;
    bool fp8;
    Tensor tensors[4096];
    char names[4096][96];
    int count;
} Replay;

static double number(const Replay *replay, const char *key, double otherwise) {
    const char *text = safetensors_note(replay->file, key);
    return text ? strtod(text, NULL) : otherwise;
}

static Status read_case(Replay *r) {
    r->shape = (ModelShape){.image_size = (int)number(r, "image_size", 0),
                            .patch_size = (int)number(r, "patch_size", 0),
                            .dim = (int)number(r, "dim", 0),
                            .depth = (int)number(r, "depth", 0),
                            .heads = (int)number(r, "heads", 0),
                            .decoder_dim = (int)number(r, "decoder_dim", 0),
                            .decoder_depth = (int)number(r, "decoder_depth", 0),
                            .decoder_heads = (int)number(r, "decoder_heads", 0),
                            .mlp_ratio = number(r, "mlp_ratio", 4),
                            .activation = ACTIVATION_GELU_ERF,
                            .norm_eps = number(r, "norm_eps", 1e-6),
                            .mask_ratio = number(r, "mask_ratio", 0),
                            .norm_pix_loss = number(r, "norm_pix_loss", 0) != 0,
                            .classes = (int)number(r, "classes", 0),
                            .batch = (int)number(r, "batch", 0),
                            .fp8 = r->fp8};
    r->optimizer = (OptimizerOptions){.beta1 = number(r, "beta1", 0.9),
                                      .beta2 = number(r, "beta2", 0.95),
                                      .eps = number(r, "adam_eps", 1e-8),
                                      .weight_decay = number(r, "weight_decay", 0),
                                      .clip = number(r, "clip", 0),
                                      .layer_decay = number(r, "layer_decay", 1),
                                      .layers = r->shape.depth};
    r->lr = number(r, "lr", 0);
    r->steps = (int)number(r, "steps", 0);
    r->label_smoothing = (float)number(r, "label_smoothing", 0);
    if (number(r, "global_pool", 1) != 1)
        return status_error(EXIT_DATA, "the case pools by the class token; the classifier pools by the mean");
    return r->steps >= 1 ? NULL : status_error(EXIT_DATA, "the case names no steps; is it a replay case?");
}

static Status need(const Replay *r, const char *name, TensorType type, int64_t count, const Tensor **tensor) {
    *tensor = safetensors_find(r->file, name);
    if (!*tensor || (*tensor)->type != type || (*tensor)->count != count)
        return status_error(EXIT_DATA, "the case has no tensor %s of %lld elements of the expected type", name,
                            (long long)count);
    return NULL;
}

/* A private copy of `data`, written out at the end under `name`. */
static Status keep(Replay *r, const char *name, TensorType type, const void *data, int dims, const int64_t *shape) {
    size_t element = type == TYPE_I64 ? sizeof(int64_t) : sizeof(float);
    int64_t count = 1;
    for (int i = 0; i < dims; i++)
        count *= shape[i];
    void *copy = malloc(element * (size_t)count);
    if (!copy || r->count >= 4096)
        return status_no_memory("the results", element * (unsigned long long)count);
    memcpy(copy, data, element * (size_t)count);
    Tensor *tensor = &r->tensors[r->count];
    snprintf(r->names[r->count], sizeof r->names[0], "%s", name);
    *tensor = (Tensor){.name = r->names[r->count], .type = type, .dims = dims, .count = count, .data = copy};
    memcpy(tensor->shape, shape, sizeof *shape * (size_t)dims);
    r->count++;
    return NULL;
}

/* A Real tensor of the device, as floats. */
static Status keep_real(Replay *r, const char *name, const Real *values, int dims, const int64_t *shape) {
    size_t count = 1;
    for (int i = 0; i < dims; i++)
        count *= (size_t)shape[i];
    float *copy = malloc(count * sizeof *copy);
    Status status = copy ? model_read(&r->ops, values, count, copy) : status_no_memory(name, count * sizeof *copy);
    if (!status)
        status = keep(r, name, TYPE_F32, copy, dims, shape);
    free(copy);
    return status;
}

static Status keep_each(Replay *r, const Params *params, const float *what, bool trainable_only, const char *prefix) {
    for (int i = 0; i < params->count; i++) {
        const Param *p = &params->list[i];
        char name[96];
        snprintf(name, sizeof name, "%s%s", prefix, p->name);
        if (p->trainable || !trainable_only)
            TRY(keep(r, name, TYPE_F32, what + p->offset, p->dims, p->shape));
    }
    return NULL;
}

/* The parameters' values or gradients, from the device. */
static Status keep_params(Replay *r, const Params *params, const float *what, bool trainable_only, const char *prefix) {
    size_t bytes = (trainable_only ? params->trainable : params->total) * sizeof(float);
    float *copy = malloc(bytes);
    Status status =
        copy ? device_read(params->device, copy, what, bytes) : status_no_memory("a copy of the parameters", bytes);
    if (!status)
        status = keep_each(r, params, copy, trainable_only, prefix);
    free(copy);
    return status;
}

/* Rows 1.. of each sample: the prediction without the class token's row. */
static Status keep_prediction(Replay *r, const Mae *mae) {
    int64_t batch = r->shape.batch, patches = mae_patches(mae), dim = 3 * r->shape.patch_size * r->shape.patch_size;
    size_t sample = (size_t)(patches * dim), all = (size_t)(batch * (1 + patches) * dim);
    float *rows = malloc(all * sizeof *rows);
    if (!rows)
        return status_no_memory("the prediction", all * sizeof *rows);
    Status status = model_read(&r->ops, mae_prediction(mae), all, rows);
    for (int64_t b = 0; b < batch && !status; b++)
        memmove(rows + (size_t)b * sample, rows + (b * (1 + patches) + 1) * dim, sample * sizeof *rows);
    if (!status)
        status = keep(r, "pred", TYPE_F32, rows, 3, (int64_t[]){batch, patches, dim});
    free(rows);
    return status;
}

static Status keep_masks(Replay *r, const int32_t *ids, int patches, int visible) {
    int64_t count = (int64_t)r->shape.batch * patches;
    int64_t *restore = malloc(sizeof *restore * (size_t)count);
    float *mask = malloc(sizeof *mask * (size_t)count);
    Status status = restore && mask ? NULL : status_no_memory("the masks", sizeof *restore * (size_t)count);
    for (int64_t i = 0; !status && i < count; i++) {
        int64_t row = i / patches * patches;
        restore[row + ids[i]] = i - row;
        mask[row + ids[i]] = i - row < visible ? 0 : 1;
    }
    int64_t shape[2] = {r->shape.batch, patches};
    if (!status)
        status = keep(r, "ids_restore", TYPE_I64, restore, 2, shape);
    if (!status)
        status = keep(r, "mask", TYPE_F32, mask, 2, shape);
    free(restore);
    free(mask);
    return status;
}

/* What every step ends with, once its gradients are there; the first one's loss and gradients are kept. */
static Status end_step(Replay *r, const Params *params, Optimizer *optimizer, int step, double loss, float *losses) {
    losses[step - 1] = (float)loss;
    if (step == 1) {
        TRY(keep(r, "loss", TYPE_F32, losses, 1, (int64_t[]){1}));
        TRY(keep_params(r, params, params->grad, true, "grad."));
    }
    float norm;
    return optimizer_step(optimizer, r->lr, step, &norm);
}

/* The case's images, and for each sample `rows` integers, in device memory. */
typedef struct {
    Arena arena;
    float *image;
    int32_t *integers;
    double *loss;
} Input;

static void lay_out(Input *input, Arena *arena, size_t pixels, size_t integers) {
    input->image = arena_take(arena, pixels * sizeof *input->image);
    input->integers = arena_take(arena, integers * sizeof *input->integers);
    input->loss = arena_take(arena, sizeof *input->loss);
}

static Status bring(Replay *r, Input *input, const Tensor *image, const int32_t *integers, size_t count) {
    const Device *device = r->device;
    Arena measure = {0};
    lay_out(input, &measure, (size_t)image->count, count);
    TRY(device_arena_open(device, &input->arena, measure.used, "the case"));
    lay_out(input, &input->arena, (size_t)image->count, count);
    TRY(device_write(device, input->image, image->data, (size_t)image->count * sizeof(float)));
    return device_write(device, input->integers, integers, count * sizeof *integers);
}

static Status mae_steps(Replay *r, Mae *mae, Optimizer *optimizer, Input *room, int32_t *ids, float *losses) {
    const Tensor *image, *noise;
    int patches = mae_patches(mae), batch = r->shape.batch;
    TRY(need(r, "images", TYPE_F32, (int64_t)batch * 3 * r->shape.image_size * r->shape.image_size, &image));
    TRY(need(r, "noise", TYPE_F32, (int64_t)batch * patches, &noise));
    for (int b = 0; b < batch; b++)
        mae_shuffle((const float *)noise->data + b * patches, patches, ids + b * patches);
    TRY(bring(r, room, image, ids, (size_t)batch * (size_t)patches));
    ModelInput input = {.image = room->image, .ids = room->integers, .batch = batch};
    Params *params = mae_params(mae);
    for (int step = 1; step <= r->steps; step++) {
        double loss;
        fp8_begin(params->fp8);
        mae_forward(mae, &input);
        TRY(mae_loss(mae, &loss));
        mae_backward(mae, &input, 1, false);
        fp8_end(params->fp8, NULL);
        if (step == 1) {
            TRY(keep_prediction(r, mae));
            TRY(keep_real(r, "latent", mae_latent(mae), 3, (int64_t[]){batch, 1 + mae_keep(mae), r->shape.dim}));
            TRY(keep_masks(r, ids, patches, mae_keep(mae)));
        }
        TRY(end_step(r, params, optimizer, step, loss, losses));
    }
    TRY(keep(r, "losses", TYPE_F32, losses, 1, (int64_t[]){r->steps}));
    return keep_params(r, params, params->value, false, "after.");
}

static Status replay_mae(Replay *r) {
    Mae *mae = NULL;
    Optimizer *optimizer = NULL;
    Input input = {0};
    int32_t *ids = NULL;
    float *losses = NULL;
    Status status = mae_open(&r->shape, &r->ops, &mae);
    if (!status)
        status = params_read(mae_params(mae), mae_params(mae)->value, r->file, "weights.");
    r->optimizer.decay_tokens = true;
    if (!status)
        params_round(mae_params(mae), &r->ops);
    if (!status)
        status = optimizer_open(&r->optimizer, mae_params(mae), &r->ops, &optimizer);
    if (!status) {
        ids = malloc(sizeof *ids * (size_t)(r->shape.batch * mae_patches(mae)));
        losses = malloc(sizeof *losses * (size_t)r->steps);
        status = ids && losses ? mae_steps(r, mae, optimizer, &input, ids, losses) : status_no_memory("the run", 0);
    }
    free(ids);
    free(losses);
    device_arena_close(r->device, &input.arena);
    optimizer_close(optimizer);
    mae_close(mae);
    return status;
}

static Status vit_steps(Replay *r, Vit *vit, Optimizer *optimizer, Input *room, int32_t *labels, float *losses) {
    const Tensor *image, *wanted;
    int batch = r->shape.batch, classes = r->shape.classes;
    TRY(need(r, "images", TYPE_F32, (int64_t)batch * 3 * r->shape.image_size * r->shape.image_size, &image));
    TRY(need(r, "labels", TYPE_I64, batch, &wanted));
    for (int b = 0; b < batch; b++)
        labels[b] = (int32_t)((const int64_t *)wanted->data)[b];
    TRY(bring(r, room, image, labels, (size_t)batch));
    const ModelInput input = {.image = room->image, .batch = batch};
    Params *params = vit_params(vit);
    for (int step = 1; step <= r->steps; step++) {
        double loss;
        fp8_begin(params->fp8);
        vit_forward(vit, &input);
        r->ops.cross_entropy_loss(&r->ops, &(CrossEntropyLoss){.logits = vit_logits(vit),
                                                               .labels = room->integers,
                                                               .smoothing = r->label_smoothing,
                                                               .grad_scale = 1,
                                                               .loss = room->loss,
                                                               .dlogits = vit_dlogits(vit),
                                                               .batch = batch,
                                                               .classes = classes});
        TRY(ops_error(&r->ops));
        TRY(device_read(r->device, &loss, room->loss, sizeof loss));
        vit_backward(vit, &input, false);
        fp8_end(params->fp8, NULL);
        if (step == 1) {
            TRY(keep_real(r, "logits", vit_logits(vit), 2, (int64_t[]){batch, classes}));
            TRY(keep_real(r, "features", vit_features(vit), 2, (int64_t[]){batch, r->shape.dim}));
        }
        TRY(end_step(r, params, optimizer, step, loss, losses));
    }
    TRY(keep(r, "losses", TYPE_F32, losses, 1, (int64_t[]){r->steps}));
    return keep_params(r, params, params->value, false, "after.");
}

static Status replay_vit(Replay *r) {
    Vit *vit = NULL;
    Optimizer *optimizer = NULL;
    Input input = {0};
    int32_t *labels = NULL;
    float *losses = NULL;
    Status status = vit_open(&r->shape, &r->ops, &vit);
    if (!status)
        status = params_read(vit_params(vit), vit_params(vit)->value, r->file, "weights.");
    if (!status)
        params_round(vit_params(vit), &r->ops);
    if (!status)
        status = optimizer_open(&r->optimizer, vit_params(vit), &r->ops, &optimizer);
    if (!status) {
        labels = malloc(sizeof *labels * (size_t)r->shape.batch);
        losses = malloc(sizeof *losses * (size_t)r->steps);
        status =
            labels && losses ? vit_steps(r, vit, optimizer, &input, labels, losses) : status_no_memory("the run", 0);
    }
    free(labels);
    free(losses);
    device_arena_close(r->device, &input.arena);
    optimizer_close(optimizer);
    vit_close(vit);
    return status;
}

static Status replay(Replay *r) {
    TRY(read_case(r));
    const char *kind = safetensors_note(r->file, "kind");
    if (kind && strcmp(kind, "mae") == 0)
        TRY(replay_mae(r));
    else if (kind && strcmp(kind, "vit_finetune") == 0)
        TRY(replay_vit(r));
    else
        return status_error(EXIT_DATA, "the case's kind is %s; known: mae, vit_finetune", kind ? kind : "missing");
    TRY(files_remove(r->out));
    return safetensors_write(r->out, r->tensors, r->count, NULL, 0);
}

typedef struct {
    const char *input, *out;
    int backend, precision;
} Arguments;

static const char *const backends[] = {"cpu", "emu", "cuda", NULL};
static const DeviceKind kinds[] = {DEVICE_CPU, DEVICE_EMU, DEVICE_CUDA};
static const char *const precisions[] = {"fp32", "bf16", "fp8", NULL};

#define AT(field) offsetof(Arguments, field)
static const Option options[] = {
    {.name = "CASE.safetensors", .type = OPTION_PATH, .offset = AT(input), .help = "The recorded case."},
    {.name = "--out",
     .value = "OUT.safetensors",
     .type = OPTION_PATH,
     .offset = AT(out),
     .required = true,
     .help = "Gets what was computed, under the case's names."},
    {.name = "--backend",
     .type = OPTION_CHOICE,
     .choices = backends,
     .offset = AT(backend),
     .fallback = "cpu",
     .help = "Where it is computed."},
    {.name = "--precision",
     .type = OPTION_CHOICE,
     .choices = precisions,
     .offset = AT(precision),
     .fallback = "fp32",
     .help = "In which precision."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_MISSING, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "replay",
    .about = "Loads a recorded case into the product's models, takes the recorded number of steps and writes what was "
             "computed.",
    .options = options,
    .exits = exits,
};

static Status open_backend(Replay *r, const Arguments *a) {
    char *note;
    TRY(device_open(kinds[a->backend], &r->device, &note));
    free(note);
    r->device->operations(r->device, 2, &r->ops);
    r->ops.type = a->precision ? REAL_BF16 : REAL_FP32;
    r->fp8 = a->precision == 2;
    return NULL;
}

static Status run(void *context) {
    const Arguments *a = context;
    SafeTensors *file = NULL;
    Replay *r = calloc(1, sizeof *r);
    Status status = r ? safetensors_open(a->input, &file) : status_no_memory("the results", sizeof *r);
    if (!status)
        status = open_backend(r, a);
    if (!status) {
        r->file = file;
        r->out = a->out;
        status = replay(r);
    }
    for (int i = 0; r && i < r->count; i++)
        free((void *)(uintptr_t)r->tensors[i].data);
    if (r)
        device_close(r->device);
    free(r);
    safetensors_close(file);
    return status;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
