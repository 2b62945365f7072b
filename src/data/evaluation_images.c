/* SPDX-License-Identifier: Apache-2.0 */
#include "data/evaluation_images.h"

#include <stdlib.h>
#include <string.h>

static Status read_images(EvaluationImages *images, Loader *loader, int64_t record_count, int wanted, size_t image) {
    int64_t last = -1;
    for (int64_t i = 0; i < record_count && images->count < wanted; i++) {
        PrefetchBatch batch;
        TRY(loader_next(loader, &batch));
        /* The loader shows the next readable record instead of an unreadable one: each counts once here. */
        if (batch.records[0] > last) {
            last = batch.records[0];
            memcpy(images->pixels + (size_t)images->count * image, batch.samples, image);
            images->records[images->count++] = last;
        }
        loader_done(loader);
    }
    return NULL;
}

Status evaluation_images_open(EvaluationImages *images, LoaderOptions options, int64_t wanted,
                              UnreadableList *unreadable) {
    int64_t count = wanted < options.records->count ? wanted : options.records->count;
    size_t image = (size_t)options.image_size * (size_t)options.image_size * 3;
    *images = (EvaluationImages){.image_size = options.image_size};
    if (count == 0)
        return NULL;
    images->pixels = calloc((size_t)count, image);
    images->records = calloc((size_t)count, sizeof *images->records);
    if (!images->pixels || !images->records)
        return status_no_memory("the images for validation", (unsigned long long)count * image);

    options.evaluate = true;
    options.batch_size = 1;
    options.rank = options.ranks = 0;
    options.raw = false;
    if (options.cache == LOADER_DEVICE) /* evaluation needs whole images on the host */
        options.cache = LOADER_AUTO;
    options.first_batch = 0;
    Loader *loader;
    TRY(loader_open(&options, &loader));
    Status status = read_images(images, loader, options.records->count, (int)count, image);
    if (!status)
        status = loader_merge_unreadable(loader, unreadable);
    loader_close(loader);
    return status;
}

void evaluation_images_close(EvaluationImages *images) {
    free(images->pixels);
    free(images->records);
    *images = (EvaluationImages){0};
}
