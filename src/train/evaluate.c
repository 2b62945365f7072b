/* SPDX-License-Identifier: Apache-2.0 */
#include "train/evaluate.h"

#include "base/threads.h"
#include "checkpoint/initial.h"
#include "device/open.h"
#include "train/objective/model_shape.h"
#include "train/objective/objectives.h"
#include "train/run/run_open.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IMAGES = 32 }; /* at a time, where the configuration leaves it open: little memory, few launches */

typedef struct {
    const EvaluateInput *input;
    Device *device;
    Ops ops;
    Records train, val; /* what the targets are of */
    Targets targets;
    Objective *objective;
    EvaluationImages images; /* [shape.batch], those that are evaluated together */
    double *values;
} Evaluation;

static int choose_batch(const Config *config) {
    const int64_t all = config->train.global_batch, asked = config->train.micro_batch;
    const int64_t most = asked > 0 ? asked : MOST_IMAGES;
    return (int)(most < all ? most : all);
}

static Status open_targets(Evaluation *e, const ObjectiveKind *kind) {
    const Config *config = e->input->config;
    if (!kind->read)
        return NULL;
    TRY(run_open_training_records(config, &e->train));
    if (config->data.val[0])
        TRY(records_open(config->data.val, "", RECORDS_VAL, &e->val));
    return kind->read(config, &e->train, &e->val, e->input->labels, &e->targets);
}

/* Nothing is trained: no gradients are kept where they can be left out, and nothing is drawn. */
static ModelShape shape_of(const Evaluation *e) {
    const Config *config = e->input->config;
    ModelShape shape = model_shape_of(config, choose_batch(config));
    shape.classes = e->targets.classes;
    shape.frozen = config->train.objective == OBJECTIVE_MAE ? 0 : shape.depth + 1;
    shape.looks = shape.whole = shape.fp8 = false;
    shape.drop_path = 0;
    return shape;
}

static Status read_weights(Evaluation *e) {
    const InitialOptions options = {.path = e->input->weights, .resize = RESIZE_BY_SOURCE};
    InitialTable table = {0};
    Status status = initial_read(e->objective->params, &options, NULL, &table);
    if (status_code(status) == EXIT_DATA && table.counts[INITIAL_MISSING] &&
        e->input->config->train.objective == OBJECTIVE_MAE)
        return status_append(status, "; an encoder alone reconstructs nothing: give weights with their decoder");
    TRY(status);
    if (table.counts[INITIAL_RESIZED])
        return status_error(EXIT_DATA,
                            "%s: is of another image size than %lld, so that its position embeddings would be resized; "
                            "give weights of that size",
                            e->input->weights, (long long)e->input->config->model.image_size);
    params_round(e->objective->params, &e->ops);
    return NULL;
}

static Status open_model(Evaluation *e) {
    const Config *config = e->input->config;
    const ObjectiveKind *kind = objectives_find(config);
    TRY(run_open_device(config, stdout, &e->device));
    e->device->operations(e->device, config->train.threads ? (int)config->train.threads : threads_available(), &e->ops);
    e->ops.type = model_shape_type(config);
    TRY(open_targets(e, kind));
    const ObjectiveOptions own = {.shape = shape_of(e),
                                  .global_batch = choose_batch(config),
                                  .seed = (uint64_t)config->train.seed,
                                  .targets = &e->targets};
    TRY(kind->open(&own, &e->ops, &e->objective));
    TRY(e->device->reserve_scratch(e->device, kind->scratch(&own.shape, e->ops.type)));
    return read_weights(e);
}

static Status allocate(Evaluation *e) {
    const size_t side = (size_t)e->input->config->model.image_size, batch = (size_t)e->objective->shape->batch;
    const size_t count = (size_t)e->input->records->count * (size_t)e->objective->values;
    e->images = (EvaluationImages){.image_size = (int)side,
                                   .pixels = malloc(batch * side * side * 3),
                                   .records = malloc(batch * sizeof *e->images.records)};
    e->values = malloc((count ? count : 1) * sizeof *e->values);
    if (!e->images.pixels || !e->images.records || !e->values)
        return status_no_memory("an evaluation", batch * side * side * 3 + count * sizeof *e->values);
    for (size_t i = 0; i < count; i++)
        e->values[i] = NAN;
    return NULL;
}

static Status evaluate_waiting(Evaluation *e) {
    const int count = e->images.count;
    const size_t width = (size_t)e->objective->values;
    double *values = malloc((size_t)(count ? count : 1) * width * sizeof *values);
    if (!values)
        return status_no_memory("an evaluation", (size_t)count * width * sizeof *values);
    Status status = e->objective->evaluate(e->objective, &e->images, values);
    for (int i = 0; i < count && !status; i++)
        memcpy(e->values + (size_t)e->images.records[i] * width, values + (size_t)i * width, width * sizeof *values);
    free(values);
    e->images.count = 0;
    return status;
}

static Status take_image(Evaluation *e, const PrefetchBatch *batch, size_t bytes) {
    EvaluationImages *images = &e->images;
    memcpy(images->pixels + (size_t)images->count * bytes, batch->samples, bytes);
    images->records[images->count++] = batch->records[0];
    return images->count < e->objective->shape->batch ? NULL : evaluate_waiting(e);
}

static Status stream_images(Evaluation *e, Loader *loader) {
    const size_t side = (size_t)e->images.image_size;
    int64_t last = -1;
    for (int64_t i = 0; i < e->input->records->count; i++) {
        PrefetchBatch batch;
        TRY(loader_next(loader, &batch));
        /* In place of one that cannot be read the next one is shown, which has its own turn. */
        Status status = batch.records[0] > last && e->input->wanted[batch.records[0]]
                            ? take_image(e, &batch, side * side * 3)
                            : NULL;
        last = batch.records[0] > last ? batch.records[0] : last;
        loader_done(loader);
        TRY(status);
    }
    return evaluate_waiting(e);
}

static Status read_images(Evaluation *e) {
    const Config *config = e->input->config;
    const LoaderOptions options = {.records = e->input->records,
                                   .cache = LOADER_AUTO,
                                   .image_size = (int)config->model.image_size,
                                   .min_side = (int)config->model.patch_size,
                                   .evaluate = true,
                                   .batch_size = 1,
                                   .workers = (int)config->data.workers,
                                   .depth = (int)config->data.prefetch_batches,
                                   .device = e->device,
                                   .max_unreadable = config->data.max_unreadable,
                                   .limit_name = "data.max_unreadable"};
    Loader *loader;
    TRY(loader_open(&options, &loader));
    Status status = stream_images(e, loader);
    loader_close(loader);
    return status;
}

static void close_evaluation(Evaluation *e) {
    evaluation_images_close(&e->images);
    if (e->objective)
        e->objective->close(e->objective);
    status_free(ops_error(&e->ops));
    device_close(e->device);
    targets_close(&e->targets);
    records_close(&e->train);
    records_close(&e->val);
}

Status evaluate_images(const EvaluateInput *input, double **values, int *width) {
    Evaluation e = {.input = input};
    *values = NULL;
    *width = 0;
    Status status = open_model(&e);
    if (!status)
        status = allocate(&e);
    if (!status)
        status = read_images(&e);
    if (!status) {
        *values = e.values;
        *width = e.objective->values;
        e.values = NULL;
    }
    free(e.values);
    close_evaluation(&e);
    return status;
}
