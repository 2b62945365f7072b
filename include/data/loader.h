/* SPDX-License-Identifier: Apache-2.0 */
/* The online loader: images of a folder or of packs, in keyed order, cropped at random, as uint8 batches through a
 * ring.
 *
 * Sample i of step b is at position p = b * batch_size + i, counted over epochs of floor(samples_per_epoch /
 * batch_size) whole batches. It shows records_at(seed, epoch, position in the epoch), and its crop is
 * random_resized_crop() keyed by (seed, RANDOM_CROP, epoch, that number). So the state of a loader is (seed, batch
 * number, hash). An unreadable image is replaced by the next readable record, (record + 1) % count and so on, in the
 * same turn; that record's own number keys the crop and is reported. Each unreadable image counts once. A record of a
 * pack is verified each time it is read, one of the device cache when it is uploaded.
 *
 * `ranks` loaders share the batches: the one of `rank` fills the samples from rank * batch_size / ranks on, batch_size
 * / ranks of them. Together they make the same batches, whatever their number.
 *
 * When evaluating, sample i of batch b is record (b * batch_size + i) % count, and every batch is of epoch 0: the same
 * record gets the same view and the same extra numbers each time. */
#ifndef FOVEA_DATA_LOADER_H
#define FOVEA_DATA_LOADER_H

#include "data/augment.h"
#include "data/evaluation_view.h"
#include "data/loader_cache.h"
#include "data/prefetch.h"
#include "data/records.h"
#include "data/unreadable_records.h"
#include "rundir/unreadable.h"

/* Writes the extra numbers of the record with that key (records_at()) in that epoch. Called from worker threads,
 * several at once. */
typedef Status (*LoaderExtra)(const void *context, uint32_t epoch, int64_t key, int32_t *extra);

typedef struct {
    const Records *records; /* borrowed */
    LoaderCache cache;
    uint64_t seed;
    int image_size;
    int min_side; /* an image with a shorter side counts as unreadable */
    CropRange crop;
    /* Samples are whole records, uint8 [side][side][3] of Records.side, and the batch has their crops: for a device
     * that crops itself (pixels_to_patches). Not with `evaluate`. */
    bool raw;
    /* Draws `extra_length` numbers beside each sample, such as its mask; NULL: there are none. */
    LoaderExtra extra;
    const void *extra_context;
    int extra_length;
    bool evaluate; /* evaluation_view() of records in folder order, over and over, not random crops in keyed order */
    EvaluationView view; /* when evaluating */
    int batch_size;      /* of all ranks together */
    int rank, ranks;     /* ranks: a divisor of batch_size; 0 means 1 */
    uint64_t first_batch;
    int workers, depth;
    const Device *device; /* borrowed; the samples' memory is pinned for its copies */
    /* Share of the images that may be unreadable; with one more, or no readable one, the loader fails with EXIT_DATA.
     */
    double max_unreadable;
    const char *limit_name; /* of that share, for the message: the caller's key; NULL: "max_unreadable" */
} LoaderOptions;

typedef struct Loader Loader;

/* EXIT_DATA when an epoch is less than one batch (evaluation starts over then); EXIT_USAGE when the ranks cannot share
 * the batch, when raw records of several sizes or a device cache of records that are not raw are requested;
 * EXIT_NO_MEMORY. */
Status loader_open(const LoaderOptions *options, Loader **loader) MUST_USE;
/* Uploads the next records of the device cache; *left: how many remain. Without LOADER_DEVICE, and with none left, it
 * does nothing. Call it until none is left, before the first loader_next(). */
Status loader_fill_device_cache(Loader *loader, int64_t *left) MUST_USE;
/* Adds the memory that the device cache needs, of the host and of the device, to measuring arenas. */
void loader_measure_device_cache(int64_t records, int side, Arena *host, Arena *device);
/* Device memory uint8 [records->count][side][side][3], the records by their numbers; NULL without LOADER_DEVICE. */
const uint8_t *loader_device_records(const Loader *loader);
/* Whole batches per epoch; when evaluating, as many as show every record. */
int64_t loader_epoch_batches(const Loader *loader);
/* The rank's part of the next batch: samples are uint8 [batch_size / ranks][image_size][image_size][3], valid until its
 * loader_done(). The caller may hold up to `depth` batches at a time. EXIT_DATA for a pack that changed since it was
 * opened. */
Status loader_next(Loader *loader, PrefetchBatch *batch) MUST_USE;
/* Returns the oldest batch held. */
void loader_done(Loader *loader);
/* Hands the batches still held out again, oldest first. */
void loader_rewind(Loader *loader);
/* The epoch that batch `number` belongs to. */
uint32_t loader_epoch(const Loader *loader, uint64_t number);
/* A copy of the unreadable records so far, ordered by record; *list is malloc'ed, the caller's, reasons stay the
 * loader's. */
Status loader_unreadable(Loader *loader, UnreadableRecord **list, int *count) MUST_USE;
/* Adds the unreadable records so far to a run's list. */
Status loader_merge_unreadable(Loader *loader, UnreadableList *list) MUST_USE;
/* Bytes of packs read so far. */
uint64_t loader_bytes(const Loader *loader);
void loader_close(Loader *loader);

#endif
