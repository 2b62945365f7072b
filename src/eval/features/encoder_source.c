/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/features/encoder_source.h"

#include "base/files.h"
#include "checkpoint/checksums.h"
#include "checkpoint/directory.h"
#include "rundir/run_directory.h"
#include "train/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_SIZE = 64 }; /* of every published model: weights do not tell how attention is divided */

/* --- The shape, from tensors --- */

static Status need_tensor(const Weights *weights, const char *name, int dims, const Tensor **tensor) {
    *tensor = weights_find(weights, name);
    if (!*tensor || (*tensor)->dims != dims)
        return status_error(EXIT_DATA, "%s: no encoder is in it: it has no tensor %s of %d dimensions",
                            weights_path(weights), name, dims);
    return NULL;
}

/* A number in the files' notes; 0: there is none. */
static double find_note(const Weights *weights, const char *key) {
    TensorNote note;
    for (int i = 0; weights_note_at(weights, i, &note); i++)
        if (strcmp(note.key, key) == 0)
            return strtod(note.value, NULL);
    return 0;
}

static Status find_heads(const Weights *weights, const EncoderHints *hints, int64_t width, int *heads, bool *assumed) {
    const double noted = find_note(weights, "heads");
    const bool usable = noted >= 1 && noted <= (double)width && noted == floor(noted);
    *assumed = !hints->heads && !usable;
    *heads = hints->heads ? hints->heads : usable ? (int)noted : width % HEAD_SIZE ? 0 : (int)(width / HEAD_SIZE);
    if (*heads < 1 || width % *heads)
        return status_error(EXIT_DATA,
                            "%s: an encoder of width %lld cannot have %s; say how many heads its attention has "
                            "(--heads)",
                            weights_path(weights), (long long)width,
                            *heads ? "so many heads" : "heads of width 64, as published ones have");
    return NULL;
}

/* The side of the grid that position embeddings are of. */
static Status find_grid(const Weights *weights, const Tensor *positions, int *grid) {
    const int64_t patches = positions->shape[1] - 1;
    *grid = (int)lround(sqrt((double)patches));
    if (patches < 1 || (int64_t)*grid * *grid != patches)
        return status_error(EXIT_DATA, "%s: its position embeddings are of %lld patches, which is no square",
                            weights_path(weights), (long long)patches);
    return NULL;
}

static Status check_image_size(const char *path, const ModelShape *shape) {
    const int patch = shape->patch_size, image = shape->image_size;
    if (image % patch == 0)
        return NULL;
    return status_error(EXIT_USAGE,
                        "%s: images of %d pixels cannot be cut into its patches of %d; the next sizes are %d and %d "
                        "(features.image_size)",
                        path, image, patch, image / patch * patch, (image / patch + 1) * patch);
}

Status encoder_shape(const Weights *weights, const EncoderHints *hints, ModelShape *shape, bool *assumed) {
    const Tensor *patch, *hidden, *positions;
    char name[64];
    int depth = 0, heads, grid;
    TRY(need_tensor(weights, "patch_embed.proj.weight", 4, &patch));
    TRY(need_tensor(weights, "blocks.0.mlp.fc1.weight", 2, &hidden));
    TRY(need_tensor(weights, "pos_embed", 3, &positions));
    const int64_t width = patch->shape[0];
    if (width < 1 || width > INT32_MAX / 8 || patch->shape[3] < 1 || patch->shape[3] > 4096)
        return status_error(EXIT_DATA, "%s: no encoder is in it: its patch embedding is of %lld pixels and %lld values",
                            weights_path(weights), (long long)patch->shape[3], (long long)width);
    TRY(find_heads(weights, hints, width, &heads, assumed));
    TRY(find_grid(weights, positions, &grid));
    do
        snprintf(name, sizeof name, "blocks.%d.norm1.weight", ++depth);
    while (weights_find(weights, name));
    const double eps = weights_source(weights) == WEIGHTS_OF_HUGGING_FACE ? 1e-12 : 1e-6;
    *shape = (ModelShape){.image_size = hints->image_size ? hints->image_size : grid * (int)patch->shape[3],
                          .patch_size = (int)patch->shape[3],
                          .dim = (int)width,
                          .depth = depth,
                          .heads = heads,
                          .mlp_ratio = (double)hidden->shape[0] / (double)width,
                          .norm_eps = hints->norm_eps > 0 ? hints->norm_eps : eps,
                          .activation = ACTIVATION_GELU_ERF,
                          .layer_scale = weights_find(weights, "blocks.0.ls1.gamma"),
                          .batch = 1};
    return check_image_size(weights_path(weights), shape);
}

static Status shape_of_weights(const EncoderHints *hints, EncoderSource *source) {
    Weights *weights;
    TRY(weights_open(source->weights, hints->key, &weights));
    Status status = weights_check_parts(weights);
    if (!status)
        status = encoder_shape(weights, hints, &source->shape, &source->assumed);
    source->has_norm = weights_find(weights, "norm.weight");
    weights_close(weights);
    return status;
}

/* --- The shape, from a run's configuration --- */

static Status shape_of_run(const char *config_path, const EncoderHints *hints, EncoderSource *source) {
    Config *config = malloc(sizeof *config); /* too large for a stack */
    if (!config)
        return status_no_memory("a run's configuration", sizeof *config);
    Status status = config_load(&train_config, config, config_path, NULL, 0, NULL);
    if (!status) {
        const bool decodes = config->train.objective == OBJECTIVE_MAE;
        source->seed = (uint64_t)config->train.seed;
        source->has_norm = decodes || config->model.pool == POOL_CLS;
        source->shape =
            (ModelShape){.image_size = hints->image_size ? hints->image_size : (int)config->model.image_size,
                         .patch_size = (int)config->model.patch_size,
                         .dim = (int)config->model.dim,
                         .depth = (int)config->model.depth,
                         .heads = (int)config->model.heads,
                         .mlp_ratio = 4,
                         .norm_eps = 1e-6,
                         .activation = config->model.activation,
                         .layer_scale = config->model.layer_scale,
                         .batch = 1};
        status = check_image_size(config_path, &source->shape);
        config_free(&train_config, config);
    }
    free(config);
    return status;
}

/* --- What is at a path --- */

static bool has_file(const char *directory, const char *name) {
    char *path;
    Status status = files_path(&path, "%s/%s", directory, name);
    const bool has = !status && files_size(path) >= 0;
    status_free(status);
    free(path);
    return has;
}

/* `directory` is RUN; its newest complete checkpoint is taken. */
static Status take_run(const char *directory, EncoderSource *source) {
    RunDirectory run;
    int64_t step;
    char *checkpoint = NULL;
    TRY(files_path(&source->run, "%s", directory));
    Status status = run_directory_open(&run, directory);
    if (!status)
        status = run_directory_checkpoint(&run, &step, &checkpoint);
    run_directory_close(&run);
    if (!status && !checkpoint && !source->random)
        status = status_error(EXIT_DATA,
                              "%s has no complete checkpoint; let the run write one, or name %s:random for an encoder "
                              "as it begins",
                              directory, directory);
    if (!status && checkpoint && !source->random)
        status = checkpoint_verify(checkpoint);
    if (!status && checkpoint)
        status = files_path(&source->weights, "%s/" CHECKPOINT_WEIGHTS, checkpoint);
    free(checkpoint);
    return status;
}

/* `directory` is RUN/ckpt/step-N, or a link to it; the run is above it, where it has not been moved away. */
static Status take_checkpoint(const char *directory, EncoderSource *source) {
    char *real = realpath(directory, NULL), *run = NULL;
    Status status = real ? files_path(&run, "%s/../..", real) : NULL;
    if (!status && run && has_file(run, "config.ini"))
        source->run = realpath(run, NULL);
    free(run);
    free(real);
    TRY(status);
    TRY(checkpoint_verify(directory));
    return files_path(&source->weights, "%s/" CHECKPOINT_WEIGHTS, directory);
}

/* The folder of a file that is named weights.safetensors as in a checkpoint; NULL: it is in none. */
static char *checkpoint_around(const char *file) {
    const size_t length = strlen(file), name = strlen("/" CHECKPOINT_WEIGHTS);
    if (length <= name || strcmp(file + length - name, "/" CHECKPOINT_WEIGHTS) != 0)
        return NULL;
    char *directory = strndup(file, length - name);
    if (directory && has_file(directory, CHECKPOINT_STATE))
        return directory;
    free(directory);
    return NULL;
}

static Status take_path(const char *path, EncoderSource *source) {
    if (!files_exists(path))
        return status_error(EXIT_USAGE, "%s: there is no such run, checkpoint or file of weights", path);
    if (has_file(path, "config.ini"))
        return take_run(path, source);
    if (has_file(path, CHECKPOINT_STATE))
        return take_checkpoint(path, source);
    char *around = checkpoint_around(path);
    Status status = around ? take_checkpoint(around, source) : files_path(&source->weights, "%s", path);
    free(around);
    return status;
}

static Status find_shape(const EncoderHints *hints, EncoderSource *source) {
    char *config;
    if (!source->run)
        return shape_of_weights(hints, source);
    TRY(files_path(&config, "%s/config.ini", source->run));
    Status status = shape_of_run(config, hints, source);
    free(config);
    return status;
}

Status encoder_source_open(const char *from, const EncoderHints *hints, EncoderSource *source) {
    static const char suffix[] = ":random";
    const size_t length = strlen(from), tail = strlen(suffix);
    *source = (EncoderSource){.seed = 1};
    source->random = length > tail && strcmp(from + length - tail, suffix) == 0 && !files_exists(from);
    char *path = strndup(from, source->random ? length - tail : length);
    if (!path)
        return status_no_memory("a path", length);
    Status status = take_path(path, source);
    free(path);
    return status ? status : find_shape(hints, source);
}

void encoder_source_close(EncoderSource *source) {
    free(source->weights);
    free(source->run);
    *source = (EncoderSource){0};
}
