#include "pictures.h"

#include <stdlib.h>
#include <string.h>

static Status fill(Pictures *pictures, Loader *loader, int64_t record_count, int wanted, size_t picture) {
    int64_t last = -1;
    for (int64_t i = 0; i < record_count && pictures->count < wanted; i++) {
        PrefetchBatch batch;
        TRY(loader_next(loader, &batch));
        /* The loader puts the next readable record in an unreadable one's place: each counts once here. */
        if (batch.records[0] > last) {
            last = batch.records[0];
            memcpy(pictures->pixels + (size_t)pictures->count * picture, batch.samples, picture);
            pictures->records[pictures->count++] = last;
        }
        loader_done(loader);
    }
    return NULL;
}

Status pictures_open(Pictures *pictures, LoaderOptions options, int64_t wanted, BadList *bad) {
    int64_t most = wanted < options.records->count ? wanted : options.records->count;
    size_t picture = (size_t)options.image_size * (size_t)options.image_size * 3;
    *pictures = (Pictures){.image_size = options.image_size};
    if (most == 0)
        return NULL;
    pictures->pixels = calloc((size_t)most, picture);
    pictures->records = calloc((size_t)most, sizeof *pictures->records);
    if (!pictures->pixels || !pictures->records)
        return status_no_memory("the pictures for validation (val.images)", (unsigned long long)most * picture);

    options.evaluate = true;
    options.batch_size = 1;
    options.rank = options.ranks = 0;
    options.raw = false;
    if (options.cache == LOADER_DEVICE) /* whole pictures are looked at: the device holds none of them */
        options.cache = LOADER_AUTO;
    options.first_batch = 0;
    Loader *loader;
    TRY(loader_open(&options, &loader));
    Status status = fill(pictures, loader, options.records->count, (int)most, picture);
    if (!status)
        status = bad_list_merge(bad, loader);
    loader_close(loader);
    return status;
}

void pictures_close(Pictures *pictures) {
    free(pictures->pixels);
    free(pictures->records);
    *pictures = (Pictures){0};
}
