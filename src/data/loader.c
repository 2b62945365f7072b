/* SPDX-License-Identifier: Apache-2.0 */
#include "data/loader.h"

#include "base/files.h"
#include "data/device_cache.h"
#include "data/evaluation_view.h"
#include "data/pack_reader.h"
#include "image/decode.h"

#include <stdlib.h>
#include <string.h>

struct Loader {
    LoaderOptions options;
    int share;          /* samples of a batch that fall to this rank */
    PackReader *reader; /* NULL: a folder */
    DeviceCache *cache; /* with LOADER_DEVICE, else NULL */
    Prefetch *prefetch; /* NULL until the device cache is full */
    UnreadableRecords unreadable;
};

/* `key`: see records_at(). */
static Crop draw_crop(const Loader *loader, int height, int width, uint32_t epoch, int64_t key) {
    const LoaderOptions *options = &loader->options;
    Random random;
    random_start(&random, options->seed, RANDOM_CROP, epoch, (uint64_t)key);
    return random_resized_crop(&random, &options->crop, height, width);
}

static Status make_view(const Loader *loader, const Image *image, uint32_t epoch, int64_t key, void *out) {
    const LoaderOptions *options = &loader->options;
    if (options->evaluate)
        return evaluation_view(image, options->image_size, options->view, out);
    const Crop crop = draw_crop(loader, image->height, image->width, epoch, key);
    return resize_pixels(image->pixels, image->height, image->width, crop, options->image_size, options->image_size,
                         out);
}

static Status load_file(const Loader *loader, const char *path, uint32_t epoch, int64_t key, void *out) {
    Image image;
    TRY(image_read(path, &image));
    int shorter = image.width < image.height ? image.width : image.height;
    Status status;
    if (shorter < loader->options.min_side)
        status = status_error(EXIT_DATA, "%s: %d x %d pixels, smaller than a patch (%d)", path, image.width,
                              image.height, loader->options.min_side);
    else
        status = make_view(loader, &image, epoch, key, out);
    image_free(&image);
    return status;
}

static Status load_packed(const Loader *loader, uint32_t epoch, int64_t key, void *out, Crop *crop) {
    const int64_t record = key % loader->options.records->count;
    if (crop) {
        const int side = loader->options.records->side;
        *crop = draw_crop(loader, side, side, epoch, key);
        return out ? pack_reader_copy(loader->reader, record, out) : NULL;
    }
    PackView packed;
    TRY(pack_reader_view(loader->reader, record, &packed));
    const Image image = {.width = packed.side, .height = packed.side, .pixels = (uint8_t *)(uintptr_t)packed.pixels};
    Status status = make_view(loader, &image, epoch, key, out);
    pack_view_close(&packed);
    return status;
}

/* Loads the record, or finds it unreadable: *used says which. Only its data can make a record unreadable; an
 * out-of-memory error, for example, ends the loader. */
static Status try_record(Loader *loader, uint32_t epoch, int64_t key, void *out, Crop *crop, bool *used) {
    const Records *records = loader->options.records;
    const int64_t record = key % records->count;
    *used = false;
    if (unreadable_records_has(&loader->unreadable, record))
        return NULL;
    const char *root = records_root(records, record), *name = records_path(records, record);
    char *path;
    TRY(loader->reader ? files_path(&path, "%s", name) : files_path(&path, "%s/%s", root, name));
    Status status =
        loader->reader ? load_packed(loader, epoch, key, out, crop) : load_file(loader, path, epoch, key, out);
    *used = !status;
    if (status_code(status) == EXIT_DATA)
        status = unreadable_records_add(&loader->unreadable, record, path, status);
    free(path);
    return status;
}

/* The key of sample `place` of the rank's part of a batch; see records_at(). */
static int64_t find_key(const Loader *loader, uint64_t batch, int place) {
    const LoaderOptions *options = &loader->options;
    const uint64_t count = (uint64_t)options->records->count, batch_size = (uint64_t)options->batch_size;
    const uint64_t within = (uint64_t)options->rank * (uint64_t)loader->share + (uint64_t)place;
    if (options->evaluate)
        return (int64_t)((batch % count * batch_size + within) % count);
    const uint64_t position = batch % (uint64_t)loader_epoch_batches(loader) * batch_size + within;
    return records_at(options->records, options->seed, loader_epoch(loader, batch), position);
}

static Status fill_sample(void *context, uint64_t batch, int place, void *out, int64_t *key, Crop *crop,
                          int32_t *extra) {
    Loader *loader = context;
    const int64_t count = loader->options.records->count, first = find_key(loader, batch, place);
    const int64_t turn = first - first % count;
    const uint32_t epoch = loader_epoch(loader, batch);
    bool used = false;
    for (int64_t tries = 0; tries < count; tries++) {
        const int64_t record = (first + tries) % count;
        *key = turn + record;
        if (loader->reader)
            TRY(pack_reader_unchanged(loader->reader, record, batch));
        TRY(try_record(loader, epoch, *key, out, crop, &used));
        if (used)
            return extra ? loader->options.extra(loader->options.extra_context, epoch, *key, extra) : NULL;
    }
    return unreadable_records_refuse(&loader->unreadable);
}

static Status check_options(const LoaderOptions *options, int ranks) {
    const Records *records = options->records;
    if (options->rank < 0 || options->rank >= ranks || options->batch_size % ranks)
        return status_error(EXIT_USAGE,
                            "a batch of %d samples cannot be shared by %d ranks (this is rank %d); use a multiple of "
                            "the number of ranks",
                            options->batch_size, ranks, options->rank);
    if (options->raw && (options->evaluate || !records->side))
        return status_error(EXIT_USAGE, "%s: only packs of one size can be passed on uncropped, and only in training",
                            records->text);
    if (options->cache == LOADER_DEVICE && !options->raw)
        return status_error(EXIT_USAGE,
                            "%s: a device cache needs packs whose records all have one size; use another cache",
                            records->text);
    if (!options->evaluate && records->samples_per_epoch < options->batch_size)
        return status_error(EXIT_DATA, "%s has %lld images, fewer than one batch of %d; add images or lower the batch",
                            records->text, (long long)records->samples_per_epoch, options->batch_size);
    const int shortest = options->min_side;
    for (int i = 0; i < records->part_count; i++)
        if (records->parts[i].pack.info.image_size < shortest)
            return status_error(EXIT_DATA, "%s: its images have %d pixels a side, less than a patch (%d)",
                                records->parts[i].pack.directory, records->parts[i].pack.info.image_size, shortest);
    return NULL;
}

static Status open_ring(Loader *loader) {
    const LoaderOptions *options = &loader->options;
    const size_t side = (size_t)(options->raw ? options->records->side : options->image_size);
    const PrefetchOptions ring = {.fill = fill_sample,
                                  .context = loader,
                                  .first_batch = options->first_batch,
                                  .batch_size = loader->share,
                                  .sample_bytes = loader->cache ? 0 : side * side * 3,
                                  .crops = options->raw,
                                  .extra = options->extra ? options->extra_length : 0,
                                  .device = options->device,
                                  .depth = options->depth,
                                  .workers = options->workers};
    return prefetch_open(&ring, &loader->prefetch);
}

/* Reads a record for the device cache; an unreadable one is never shown. */
static Status read_cached_record(void *context, int64_t record, void *out) {
    Loader *loader = context;
    Status status = pack_reader_copy(loader->reader, record, out);
    if (status_code(status) != EXIT_DATA)
        return status;
    return unreadable_records_add(&loader->unreadable, record, records_path(loader->options.records, record), status);
}

static Status open_cache(Loader *loader) {
    const LoaderOptions *options = &loader->options;
    const size_t side = (size_t)options->records->side;
    return device_cache_open(options->device, options->records->count, side * side * 3, options->workers,
                             read_cached_record, loader, &loader->cache);
}

Status loader_open(const LoaderOptions *options, Loader **out) {
    *out = NULL;
    const Records *records = options->records;
    const int ranks = options->ranks ? options->ranks : 1;
    TRY(check_options(options, ranks));
    Loader *loader = calloc(1, sizeof *loader);
    if (!loader)
        return status_no_memory("the loader", sizeof *loader);
    loader->options = *options;
    loader->share = options->batch_size / ranks;
    Status status = unreadable_records_open(&loader->unreadable, records, options->max_unreadable, options->limit_name);
    if (!status && records->part_count)
        status =
            pack_reader_open(records, options->cache == LOADER_DEVICE ? LOADER_AUTO : options->cache, &loader->reader);
    if (!status)
        status = options->cache == LOADER_DEVICE ? open_cache(loader) : open_ring(loader);
    if (status)
        loader_close(loader);
    else
        *out = loader;
    return status;
}

int64_t loader_epoch_batches(const Loader *loader) {
    const Records *records = loader->options.records;
    const int64_t batch_size = loader->options.batch_size;
    return loader->options.evaluate ? (records->count + batch_size - 1) / batch_size
                                    : records->samples_per_epoch / batch_size;
}

uint32_t loader_epoch(const Loader *loader, uint64_t number) {
    return loader->options.evaluate ? 0 : (uint32_t)(number / (uint64_t)loader_epoch_batches(loader));
}

Status loader_fill_device_cache(Loader *loader, int64_t *left) {
    *left = 0;
    if (!loader->cache || loader->prefetch)
        return NULL;
    TRY(device_cache_fill_next(loader->cache, left));
    return *left ? NULL : open_ring(loader);
}

void loader_measure_device_cache(int64_t records, int side, Arena *host, Arena *device) {
    device_cache_measure(records, (size_t)side * (size_t)side * 3, host, device);
}

const uint8_t *loader_device_records(const Loader *loader) {
    return loader->cache ? device_cache_pixels(loader->cache) : NULL;
}

Status loader_next(Loader *loader, PrefetchBatch *batch) {
    if (!loader->prefetch)
        return status_error(EXIT_INTERNAL, "a batch was requested before the device cache was full");
    return prefetch_next(loader->prefetch, batch);
}

void loader_done(Loader *loader) {
    prefetch_done(loader->prefetch);
}

void loader_rewind(Loader *loader) {
    prefetch_rewind(loader->prefetch);
}

Status loader_unreadable(Loader *loader, UnreadableRecord **list, int *count) {
    return unreadable_records_copy(&loader->unreadable, list, count);
}

Status loader_merge_unreadable(Loader *loader, UnreadableList *list) {
    UnreadableRecord *records;
    int count;
    TRY(loader_unreadable(loader, &records, &count));
    Status status = NULL;
    for (int i = 0; i < count && !status; i++)
        status = unreadable_add(list, records[i].root, records[i].path, records[i].reason);
    free(records);
    return status;
}

uint64_t loader_bytes(const Loader *loader) {
    return loader->reader ? pack_reader_bytes(loader->reader) : 0;
}

void loader_close(Loader *loader) {
    if (!loader)
        return;
    prefetch_close(loader->prefetch);
    device_cache_close(loader->cache);
    pack_reader_close(loader->reader);
    unreadable_records_close(&loader->unreadable);
    free(loader);
}
