/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/features/extract.h"

#include "base/clock.h"
#include "base/progress.h"
#include "base/threads.h"
#include "data/loader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CENTER_UP_TO = 224, /* pixels, as RETFound: larger images are seen whole */
    DEPTH = 3,          /* batches in memory */
};

FeatureOptions features_options(const TaskConfig *task, const Encoder *encoder) {
    const bool center = task->features.view == TASK_VIEW_CENTER ||
                        (task->features.view == TASK_VIEW_AUTO && encoder->shape.image_size <= CENTER_UP_TO);
    return (FeatureOptions){.tokens = task->features.tokens,
                            .view = center ? VIEW_CENTER : VIEW_WHOLE,
                            .max_unreadable = task->data.max_unreadable};
}

Status features_allocate(Features *features, int64_t count, int width) {
    const size_t values = (size_t)count * (size_t)width;
    *features = (Features){.count = count, .width = width};
    features->values = malloc(values * sizeof *features->values);
    features->readable = malloc((size_t)count * sizeof *features->readable);
    return features->values && features->readable
               ? NULL
               : status_no_memory("the features of all images", values * sizeof *features->values);
}

void features_close(Features *features) {
    free(features->values);
    free(features->readable);
    *features = (Features){0};
}

Status features_gather(const Features *features, const int64_t *record, int64_t rows, float **values) {
    const size_t width = (size_t)features->width;
    *values = malloc(((size_t)rows * width + 1) * sizeof **values);
    if (!*values)
        return status_no_memory("the features of a task", (size_t)rows * width * sizeof **values);
    for (int64_t i = 0; i < rows; i++)
        memcpy(*values + (size_t)i * width, features->values + (size_t)record[i] * width, width * sizeof **values);
    return NULL;
}

/* Reading takes a core for some thousand images a second, which a GPU can ask for; a CPU needs its cores itself. */
static int count_workers(const Device *device) {
    const int cores = threads_available();
    return device->host_memory || cores < 4 ? 2 : cores / 2;
}

static Status open_loader(const Encoder *encoder, const Records *records, const FeatureOptions *options,
                          Loader **loader) {
    const LoaderOptions wanted = {.records = records,
                                  .image_size = encoder->shape.image_size,
                                  .min_side = encoder->shape.patch_size,
                                  .evaluate = true,
                                  .view = options->view,
                                  .batch_size = encoder->shape.batch,
                                  .workers = count_workers(encoder->ops->device),
                                  .depth = DEPTH,
                                  .device = encoder->ops->device,
                                  .max_unreadable = options->max_unreadable,
                                  .limit_name = "data.max_unreadable"};
    return loader_open(&wanted, loader);
}

/* An unreadable record's features are not known. The loader showed another one in its place. */
static void mark_records(const PrefetchBatch *batch, int64_t first, int64_t count, Features *features) {
    for (int64_t i = 0; i < count; i++) {
        const bool readable = batch->records[i] == first + i;
        float *row = features->values + (size_t)(first + i) * (size_t)features->width;
        features->readable[first + i] = readable;
        features->unreadable += !readable;
        for (int k = 0; !readable && k < features->width; k++)
            row[k] = NAN;
    }
}

static Status check_finite(const Encoder *encoder, const Records *records, int64_t first, int64_t count,
                           const Features *features) {
    const size_t width = (size_t)features->width;
    for (int64_t r = first; r < first + count; r++)
        for (size_t k = 0; features->readable[r] && k < width; k++)
            if (!isfinite(features->values[(size_t)r * width + k]))
                return status_error(EXIT_DATA,
                                    "%s: its features of %s are not finite; use other weights, or FP32 where it was "
                                    "BF16",
                                    encoder->name, records_path(records, r));
    return NULL;
}

static Status run_batch(Encoder *encoder, const Records *records, const FeatureOptions *options, Loader *loader,
                        int64_t first, Features *features) {
    const int64_t left = features->count - first, count = left < encoder->shape.batch ? left : encoder->shape.batch;
    float *rows = features->values + (size_t)first * (size_t)features->width;
    PrefetchBatch batch;
    TRY(loader_next(loader, &batch));
    const ModelInput images = {.pixels = batch.samples, .batch = (int)count};
    TRY(encoder_run(encoder, options->tokens, &images, rows));
    mark_records(&batch, first, count, features);
    loader_done(loader);
    return check_finite(encoder, records, first, count, features);
}

static Status print_unreadable(Loader *loader, FILE *out) {
    UnreadableRecord *list;
    int count;
    TRY(loader_unreadable(loader, &list, &count));
    for (int i = 0; out && i < count; i++)
        fprintf(out, "left out    %s/%s: %s\n", list[i].root, list[i].path, list[i].reason);
    free(list);
    return NULL;
}

static Status run_batches(Encoder *encoder, const Records *records, const FeatureOptions *options, Loader *loader,
                          FILE *out, Features *features) {
    const double began = clock_now();
    Progress progress;
    if (out)
        progress_begin(&progress, out);
    Status status = NULL;
    for (int64_t first = 0; !status && first < features->count; first += encoder->shape.batch) {
        status = run_batch(encoder, records, options, loader, first, features);
        const int64_t done = first + encoder->shape.batch;
        if (!status && out && progress_age(&progress) >= 1 && done < features->count)
            progress_show(&progress, "features    %lld of %lld images, %.1f images/s", (long long)done,
                          (long long)features->count, (double)done / (clock_now() - began));
    }
    features->seconds = clock_now() - began;
    if (out && !status)
        progress_note(&progress, "features    %lld images in %.1f s, %.1f images/s", (long long)features->count,
                      features->seconds, (double)features->count / features->seconds);
    if (out)
        progress_end(&progress);
    return status;
}

Status features_extract(Encoder *encoder, const Records *records, const FeatureOptions *options, FILE *out,
                        Features *features) {
    Loader *loader;
    *features = (Features){0};
    TRY(encoder_check(encoder, options->tokens));
    TRY(features_allocate(features, records->count, encoder_width(encoder, options->tokens)));
    TRY(open_loader(encoder, records, options, &loader));
    Status status = run_batches(encoder, records, options, loader, out, features);
    if (!status)
        status = print_unreadable(loader, out);
    loader_close(loader);
    return status;
}
