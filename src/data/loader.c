#include "loader.h"
#include "files.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BAD = 3 }; /* files named in the message of a loader that gives up */

struct Loader {
    LoaderOptions options;
    int64_t bad_allowed;
    Prefetch *prefetch;

    pthread_mutex_t lock; /* guards what follows */
    uint8_t *is_bad;      /* [count] */
    BadRecord *bad;       /* in any order */
    int bad_count, bad_capacity;
};

static int by_record(const void *a, const void *b) {
    int64_t left = ((const BadRecord *)a)->record, right = ((const BadRecord *)b)->record;
    return (left > right) - (left < right);
}

static bool known_bad(Loader *loader, int64_t record) {
    pthread_mutex_lock(&loader->lock);
    bool bad = loader->is_bad[record];
    pthread_mutex_unlock(&loader->lock);
    return bad;
}

/* Why the loader gives up; with the lock held. */
static Status too_many_bad(Loader *loader) {
    const Folder *folder = loader->options.folder;
    qsort(loader->bad, (size_t)loader->bad_count, sizeof *loader->bad, by_record);
    char list[700] = "";
    for (int i = 0; i < loader->bad_count && i < SHOWN_BAD; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%.120s (%.100s)", i ? "; " : "", loader->bad[i].path,
                 loader->bad[i].reason);
    }
    if (loader->bad_count == folder->count)
        return status_error(EXIT_DATA, "none of the %lld pictures in %.200s can be used: %s%s; mend them",
                            (long long)folder->count, folder->root, list, loader->bad_count > SHOWN_BAD ? "; ..." : "");
    return status_error(EXIT_DATA,
                        "at least %d of the %lld pictures in %.200s cannot be used, more than data.max_bad = %g allows "
                        "(%lld): %s%s; mend or remove them, or raise data.max_bad",
                        loader->bad_count, (long long)folder->count, folder->root, loader->options.max_bad,
                        (long long)loader->bad_allowed, list, loader->bad_count > SHOWN_BAD ? "; ..." : "");
}

/* The message without the path it opens with: the list of bad records names the file beside the reason. */
static const char *reason_of(Status why, const char *path) {
    const char *message = status_message(why);
    size_t length = strlen(path);
    return strncmp(message, path, length) == 0 && strncmp(message + length, ": ", 2) == 0 ? message + length + 2
                                                                                          : message;
}

/* Enters a bad record unless another worker did; with the lock held. */
static Status enter_bad(Loader *loader, int64_t record, const char *reason) {
    if (loader->is_bad[record])
        return NULL;
    if (loader->bad_count == loader->bad_capacity) {
        int capacity = loader->bad_capacity ? loader->bad_capacity * 2 : 16;
        BadRecord *grown = realloc(loader->bad, (size_t)capacity * sizeof *grown);
        if (!grown)
            return status_no_memory("the list of bad pictures", (size_t)capacity * sizeof *grown);
        loader->bad = grown;
        loader->bad_capacity = capacity;
    }
    char *kept = strdup(reason);
    if (!kept)
        return status_no_memory("the list of bad pictures", strlen(reason));
    loader->is_bad[record] = 1;
    loader->bad[loader->bad_count++] = (BadRecord){record, loader->options.folder->paths[record], kept};
    if (loader->bad_count > loader->bad_allowed || loader->bad_count == loader->options.folder->count)
        return too_many_bad(loader);
    return NULL;
}

static Status view(const Loader *loader, const Image *image, uint32_t epoch, int64_t record, void *out) {
    const LoaderOptions *options = &loader->options;
    if (options->evaluate)
        return evaluation_view(image, options->image_size, out);
    Random random;
    random_start(&random, options->seed, RANDOM_CROP, epoch, (uint64_t)record);
    Crop crop = random_resized_crop(&random, &options->crop, image->height, image->width);
    return resize_pixels(image->pixels, image->height, image->width, crop, options->image_size, options->image_size,
                         out);
}

static Status load(const Loader *loader, const char *path, uint32_t epoch, int64_t record, void *out) {
    Image image;
    TRY(image_read(path, &image));
    int shorter = image.width < image.height ? image.width : image.height;
    Status status;
    if (shorter < loader->options.min_side)
        status = status_error(EXIT_DATA, "%s: %d x %d pixels, smaller than a patch (%d)", path, image.width,
                              image.height, loader->options.min_side);
    else
        status = view(loader, &image, epoch, record, out);
    image_free(&image);
    return status;
}

/* Loads the record, or finds that it is bad: *used says which. Only bad data makes a record bad; want of memory, say,
 * ends the loader. */
static Status try_record(Loader *loader, uint32_t epoch, int64_t record, void *out, bool *used) {
    *used = false;
    if (known_bad(loader, record))
        return NULL;
    const Folder *folder = loader->options.folder;
    char *path = files_path("%s/%s", folder->root, folder->paths[record]);
    if (!path)
        return status_no_memory("a path", strlen(folder->root));
    Status status = load(loader, path, epoch, record, out);
    *used = !status;
    if (status_code(status) == EXIT_DATA) {
        Status why = status;
        pthread_mutex_lock(&loader->lock);
        status = enter_bad(loader, record, reason_of(why, path));
        pthread_mutex_unlock(&loader->lock);
        status_free(why);
    }
    free(path);
    return status;
}

static Status fill(void *context, uint64_t batch, int place, void *out, int64_t *record) {
    Loader *loader = context;
    const LoaderOptions *options = &loader->options;
    uint64_t count = (uint64_t)options->folder->count, batch_size = (uint64_t)options->batch_size;
    uint32_t epoch = loader_epoch(loader, batch);
    int64_t first;
    if (options->evaluate) {
        first = (int64_t)((batch % count * batch_size + (uint64_t)place) % count);
    } else {
        uint64_t within = batch % (uint64_t)loader_epoch_batches(loader);
        first = (int64_t)random_permute(options->seed, epoch, count, within * batch_size + (uint64_t)place);
    }
    bool used = false;
    *record = first;
    for (uint64_t tries = 0; tries < count; tries++, *record = (*record + 1) % options->folder->count) {
        TRY(try_record(loader, epoch, *record, out, &used));
        if (used)
            return NULL;
    }
    pthread_mutex_lock(&loader->lock);
    Status status = too_many_bad(loader);
    pthread_mutex_unlock(&loader->lock);
    return status;
}

Status loader_open(const LoaderOptions *options, Loader **out) {
    *out = NULL;
    const Folder *folder = options->folder;
    if (!options->evaluate && folder->count < options->batch_size)
        return status_error(EXIT_DATA,
                            "%s holds %lld pictures, fewer than one batch of %d; add pictures or lower the batch",
                            folder->root, (long long)folder->count, options->batch_size);
    Loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return status_no_memory("the loader", sizeof *loader);
    loader->options = *options;
    /* The product of decimals, as 0.29 x 100, may fall just short of the whole number that is meant. */
    loader->bad_allowed = (int64_t)floor(options->max_bad * (double)folder->count + 1e-9);
    pthread_mutex_init(&loader->lock, NULL);
    loader->is_bad = calloc((size_t)folder->count, 1);
    Status status = loader->is_bad ? NULL : status_no_memory("the loader", (unsigned long long)folder->count);
    PrefetchOptions ring = {.fill = fill,
                            .context = loader,
                            .first_batch = options->first_batch,
                            .batch_size = options->batch_size,
                            .sample_bytes = (size_t)options->image_size * (size_t)options->image_size * 3,
                            .device = options->device,
                            .depth = options->depth,
                            .workers = options->workers};
    if (!status)
        status = prefetch_open(&ring, &loader->prefetch);
    if (status)
        loader_close(loader);
    else
        *out = loader;
    return status;
}

int64_t loader_epoch_batches(const Loader *loader) {
    int64_t count = loader->options.folder->count, batch_size = loader->options.batch_size;
    return loader->options.evaluate ? (count + batch_size - 1) / batch_size : count / batch_size;
}

uint32_t loader_epoch(const Loader *loader, uint64_t number) {
    return loader->options.evaluate ? 0 : (uint32_t)(number / (uint64_t)loader_epoch_batches(loader));
}

Status loader_next(Loader *loader, PrefetchBatch *batch) {
    return prefetch_next(loader->prefetch, batch);
}

void loader_done(Loader *loader) {
    prefetch_done(loader->prefetch);
}

void loader_again(Loader *loader) {
    prefetch_again(loader->prefetch);
}

Status loader_bad(Loader *loader, BadRecord **bad, int *count) {
    Status status = NULL;
    pthread_mutex_lock(&loader->lock);
    *count = loader->bad_count;
    *bad = malloc((size_t)(*count ? *count : 1) * sizeof **bad);
    if (!*bad) {
        *count = 0;
        status = status_no_memory("the list of bad pictures", sizeof **bad);
    } else if (*count) {
        memcpy(*bad, loader->bad, (size_t)*count * sizeof **bad);
        qsort(*bad, (size_t)*count, sizeof **bad, by_record);
    }
    pthread_mutex_unlock(&loader->lock);
    return status;
}

void loader_close(Loader *loader) {
    if (!loader)
        return;
    prefetch_close(loader->prefetch);
    for (int i = 0; i < loader->bad_count; i++)
        free(loader->bad[i].reason);
    free(loader->bad);
    free(loader->is_bad);
    pthread_mutex_destroy(&loader->lock);
    free(loader);
}
