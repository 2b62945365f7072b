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
#include "tests/accept/case.h"
#include "train/optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Case settings;
    const SafeTensors *file;
    const char *out;
    Device *device;
    Ops ops;
    ModelShape shape;
    int precision; /* of precisions[] */
    Tensor tensors[4096];
    char names[4096][96];
    int count;
} Replay;

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

/* `columns` floats of each sample, of the device. */
static Status keep_floats(Replay *r, const char *name, const float *values, int columns) {
    const int64_t shape[] = {r->shape.batch, columns};
    const size_t bytes = (size_t)(shape[0] * shape[1]) * sizeof *values;
    float *copy = malloc(bytes);
    Status status = copy ? device_read(r->device, copy, values, bytes) : status_no_memory(name, bytes);
    if (!status)
        status = keep(r, name, TYPE_F32, copy, 2, shape);
    free(copy);
    return status;
}

static Status keep_each(Replay *r, const Params *params, const float *what, bool trained_only, const char *prefix) {
    for (int i = 0; i < params->count; i++) {
        const Param *p = &params->list[i];
        char name[96];
        snprintf(name, sizeof name, "%s%s", prefix, p->name);
        if (param_is_trained(p) || !trained_only)
            TRY(keep(r, name, TYPE_F32, what + p->offset, p->dims, p->shape));
    }
    return NULL;
}

/* The parameters' values or gradients, from the device. */
static Status keep_params(Replay *r, const Params *params, const float *what, bool trained_only, const char *prefix) {
    size_t bytes = (trained_only ? params->trained : params->total) * sizeof(float);
    float *copy = malloc(bytes);
    Status status =
        copy ? device_read(params->device, copy, what, bytes) : status_no_memory("a copy of the parameters", bytes);
    if (!status)
        status = keep_each(r, params, copy, trained_only, prefix);
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
    return optimizer_step(optimizer, r->settings.lr, step, &norm);
}

/* The case's batch in device memory. */
typedef struct {
    Arena arena;
    float *image, *labels;
    int32_t *ids;
    double *known;
    float *keep;
} Input;

static void lay_out(const Replay *r, Input *input, Arena *arena) {
    const size_t batch = (size_t)r->shape.batch, size = (size_t)r->shape.image_size;
    input->image = arena_take(arena, batch * 3 * size * size * sizeof *input->image);
    input->ids = arena_take(arena, batch * (size_t)shape_patches(&r->shape) * sizeof *input->ids);
    input->labels = arena_take(arena, batch * (size_t)shape_labels(&r->shape) * sizeof *input->labels);
    input->known = arena_take(arena, sizeof *input->known);
    input->keep = arena_take(arena, 2 * batch * (size_t)r->shape.depth * sizeof *input->keep);
}

static Status open_input(Replay *r, Input *input, ModelInput *batch) {
    Arena measure = {0};
    lay_out(r, input, &measure);
    TRY(device_arena_open(r->device, &input->arena, measure.used, "the case"));
    lay_out(r, input, &input->arena);
    const Tensor *image;
    const int64_t size = r->shape.image_size;
    TRY(case_tensor(&r->settings, "images", TYPE_F32, 3 * r->shape.batch * size * size, &image));
    *batch = (ModelInput){.image = input->image, .batch = r->shape.batch};
    return device_write(r->device, input->image, image->data, (size_t)image->count * sizeof(float));
}

static Status begin(Replay *r, Params *params, Optimizer **optimizer) {
    TRY(case_weights(&r->settings, params));
    TRY(params_read(params, params->value, r->file, "weights."));
    params_round(params, &r->ops);
    const OptimizerOptions options = case_optimizer(&r->settings);
    return optimizer_open(&options, params, &r->ops, optimizer);
}

static Status end(Replay *r, const Params *params, const float *losses) {
    TRY(keep(r, "losses", TYPE_F32, losses, 1, (int64_t[]){(int64_t)r->settings.steps}));
    return keep_params(r, params, params->value, false, "after.");
}

static Status mae_steps(Replay *r, Mae *mae, Optimizer *optimizer, Input *place, int32_t *ids, float *losses) {
    const Tensor *noise;
    ModelInput input;
    int patches = mae_patches(mae), batch = r->shape.batch;
    TRY(open_input(r, place, &input));
    TRY(case_tensor(&r->settings, "noise", TYPE_F32, (int64_t)batch * patches, &noise));
    for (int b = 0; b < batch; b++)
        mae_shuffle((const float *)noise->data + b * patches, patches, ids + b * patches);
    input.ids = place->ids;
    TRY(device_write(r->device, place->ids, ids, (size_t)noise->count * sizeof *ids));
    Params *params = mae_params(mae);
    for (int step = 1; step <= (int)r->settings.steps; step++) {
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
    return end(r, params, losses);
}

static Status replay_mae(Replay *r, float *losses) {
    Mae *mae = NULL;
    Optimizer *optimizer = NULL;
    Input input = {0};
    int32_t *ids = NULL;
    Status status = mae_open(&r->shape, &r->ops, &mae);
    if (!status)
        status = begin(r, mae_params(mae), &optimizer);
    if (!status) {
        ids = malloc(sizeof *ids * (size_t)(r->shape.batch * mae_patches(mae)));
        status = ids ? mae_steps(r, mae, optimizer, &input, ids, losses) : status_no_memory("the masks", 0);
    }
    free(ids);
    device_arena_close(r->device, &input.arena);
    optimizer_close(optimizer);
    mae_close(mae);
    return status;
}

/* The case's labels, as the model takes them, and its weights of the classes. */
static Status place_labels(Replay *r, Vit *vit, Input *place, ModelInput *input, float *labels) {
    const int count = r->shape.batch * shape_labels(&r->shape);
    const Tensor *wanted = safetensors_find(r->file, "labels"), *weights;
    TRY(case_tensor(&r->settings, "labels", wanted && wanted->type == TYPE_I64 ? TYPE_I64 : TYPE_F32, count, &wanted));
    for (int i = 0; i < count; i++)
        labels[i] =
            wanted->type == TYPE_I64 ? (float)((const int64_t *)wanted->data)[i] : ((const float *)wanted->data)[i];
    if (safetensors_find(r->file, "class_weights")) {
        TRY(case_tensor(&r->settings, "class_weights", TYPE_F32, shape_outputs(&r->shape), &weights));
        TRY(vit_set_weights(vit, weights->data));
    }
    const double known = vit_known(vit, labels, r->shape.batch);
    input->labels = place->labels;
    input->known = place->known;
    TRY(device_write(r->device, place->known, &known, sizeof known));
    return device_write(r->device, place->labels, labels, (size_t)count * sizeof *labels);
}

/* The step's drop-path, where the case has it. */
static Status place_keep(Replay *r, const Input *place, ModelInput *input, int step) {
    const Tensor *keep;
    const int count = 2 * r->shape.depth * r->shape.batch;
    if (r->shape.drop_path == 0)
        return NULL;
    TRY(case_tensor(&r->settings, "drop_path", TYPE_F32, (int64_t)r->settings.steps * count, &keep));
    input->keep = place->keep;
    return device_write(r->device, place->keep, (const float *)keep->data + (size_t)(step - 1) * (size_t)count,
                        (size_t)count * sizeof(float));
}

static Status vit_steps(Replay *r, Vit *vit, Optimizer *optimizer, Input *place, float *labels, float *losses) {
    ModelInput input;
    TRY(open_input(r, place, &input));
    TRY(place_labels(r, vit, place, &input, labels));
    Params *params = vit_params(vit);
    for (int step = 1; step <= (int)r->settings.steps; step++) {
        double loss;
        TRY(place_keep(r, place, &input, step));
        fp8_begin(params->fp8);
        vit_forward(vit, &input);
        TRY(vit_loss(vit, &loss));
        vit_backward(vit, &input, 1, false);
        fp8_end(params->fp8, NULL);
        if (step == 1) {
            TRY(keep_floats(r, "logits", vit_logits(vit), shape_outputs(&r->shape)));
            TRY(keep_floats(r, "features", vit_features(vit), r->shape.dim));
        }
        TRY(end_step(r, params, optimizer, step, loss, losses));
    }
    return end(r, params, losses);
}

static Status replay_vit(Replay *r, float *losses) {
    Vit *vit = NULL;
    Optimizer *optimizer = NULL;
    Input input = {0};
    float *labels = NULL;
    Status status = vit_open(&r->shape, &r->ops, &vit);
    if (!status)
        status = begin(r, vit_params(vit), &optimizer);
    if (!status) {
        labels = malloc(sizeof *labels * (size_t)(r->shape.batch * shape_labels(&r->shape)));
        status = labels ? vit_steps(r, vit, optimizer, &input, labels, losses) : status_no_memory("the labels", 0);
    }
    free(labels);
    device_arena_close(r->device, &input.arena);
    optimizer_close(optimizer);
    vit_close(vit);
    return status;
}

static Status replay(Replay *r) {
    r->settings.file = r->file;
    TRY(case_read(&r->settings));
    r->shape = case_shape(&r->settings);
    r->shape.fp8 = r->precision == 2;
    float *losses = malloc(sizeof *losses * (size_t)r->settings.steps);
    if (!losses)
        return status_no_memory("the losses", sizeof *losses * (size_t)r->settings.steps);
    Status status = r->settings.kind == CASE_MAE ? replay_mae(r, losses) : replay_vit(r, losses);
    free(losses);
    if (!status)
        status = files_remove(r->out);
    return status ? status : safetensors_write(r->out, r->tensors, r->count, NULL, 0);
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
    r->precision = a->precision;
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
