/* What the tests of the loader share: usual options, batches kept, and what a sample is to look like. Include after
 * cmocka.h. */
#ifndef FOVEA_TEST_LOADER_TAKE_H
#define FOVEA_TEST_LOADER_TAKE_H

#include "loader.h"
#include "scratch.h"

static inline LoaderOptions usual_options(const Records *records, int size, int batch) {
    return (LoaderOptions){
        .records = records,
        .seed = 11,
        .image_size = size,
        .min_side = 4,
        .crop = {.scale_min = 0.2, .scale_max = 1, .ratio_min = 3.0 / 4, .ratio_max = 4.0 / 3, .flip = 0.5},
        .batch_size = batch,
        .workers = 2,
        .device = device_cpu(),
        .depth = 2};
}

/* Batches one behind the other. */
typedef struct {
    uint8_t *samples; /* [batches][batch_size][size][size][3] */
    int64_t *records; /* [batches][batch_size] */
} Taken;

static inline Taken taken_make(int samples, int size) {
    Taken taken = {malloc((size_t)samples * size * size * 3), malloc((size_t)samples * sizeof(int64_t))};
    assert_non_null(taken.samples);
    assert_non_null(taken.records);
    return taken;
}

static inline void drop(Taken *taken) {
    free(taken->samples);
    free(taken->records);
}

/* Record `record` in `epoch`, by the pieces the loader is to put together. */
static inline void expect_view(const Image *image, const LoaderOptions *options, uint32_t epoch, int64_t record,
                               const uint8_t *sample) {
    const int size = options->image_size;
    uint8_t *expected = malloc((size_t)size * size * 3);
    assert_non_null(expected);
    if (options->evaluate) {
        assert_ok(evaluation_view(image, size, expected));
    } else {
        Random random;
        random_start(&random, options->seed, RANDOM_CROP, epoch, (uint64_t)record);
        const Crop crop = random_resized_crop(&random, &options->crop, image->height, image->width);
        assert_ok(resize_pixels(image->pixels, image->height, image->width, crop, size, size, expected));
    }
    assert_memory_equal(sample, expected, (size_t)size * size * 3);
    free(expected);
}

#endif
