/* SPDX-License-Identifier: Apache-2.0 */
/* Writes what both sides of a comparison start from: FOLDER/weights.safetensors, the initial model of that
 * configuration (public names under "weights.", shape and optimizer in __metadata__), and FOLDER/data.safetensors:
 *
 *   pixels  uint8 [ring][batch][size][size][3]   random ones, or those of the images
 *   ids     int32 [ring][batch][patches]         orders of patches; the first ones stay visible
 *   lr      float [steps]                        the learning rate of each step
 *
 * Prints one JSON object with the model's floating-point operations. */
#include "base/files.h"
#include "base/json.h"
#include "base/program.h"
#include "base/safetensors.h"
#include "base/safetensors_write.h"
#include "base/threads.h"
#include "cost/flops.h"
#include "data/loader.h"
#include "device/device.h"
#include "model/mae.h"
#include "train/config.h"
#include "train/objective/masks.h"
#include "train/objective/model_shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The masks of image i of the ring are those of record i in epoch 0 under this seed. */
enum { NOTES = 32, WARMUP_SHARE = 10, SEED = 1 };

typedef struct {
    const char *folder, *config, *images;
    OptionTexts sets;
    int batch, ring, steps;
    bool no_weights;
} Arguments;

#define AT(field) offsetof(Arguments, field)
static const Option options[] = {
    {.name = "FOLDER", .type = OPTION_PATH, .offset = AT(folder), .help = "Gets the files."},
    {.name = "--config",
     .value = "FILE",
     .type = OPTION_PATH,
     .offset = AT(config),
     .required = true,
     .help = "Configuration of the model and its optimizer."},
    {.name = "--set",
     .value = "section.key=value",
     .type = OPTION_TEXTS,
     .offset = AT(sets),
     .help = "Overrides a key of the configuration."},
    {.name = "--batch",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(batch),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .required = true,
     .help = "Images in a batch."},
    {.name = "--ring",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(ring),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .fallback = "8",
     .help = "Batches."},
    {.name = "--steps",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(steps),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .fallback = "0",
     .help = "Steps whose learning rates are written."},
    {.name = "--images",
     .value = "FOLDER",
     .type = OPTION_PATH,
     .offset = AT(images),
     .unset = "random pixels",
     .help = "Folder of images to take."},
    {.name = "--no-weights", .type = OPTION_FLAG, .offset = AT(no_weights), .help = "Writes no weights.safetensors."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "mae_export",
    .about = "Writes what both sides of a comparison start from: a model's first weights, images, masks and learning "
             "rates. Prints one JSON object with the model's floating-point operations.",
    .options = options,
    .exits = exits,
};

typedef struct {
    TensorNote list[NOTES];
    char values[NOTES][32];
    int count;
} Notes;

static void note(Notes *notes, const char *key, double value) {
    snprintf(notes->values[notes->count], sizeof notes->values[0], "%.17g", value);
    notes->list[notes->count] = (TensorNote){key, notes->values[notes->count]};
    notes->count++;
}

static void note_all(Notes *notes, const ModelShape *s, const Config *config, int keep) {
    note(notes, "image_size", s->image_size);
    note(notes, "patch_size", s->patch_size);
    note(notes, "dim", s->dim);
    note(notes, "depth", s->depth);
    note(notes, "heads", s->heads);
    note(notes, "decoder_dim", s->decoder_dim);
    note(notes, "decoder_depth", s->decoder_depth);
    note(notes, "decoder_heads", s->decoder_heads);
    note(notes, "mask_ratio", s->mask_ratio);
    note(notes, "keep", keep);
    note(notes, "norm_pix_loss", s->norm_pix_loss);
    note(notes, "gelu_tanh", s->activation == ACTIVATION_GELU_TANH);
    note(notes, "beta1", config->optim.beta1);
    note(notes, "beta2", config->optim.beta2);
    note(notes, "eps", config->optim.eps);
    note(notes, "weight_decay", config->optim.weight_decay);
}

/* The weights at the start. The CPU's table makes them, whatever device takes them up. */
static Status write_weights(const Arguments *a, const Config *config, const ModelShape *shape) {
    Ops ops;
    Mae *mae = NULL;
    char *path;
    ops_cpu(&ops, 1);
    TRY(files_path(&path, "%s/weights.safetensors", a->folder));
    Status status = mae_open(shape, &ops, &mae);
    if (!status)
        status = mae_init(mae, SEED);
    if (!status) {
        const Params *params = mae_params(mae);
        Notes notes = {.count = 0};
        Tensor *tensors = calloc((size_t)params->count, sizeof *tensors);
        char(*names)[96] = calloc((size_t)params->count, sizeof *names);
        if (tensors && names) {
            note_all(&notes, shape, config, mae_keep(mae));
            const int count = params_views(params, params->value, false, "weights.", names, tensors);
            status = safetensors_write(path, tensors, count, notes.list, notes.count);
        } else {
            status = status_no_memory("the list of weights", (size_t)params->count * sizeof *tensors);
        }
        free(tensors);
        free(names);
    }
    mae_close(mae);
    free(path);
    return status;
}

/* Views of the folder's images, round and round. */
static Status read_images(const Arguments *a, const Config *config, uint8_t *pixels, size_t bytes) {
    Records records;
    Loader *loader = NULL;
    TRY(records_open(a->images, "", RECORDS_TRAIN, &records));
    const LoaderOptions options = {.records = &records,
                                   .image_size = (int)config->model.image_size,
                                   .min_side = (int)config->model.patch_size,
                                   .evaluate = true,
                                   .batch_size = a->batch,
                                   .workers = 2,
                                   .device = device_cpu(),
                                   .depth = 2};
    Status status = loader_open(&options, &loader);
    for (int i = 0; i < a->ring && !status; i++) {
        PrefetchBatch batch;
        status = loader_next(loader, &batch);
        if (status)
            break;
        memcpy(pixels + (size_t)i * bytes, batch.samples, bytes);
        loader_done(loader);
    }
    loader_close(loader);
    records_close(&records);
    return status;
}

static void draw_pixels(uint8_t *pixels, size_t bytes) {
    Random random;
    random_start(&random, SEED, RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < bytes; i += sizeof(uint32_t)) {
        const uint32_t value = random_u32(&random);
        memcpy(pixels + i, &value, bytes - i < sizeof value ? bytes - i : sizeof value);
    }
}

static Status draw_ids(const Arguments *a, int patches, int32_t *ids) {
    const int count = a->ring * a->batch;
    int64_t *records = malloc((size_t)count * sizeof *records);
    Masks masks;
    Status status = records ? masks_open(&masks, count, patches) : status_no_memory("the masks", (size_t)count);
    if (!status) {
        for (int i = 0; i < count; i++)
            records[i] = i;
        masks_draw(&masks, SEED, 0, records, count);
        memcpy(ids, masks.ids, (size_t)count * (size_t)patches * sizeof *ids);
        masks_close(&masks);
    }
    free(records);
    return status;
}

/* Up over the first tenth, then the configuration's rate for 256 images, or for as many as there are beyond that. */
static void set_rates(const Arguments *a, const Config *config, float *rates) {
    const double peak = config->optim.base_lr * (a->batch > 256 ? a->batch / 256.0 : 1);
    for (int i = 0; i < a->steps; i++) {
        const double warm = (double)(i + 1) * WARMUP_SHARE / a->steps;
        rates[i] = (float)(peak * (warm < 1 ? warm : 1));
    }
}

static Status write_data(const Arguments *a, const Config *config, int patches) {
    const int64_t side = config->model.image_size;
    const size_t bytes = (size_t)a->batch * (size_t)(side * side) * 3, images = (size_t)a->ring * (size_t)a->batch;
    uint8_t *pixels = malloc((size_t)a->ring * bytes);
    int32_t *ids = malloc(images * (size_t)patches * sizeof *ids);
    float *rates = calloc((size_t)a->steps + 1, sizeof *rates);
    char *path;
    Status status = files_path(&path, "%s/data.safetensors", a->folder);
    if (!status && (!pixels || !ids || !rates))
        status = status_no_memory("the images", (size_t)a->ring * bytes);
    if (!status && a->images)
        status = read_images(a, config, pixels, bytes);
    else if (!status)
        draw_pixels(pixels, (size_t)a->ring * bytes);
    if (!status)
        status = draw_ids(a, patches, ids);
    if (!status) {
        set_rates(a, config, rates);
        const int64_t pixel_count = (int64_t)a->ring * (int64_t)bytes, id_count = (int64_t)images * patches;
        const Tensor tensors[] = {
            {"pixels", TYPE_U8, 5, {a->ring, a->batch, side, side, 3}, pixel_count, pixels},
            {"ids", TYPE_I32, 3, {a->ring, a->batch, patches}, id_count, ids},
            {"lr", TYPE_F32, 1, {a->steps}, a->steps, rates},
        };
        status = safetensors_write(path, tensors, a->steps ? 3 : 2, NULL, 0);
    }
    free(pixels);
    free(ids);
    free(rates);
    free(path);
    return status;
}

static Status run(void *context) {
    const Arguments *a = context;
    Config config;
    TRY(config_load(&train_config, &config, a->config, a->sets.list, a->sets.count, stderr));
    TRY(files_make_directory(a->folder));
    const ModelShape shape = model_shape_of(&config, 1);
    TRY(model_check(&shape, true));
    if (!a->no_weights)
        TRY(write_weights(a, &config, &shape));
    TRY(write_data(a, &config, (shape.image_size / shape.patch_size) * (shape.image_size / shape.patch_size)));
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_real(&json, "flop_per_image", flops_training(&shape));
    json_string(&json, "gelu", config_choice_name(&train_config, "model.activation", (int)config.model.activation));
    json_end(&json);
    json_newline(&json);
    return NULL;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
