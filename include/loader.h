/* The online loader: pictures of a folder, in keyed order, cropped at random, as uint8 batches through a ring.
 *
 * Step b, place i of a run is position p = b * batch_size + i counted over epochs of floor(count / batch_size) whole
 * batches; its record is random_permute(seed, epoch, count, position in the epoch), its crop random_resized_crop()
 * keyed by (seed, RANDOM_CROP, epoch, record). So the state of a loader is (seed, batch number, count, hash). A picture
 * that cannot be used is replaced by the next usable record, (record + 1) % count and so on, whose own number keys the
 * crop and is reported; it is counted once.
 *
 * When evaluating, place i of batch b is record (b * batch_size + i) % count, and every batch is of epoch 0: the same
 * record gets the same view and the same masks each time. */
#ifndef FOVEA_LOADER_H
#define FOVEA_LOADER_H

#include "folder.h"
#include "image.h"
#include "ops.h"
#include "prefetch.h"
#include "random.h"

typedef struct {
    double scale_min, scale_max; /* area of the crop as a share of the picture's */
    double ratio_min, ratio_max; /* width / height */
    double flip;                 /* probability of mirroring */
} CropRange;

/* torchvision's RandomResizedCrop: ten tries at area and log-uniform aspect ratio, then the largest central box within
 * the ratios. Draws from `random` only. */
Crop random_resized_crop(Random *random, const CropRange *range, int height, int width);

/* The box that evaluation sees: resize the short side to int(size / (224 / 256)), then the central size x size; as
 * torchvision's Resize and CenterCrop on Pillow pictures (Pillow before 13, which runs the vertical pass first when
 * the height shrinks much more than the width). Writes `out` [size][size][3]. EXIT_DATA for a picture so long
 * and narrow that its resized long side would exceed 20,000. */
Status evaluation_view(const Image *image, int size, uint8_t *out) MUST_USE;

typedef struct {
    const Folder *folder; /* borrowed */
    uint64_t seed;
    int image_size;
    int min_side; /* a picture with a shorter side counts as bad (model.patch_size) */
    CropRange crop;
    bool evaluate; /* evaluation_view() of records in folder order, round and round, not random crops in keyed order */
    int batch_size;
    uint64_t first_batch;
    int workers, depth;
    const Device *device; /* borrowed; the samples' memory is pinned for its copies */
    /* Share of the folder's pictures that may be bad; one more, or no good one at all, and the loader fails with
     * EXIT_DATA. */
    double max_bad;
} LoaderOptions;

typedef struct {
    int64_t record;
    const char *path; /* relative to the root; borrowed from the folder */
    char *reason;     /* borrowed from the loader */
} BadRecord;

typedef struct Loader Loader;

/* EXIT_DATA when the folder holds fewer than one batch (evaluation goes round then). */
Status loader_open(const LoaderOptions *options, Loader **loader) MUST_USE;
/* Whole batches per epoch; when evaluating, as many as show every record. */
int64_t loader_epoch_batches(const Loader *loader);
/* The next batch: samples are uint8 [batch_size][image_size][image_size][3], valid until its loader_done(). Up to
 * `depth` batches are held at a time. */
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
void loader_close(Loader *loader);

#endif
