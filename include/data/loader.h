/* SPDX-License-Identifier: Apache-2.0 */
/* The online loader: images of a folder or of packs, in keyed order, cropped at random, as uint8 batches through a
 * ring.
 *
 * Step b, place i of a run is position p = b * batch_size + i counted over epochs of floor(places / batch_size) whole
 * batches; what it shows is records_at(seed, epoch, position in the epoch), its crop random_resized_crop() keyed by
 * (seed, RANDOM_CROP, epoch, that number). So the state of a loader is (seed, batch number, hash). An image that
 * cannot be used is replaced by the next usable record, (record + 1) % count and so on, in the same turn, whose own
 * number keys the crop and is reported; it is counted once. A record of a pack is verified each time that it is read:
 * one that a device holds, when it is brought there.
 *
 * Of `ranks` loaders that share the batches, that of `rank` fills places rank * batch_size / ranks and on, as many as
 * fall to each: together they make the same batches, however many they are.
 *
 * When evaluating, place i of batch b is record (b * batch_size + i) % count, and every batch is of epoch 0: the same
 * record gets the same view and the same masks each time. */
#ifndef FOVEA_DATA_LOADER_H
#define FOVEA_DATA_LOADER_H

#include "base/random.h"
#include "data/prefetch.h"
#include "data/records.h"
#include "image/image.h"
#include "ops/ops.h"
#include "rundir/unreadable.h"

typedef struct {
    double scale_min, scale_max; /* area of the crop as a share of the image's */
    double ratio_min, ratio_max; /* width / height */
    double flip;                 /* probability of mirroring */
} CropRange;

/* torchvision's RandomResizedCrop: ten tries at area and log-uniform aspect ratio, then the largest central box within
 * the ratios. Draws from `random` only. */
Crop random_resized_crop(Random *random, const CropRange *range, int height, int width);

/* The box that evaluation sees: resize the short side to int(size / (224 / 256)), then the central size x size; as
 * torchvision's Resize and CenterCrop on Pillow images (Pillow before 13, which runs the vertical pass first when
 * the height shrinks much more than the width). Writes `out` [size][size][3]. EXIT_DATA for an image so long
 * and narrow that its resized long side would exceed 20,000. */
Status evaluation_view(const Image *image, int size, uint8_t *out) MUST_USE;

/* How records of packs are read. PAGE: through the system's page cache. DIRECT: past it, for packs larger than memory.
 * DEVICE: once, into the device's memory, before the first batch; batches then have crops and no samples; only where
 * records are `raw`. AUTO: DIRECT when the packs would fill more than half of this machine's memory, else PAGE. PLAIN:
 * as PAGE where files cannot be mapped, by reading them; no key asks for it. No result changes. */
typedef enum { LOADER_AUTO, LOADER_PAGE, LOADER_DIRECT, LOADER_DEVICE, LOADER_PLAIN } LoaderCache;

typedef struct {
    const Records *records; /* borrowed */
    LoaderCache cache;
    uint64_t seed;
    int image_size;
    int min_side; /* an image with a shorter side counts as bad (model.patch_size) */
    CropRange crop;
    /* Samples are whole records, uint8 [side][side][3] of Records.side, and the batch has the crops that would have
     * been cut: for a device that crops itself (pixels_to_patches). Not with `evaluate`. */
    bool raw;
    bool evaluate;  /* evaluation_view() of records in folder order, round and round, not random crops in keyed order */
    int batch_size; /* of all ranks together */
    int rank, ranks; /* ranks: a divisor of batch_size; 0 is as 1 */
    uint64_t first_batch;
    int workers, depth;
    const Device *device; /* borrowed; the samples' memory is pinned for its copies */
    /* Share of the images that may be bad; one more, or no good one at all, and the loader fails with
     * EXIT_DATA. */
    double max_bad;
} LoaderOptions;

typedef struct {
    int64_t record;
    const char *root, *path; /* records_root() and records_path() */
    char *reason;            /* borrowed from the loader */
} BadRecord;

typedef struct Loader Loader;

/* EXIT_DATA when an epoch is less than one batch (evaluation goes round then); EXIT_USAGE when the batch cannot be
 * shared by the ranks, raw records are asked for and have not one size, or a device is to hold others than raw ones;
 * EXIT_NO_MEMORY when it cannot. */
Status loader_open(const LoaderOptions *options, Loader **loader) MUST_USE;
/* Brings the next records that the device is to hold; *left: how many are still to come. Without LOADER_DEVICE, and
 * with none left, it does nothing. To be called until none is left, before the first loader_next(). */
Status loader_fill_device_cache(Loader *loader, int64_t *left) MUST_USE;
/* What that takes of the host's memory and of the device's, added to measuring arenas. */
void loader_measure_device_cache(int64_t records, int side, Arena *host, Arena *device);
/* Device memory uint8 [records->count][side][side][3], the records by their numbers; NULL without LOADER_DEVICE. */
const uint8_t *loader_device_records(const Loader *loader);
/* Whole batches per epoch; when evaluating, as many as show every record. */
int64_t loader_epoch_batches(const Loader *loader);
/* The rank's part of the next batch: samples are uint8 [batch_size / ranks][image_size][image_size][3], valid until its
 * loader_done(). Up to `depth` batches are held at a time. A pack that was changed since it was opened is EXIT_DATA. */
Status loader_next(Loader *loader, PrefetchBatch *batch) MUST_USE;
/* Gives the oldest batch held back. */
void loader_done(Loader *loader);
/* Those still held come anew, the oldest first. */
void loader_again(Loader *loader);
/* The epoch that batch `number` belongs to: the key of masks, beside the record. */
uint32_t loader_epoch(const Loader *loader, uint64_t number);
/* A copy of the list of bad records so far, ordered by record, into `bad` (malloc'ed by the call, freed by the caller;
 * reasons stay the loader's). */
Status loader_bad(Loader *loader, BadRecord **bad, int *count) MUST_USE;
/* Adds the bad records so far to a run's list. */
Status loader_merge_unreadable(Loader *loader, UnreadableList *list) MUST_USE;
/* Bytes of packs read so far. */
uint64_t loader_bytes(const Loader *loader);
void loader_close(Loader *loader);

#endif
