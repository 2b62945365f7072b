/* SPDX-License-Identifier: Apache-2.0 */
/* How well loading overlaps with training.
 *
 * overlap_ms_per_step: a reader that takes 5 ms a batch behind a consumer that takes 5 ms; 10 when one waits for the
 * other, 5 at best. jpeg_images_per_s: images of FOLDER through the loader, cropped at random to SIZE x SIZE, with
 * two workers and a consumer that does not wait. */
#include "base/clock.h"
#include "base/json.h"
#include "data/loader.h"

#include "base/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { STEPS = 200, PAUSE_MS = 5, BATCH = 64, WORKERS = 2, DEPTH = 4 };

static const double MEASURED_SECONDS = 5;

static void pause_ms(int ms) {
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

static Status read_slowly(void *context, uint64_t batch, int place, void *out, int64_t *record, Crop *crop,
                          int32_t *mask) {
    (void)context, (void)crop, (void)mask;
    pause_ms(PAUSE_MS);
    *(uint64_t *)out = batch;
    *record = place;
    return NULL;
}

static Status measure_overlap(double *ms_per_step) {
    PrefetchOptions options = {.fill = read_slowly,
                               .batch_size = 1,
                               .sample_bytes = sizeof(uint64_t),
                               .device = device_cpu(),
                               .depth = DEPTH,
                               .workers = 1};
    Prefetch *ring;
    TRY(prefetch_open(&options, &ring));
    Status status = NULL;
    double start = clock_now();
    for (int step = 0; step < STEPS && !status; step++) {
        PrefetchBatch batch;
        status = prefetch_next(ring, &batch);
        pause_ms(PAUSE_MS);
        prefetch_done(ring);
    }
    *ms_per_step = (clock_now() - start) * 1e3 / STEPS;
    prefetch_close(ring);
    return status;
}

static Status drain(Loader *loader, int batches) {
    for (int i = 0; i < batches; i++) {
        PrefetchBatch batch;
        TRY(loader_next(loader, &batch));
        loader_done(loader);
    }
    return NULL;
}

static Status measure_loader(const char *root, int size, double *images_per_s) {
    Records records;
    TRY(records_open(root, "", RECORDS_TRAIN, &records));
    LoaderOptions options = {
        .records = &records,
        .seed = 1,
        .image_size = size,
        .crop = {.scale_min = 0.2, .scale_max = 1, .ratio_min = 3.0 / 4, .ratio_max = 4.0 / 3, .flip = 0.5},
        .batch_size = BATCH,
        .workers = WORKERS,
        .device = device_cpu(),
        .depth = DEPTH};
    Loader *loader;
    Status status = loader_open(&options, &loader);
    if (!status) {
        status = drain(loader, DEPTH + 1); /* until the ring runs as it will go on */
        double start = clock_now(), elapsed = 0;
        int64_t images = 0;
        while (!status && elapsed < MEASURED_SECONDS) {
            status = drain(loader, 1);
            images += BATCH;
            elapsed = clock_now() - start;
        }
        *images_per_s = (double)images / elapsed;
        loader_close(loader);
    }
    records_close(&records);
    return status;
}

typedef struct {
    const char *folder;
    int size;
} Arguments;

static const Option options[] = {
    {.name = "FOLDER",
     .type = OPTION_PATH,
     .offset = offsetof(Arguments, folder),
     .optional = true,
     .help = "Images to read, which needs SIZE."},
    {.name = "SIZE",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, size),
     .min = 1,
     .max = OPTION_NO_LIMIT,
     .optional = true,
     .help = "Side of the crops in pixels."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "overlap",
    .about = "Measures how well reading hides behind computing and prints one JSON object.",
    .options = options,
    .exits = exits,
};

static Status run(void *context) {
    const Arguments *a = context;
    if (a->folder && !a->size)
        return status_error(EXIT_USAGE, "FOLDER needs SIZE");
    double ms_per_step, images_per_s = 0;
    TRY(measure_overlap(&ms_per_step));
    if (a->folder)
        TRY(measure_loader(a->folder, a->size, &images_per_s));
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_real(&json, "overlap_ms_per_step", ms_per_step);
    if (a->folder) {
        json_real(&json, "jpeg_images_per_s", images_per_s);
        json_integer(&json, "size", a->size);
        json_integer(&json, "batch", BATCH);
        json_integer(&json, "workers", WORKERS);
    }
    json_end(&json);
    json_newline(&json);
    return NULL;
}

int main(int count, char **arguments) {
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
