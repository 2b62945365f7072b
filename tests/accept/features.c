/* SPDX-License-Identifier: Apache-2.0 */
/* features CHECKPOINT CASE --out OUT [--resize bicubic|antialias]
 *
 * Opens other people's weights as ./eval does, at the case's image size, and writes what it makes of the case's images:
 * `cls`, `mean` (of norm(x), where the file has that norm), `pooled` (a norm without parameters over the mean of the
 * patch tokens). Where the file has them, a ViT that starts from it gives `head` (fc_norm of that mean) and `logits`.
 * Nothing is computed here. */
#include "base/files.h"
#include "base/program.h"
#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "base/threads.h"
#include "eval/features/encoder.h"
#include "model/vit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESULTS = 5,
    HEAD_SIZE = 64,
    HEADS = 4, /* of the recorded cases that are too narrow for heads of 64, and do not say */
    DINO_HEADS = 2,
};

typedef struct {
    const char *checkpoint, *input, *out;
    int resize; /* PositionResize */
} Arguments;

typedef struct {
    const Arguments *arguments;
    Weights *weights;
    SafeTensors *file;
    Ops ops;
    Encoder encoder;
    bool has_fc_norm, has_head;
    ModelInput images; /* all of the case's */
    Tensor results[RESULTS];
    int count;
} Features;

/* A number of the case's notes; `fallback` where it has none, and 0 for none that is needed. */
static Status case_number(const Features *f, const char *key, double fallback, double *value) {
    const char *text = safetensors_note(f->file, key);
    char *end = NULL;
    *value = text ? strtod(text, &end) : fallback;
    if (!(*value > 0) || (text && (end == text || *end)))
        return status_error(EXIT_DATA, "the case's %s is %s, not a number above 0", key, text ? text : "missing");
    return NULL;
}

static Status check_case(const Features *f) {
    static const char *const known[] = {"kind",  "image_size", "batch", "heads",  "norm_eps",   "made_with",
                                        "names", "pool",       "note",  "source", "checkpoint", "resize"};
    const char *key, *kind = safetensors_note(f->file, "kind");
    if (!kind || strcmp(kind, "features") != 0)
        return status_error(EXIT_DATA, "the case's kind is %s, not features", kind ? kind : "missing");
    for (int i = 0; (key = safetensors_note_key(f->file, i)); i++) {
        bool found = false;
        for (size_t j = 0; j < sizeof known / sizeof *known; j++)
            found |= strcmp(key, known[j]) == 0;
        if (!found)
            return status_error(EXIT_DATA, "the case has the setting %s, which is not known here", key);
    }
    return NULL;
}

/* What the case says of the weights, and what weights as narrow as its do not. */
static Status find_hints(const Features *f, EncoderHints *hints, double *batch) {
    const Tensor *patch = weights_find(f->weights, "patch_embed.proj.weight");
    const bool narrow = patch && patch->shape[0] % HEAD_SIZE;
    double size, heads = 0, eps = 0;
    TRY(case_number(f, "image_size", 0, &size));
    TRY(case_number(f, "batch", 0, batch));
    if (narrow || safetensors_note(f->file, "heads"))
        TRY(case_number(f, "heads", weights_find(f->weights, "blocks.0.ls1.gamma") ? DINO_HEADS : HEADS, &heads));
    if (safetensors_note(f->file, "norm_eps"))
        TRY(case_number(f, "norm_eps", 0, &eps));
    *hints = (EncoderHints){.heads = (int)heads, .norm_eps = eps, .image_size = (int)size};
    return NULL;
}

static Status find_images(Features *f, int batch) {
    const int64_t size = f->encoder.shape.image_size;
    const Tensor *images = safetensors_find(f->file, "images");
    if (!images || images->type != TYPE_F32 || images->count != batch * 3 * size * size)
        return status_error(EXIT_DATA, "the case has no images of its image_size and batch");
    f->images = (ModelInput){.image = images->data, .batch = batch};
    return NULL;
}

/* Room for values [batch][width], written out at the end. */
static Status add_result(Features *f, const char *name, int width, float **values) {
    const int64_t count = (int64_t)f->images.batch * width;
    *values = malloc(sizeof **values * (size_t)count);
    if (!*values)
        return status_no_memory(name, sizeof **values * (unsigned long long)count);
    f->results[f->count++] = (Tensor){name, TYPE_F32, 2, {f->images.batch, width}, count, *values};
    return NULL;
}

static Status encode(Features *f, const char *name, TaskFeatures tokens) {
    float *values;
    if (tokens != TASK_POOLED && !f->encoder.source.has_norm)
        return NULL;
    TRY(add_result(f, name, f->encoder.shape.dim, &values));
    return encoder_run(&f->encoder, tokens, &f->images, values);
}

static Status keep_result(Features *f, const char *name, const Real *from, int width) {
    float *values;
    TRY(add_result(f, name, width, &values));
    return model_read(&f->ops, from, (size_t)f->images.batch * (size_t)width, values);
}

static Status compute_head(Features *f, Vit *vit) {
    static const char *const head[] = {"head"};
    const InitialOptions options = {.path = f->arguments->checkpoint,
                                    .resize = (PositionResize)f->arguments->resize,
                                    .fresh = head,
                                    .fresh_count = !f->has_head};
    InitialTable table;
    TRY(initial_read(vit_params(vit), &options, NULL, &table));
    params_round(vit_params(vit), &f->ops);
    vit_forward(vit, &f->images);
    if (f->has_fc_norm)
        TRY(keep_result(f, "head", vit_features(vit), f->encoder.shape.dim));
    return f->has_head ? keep_result(f, "logits", vit_logits(vit), shape_outputs(vit_shape(vit))) : NULL;
}

static Status run_head(Features *f) {
    const Tensor *head = weights_find(f->weights, "head.weight");
    Vit *vit;
    f->has_fc_norm = weights_find(f->weights, "fc_norm.weight");
    f->has_head = head && head->dims == 2;
    if (!f->has_fc_norm && !f->has_head)
        return NULL;
    ModelShape shape = f->encoder.shape;
    shape.pool = f->has_fc_norm ? POOL_MEAN : POOL_CLS;
    shape.classes = f->has_head ? (int)head->shape[0] : 2;
    TRY(vit_open(&shape, &f->ops, &vit));
    Status status = compute_head(f, vit);
    vit_close(vit);
    return status;
}

static Status run_features(Features *f) {
    const Arguments *a = f->arguments;
    double batch;
    EncoderOptions options = {.from = a->checkpoint, .resize = (PositionResize)a->resize};
    TRY(safetensors_open(a->input, &f->file));
    TRY(check_case(f));
    TRY(weights_open(a->checkpoint, NULL, &f->weights));
    TRY(find_hints(f, &options.hints, &batch));
    options.batch = (int)batch;
    device_cpu()->operations(device_cpu(), 2, &f->ops);
    TRY(encoder_open(&options, &f->ops, stdout, &f->encoder));
    TRY(find_images(f, (int)batch));
    TRY(encode(f, "cls", TASK_CLS));
    TRY(encode(f, "mean", TASK_MEAN));
    TRY(encode(f, "pooled", TASK_POOLED));
    TRY(run_head(f));
    TRY(files_remove(a->out));
    return safetensors_write(a->out, f->results, f->count, NULL, 0);
}

#define AT(field) offsetof(Arguments, field)
static const char *const resizes[] = {"source", "bicubic", "antialias", NULL}; /* as PositionResize */
static const Option options[] = {
    {.name = "CHECKPOINT", .type = OPTION_PATH, .offset = AT(checkpoint), .help = "The weights."},
    {.name = "CASE", .type = OPTION_PATH, .offset = AT(input), .help = "The recorded case, which has the images."},
    {.name = "--out",
     .value = "OUT.safetensors",
     .type = OPTION_PATH,
     .offset = AT(out),
     .required = true,
     .help = "Gets what was computed."},
    {.name = "--resize",
     .type = OPTION_CHOICE,
     .choices = resizes,
     .offset = AT(resize),
     .fallback = "source",
     .help = "How position embeddings are resized."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "features",
    .about = "Opens weights as ./eval does and writes what the model makes of a recorded case's images.",
    .options = options,
    .exits = exits,
};

static Status run(void *context) {
    Features f = {.arguments = context};
    Status status = run_features(&f);
    for (int i = 0; i < f.count; i++)
        free((void *)(uintptr_t)f.results[i].data);
    encoder_close(&f.encoder);
    weights_close(f.weights);
    safetensors_close(f.file);
    return status;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
