/* SPDX-License-Identifier: Apache-2.0 */
/* features CHECKPOINT CASE --out OUT [--resize bicubic|antialias]
 *
 * Loads other people's weights as a run's start does, into the product's ViT of the weights' own shape and of the
 * case's image size, and writes what it makes of the case's images: `cls`, `mean` (of norm(x), where the file has that
 * norm), `pooled` (a norm without parameters over the mean of the patch tokens), `head` (fc_norm of it), `logits`.
 * Nothing is computed here. */
#include "base/files.h"
#include "base/program.h"
#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "base/threads.h"
#include "checkpoint/initial.h"
#include "checkpoint/weights.h"
#include "model/vit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESULTS = 5,
    HEAD_SIZE = 64, /* of every published model: weights do not tell how attention is divided */
    HEADS = 4,      /* of the recorded cases that are too narrow for that, and do not say */
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
    ModelShape shape;
    bool has_norm, has_fc_norm, has_head;
    Arena arena;
    float *image;          /* [batch][3][size][size] */
    Real *normed, *pooled; /* [batch][tokens][dim], [batch][dim] */
    float *mean, *rstd;    /* [batch][tokens] */
    float *ones, *zeros;   /* [dim] */
    const Real *tokens;    /* the encoder's last sum, before any norm */
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

static Status need_tensor(const Features *f, const char *name, int dims, const Tensor **tensor) {
    *tensor = weights_find(f->weights, name);
    if (!*tensor || (*tensor)->dims != dims)
        return status_error(EXIT_DATA, "%s: has no tensor %s of %d dimensions", f->arguments->checkpoint, name, dims);
    return NULL;
}

/* The shape of the model that the weights are of. */
static Status find_shape(Features *f) {
    const Tensor *patch, *hidden, *head = weights_find(f->weights, "head.weight");
    double size, batch, heads, eps;
    char name[64];
    int depth = 0;
    TRY(case_number(f, "image_size", 0, &size));
    TRY(case_number(f, "batch", 0, &batch));
    TRY(need_tensor(f, "patch_embed.proj.weight", 4, &patch));
    const bool dino = weights_find(f->weights, "blocks.0.ls1.gamma");
    const int64_t width = patch->shape[0];
    TRY(case_number(f, "heads",
                    width % HEAD_SIZE == 0 ? (double)(width / HEAD_SIZE)
                    : dino                 ? DINO_HEADS
                                           : HEADS,
                    &heads));
    TRY(case_number(f, "norm_eps", 1e-6, &eps));
    TRY(need_tensor(f, "blocks.0.mlp.fc1.weight", 2, &hidden));
    do
        snprintf(name, sizeof name, "blocks.%d.norm1.weight", ++depth);
    while (weights_find(f->weights, name));
    f->has_norm = weights_find(f->weights, "norm.weight");
    f->has_fc_norm = weights_find(f->weights, "fc_norm.weight");
    f->has_head = head && head->dims == 2;
    f->shape = (ModelShape){.image_size = (int)size,
                            .patch_size = (int)patch->shape[3],
                            .dim = (int)width,
                            .depth = depth,
                            .heads = (int)heads,
                            .mlp_ratio = (double)hidden->shape[0] / (double)width,
                            .norm_eps = eps,
                            .activation = ACTIVATION_GELU_ERF,
                            .classes = f->has_head ? (int)head->shape[0] : 2,
                            .layer_scale = dino,
                            .batch = (int)batch};
    return NULL;
}

static void lay_out(Features *f, Arena *arena) {
    const size_t size = (size_t)f->shape.image_size, batch = (size_t)f->shape.batch, dim = (size_t)f->shape.dim;
    const size_t rows = batch * (1 + (size_t)shape_patches(&f->shape));
    f->image = arena_take(arena, batch * 3 * size * size * sizeof *f->image);
    f->normed = arena_take(arena, rows * dim * sizeof(float));
    f->pooled = arena_take(arena, batch * dim * sizeof(float));
    f->mean = arena_take(arena, rows * sizeof *f->mean);
    f->rstd = arena_take(arena, rows * sizeof *f->rstd);
    f->ones = arena_take(arena, dim * sizeof *f->ones);
    f->zeros = arena_take(arena, dim * sizeof *f->zeros);
}

static Status open_memory(Features *f) {
    Arena measure = {0};
    const int64_t size = f->shape.image_size;
    const Tensor *images = safetensors_find(f->file, "images");
    if (!images || images->type != TYPE_F32 || images->count != f->shape.batch * 3 * size * size)
        return status_error(EXIT_DATA, "the case has no images of its image_size and batch");
    lay_out(f, &measure);
    TRY(arena_open(&f->arena, measure.used, "the case"));
    lay_out(f, &f->arena);
    memcpy(f->image, images->data, sizeof *f->image * (size_t)images->count);
    for (int i = 0; i < f->shape.dim; i++)
        f->ones[i] = 1;
    return NULL;
}

/* A copy of `values` [batch][width], written out at the end. */
static Status keep_result(Features *f, const char *name, const Real *values, int width) {
    const int64_t count = (int64_t)f->shape.batch * width;
    float *copy = malloc(sizeof *copy * (size_t)count);
    if (!copy)
        return status_no_memory(name, sizeof *copy * (unsigned long long)count);
    f->results[f->count++] = (Tensor){name, TYPE_F32, 2, {f->shape.batch, width}, count, copy};
    return model_read(&f->ops, values, (size_t)count, copy);
}

static bool find_tokens(void *context, const VisitedTensor *tensor) {
    Features *f = context;
    char name[64];
    snprintf(name, sizeof name, "blocks.%d.mlp.residual", f->shape.depth - 1);
    if (strcmp(tensor->name, name) != 0)
        return true;
    f->tokens = tensor->values;
    return false;
}

static void norm_rows(Features *f, const Real *x, const float *weight, const float *bias, Real *y, int rows) {
    f->ops.norm_forward(&f->ops, &(NormForward){.x = x,
                                                .weight = weight,
                                                .bias = bias,
                                                .eps = (float)f->shape.norm_eps,
                                                .y = y,
                                                .mean = f->mean,
                                                .rstd = f->rstd,
                                                .rows = rows,
                                                .dim = f->shape.dim});
}

static void pool_mean(Features *f, const Real *x) {
    f->ops.pool_forward(&f->ops, &(PoolForward){.x = x,
                                                .pool = POOL_MEAN,
                                                .y = f->pooled,
                                                .batch = f->shape.batch,
                                                .tokens = 1 + shape_patches(&f->shape),
                                                .dim = f->shape.dim});
}

/* What the tokens give that the model's head does not see. */
static Status keep_tokens(Features *f, const Params *params) {
    const int dim = f->shape.dim, batch = f->shape.batch;
    pool_mean(f, f->tokens);
    norm_rows(f, f->pooled, f->ones, f->zeros, f->normed, batch);
    TRY(keep_result(f, "pooled", f->normed, dim));
    const Param *weight = params_find(params, "norm.weight"), *bias = params_find(params, "norm.bias");
    if (!weight || !bias)
        return NULL;
    norm_rows(f, f->tokens, params->value + weight->offset, params->value + bias->offset, f->normed,
              batch * (1 + shape_patches(&f->shape)));
    pool_mean(f, f->normed);
    return keep_result(f, "mean", f->pooled, dim);
}

static Status compute(Features *f, Vit *vit, bool last) {
    static const char *const head[] = {"head"};
    const InitialOptions options = {.path = f->arguments->checkpoint,
                                    .resize = (PositionResize)f->arguments->resize,
                                    .fresh = head,
                                    .fresh_count = !f->has_head};
    InitialTable table;
    TRY(initial_read(vit_params(vit), &options, stdout, &table));
    params_round(vit_params(vit), &f->ops);
    vit_forward(vit, &(ModelInput){.image = f->image, .batch = f->shape.batch});
    TRY(keep_result(f, f->shape.pool == POOL_CLS ? "cls" : "head", vit_features(vit), f->shape.dim));
    if (last && f->has_head)
        TRY(keep_result(f, "logits", vit_logits(vit), shape_outputs(&f->shape)));
    if (f->tokens)
        return NULL;
    vit_visit(vit, find_tokens, f);
    return keep_tokens(f, vit_params(vit));
}

/* One model for each norm that the file has; the head is behind the last. */
static Status compute_all(Features *f) {
    const Pool pools[] = {POOL_CLS, POOL_MEAN};
    const bool has[] = {f->has_norm, f->has_fc_norm};
    for (int i = 0; i < 2; i++) {
        Vit *vit;
        if (!has[i])
            continue;
        f->shape.pool = pools[i];
        TRY(vit_open(&f->shape, &f->ops, &vit));
        Status status = compute(f, vit, i == 1 || !has[1]);
        vit_close(vit);
        TRY(status);
    }
    return f->count ? NULL : status_error(EXIT_DATA, "%s: has neither norm nor fc_norm", f->arguments->checkpoint);
}

static Status run_features(Features *f) {
    const Arguments *a = f->arguments;
    TRY(safetensors_open(a->input, &f->file));
    TRY(check_case(f));
    TRY(weights_open(a->checkpoint, NULL, &f->weights));
    TRY(weights_check_parts(f->weights));
    TRY(find_shape(f));
    TRY(open_memory(f));
    device_cpu()->operations(device_cpu(), 2, &f->ops);
    TRY(compute_all(f));
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
    .about = "Loads weights as a run's start does and writes what the model makes of a recorded case's images.",
    .options = options,
    .exits = exits,
};

static Status run(void *context) {
    Features f = {.arguments = context};
    Status status = run_features(&f);
    for (int i = 0; i < f.count; i++)
        free((void *)(uintptr_t)f.results[i].data);
    arena_close(&f.arena);
    weights_close(f.weights);
    safetensors_close(f.file);
    return status;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
