/* SPDX-License-Identifier: Apache-2.0 */
/* What reading adds to features: those of a pack's records, read while the encoder computes, in turns with the
 * encoder's forward pass alone over images that are in memory. Prints one JSON object: medians of images a second of
 * both, and their ratio. */
#include "base/clock.h"
#include "base/json.h"
#include "base/program.h"
#include "base/threads.h"
#include "device/open.h"
#include "eval/features/extract.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_ROUNDS = 100 };

static const char *const backends[] = {"cpu", "emu", "cuda", NULL};
static const DeviceKind kinds[] = {DEVICE_CPU, DEVICE_EMU, DEVICE_CUDA};

typedef struct {
    const char *encoder, *pack;
    int threads, rounds, backend;
    bool bf16;
} Arguments;

#define AT(field) offsetof(Arguments, field)
static const Option options[] = {
    {.name = "ENCODER", .type = OPTION_PATH, .offset = AT(encoder), .help = "As ./eval takes it, such as RUN:random."},
    {.name = "PACK", .type = OPTION_PATH, .offset = AT(pack), .help = "The pack."},
    {.name = "--threads",
     .value = "T",
     .type = OPTION_INT,
     .offset = AT(threads),
     .min = 1,
     .max = 1024,
     .fallback = "2",
     .help = "Threads of the CPU."},
    {.name = "--rounds",
     .value = "N",
     .type = OPTION_INT,
     .offset = AT(rounds),
     .min = 1,
     .max = MOST_ROUNDS,
     .fallback = "5",
     .help = "Turns, of the pack's images each."},
    {.name = "--backend",
     .type = OPTION_CHOICE,
     .choices = backends,
     .offset = AT(backend),
     .fallback = "cpu",
     .help = "Where features are computed."},
    {.name = "--bf16", .type = OPTION_FLAG, .offset = AT(bf16), .help = "Computes in BF16."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_MISSING, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "features",
    .about = "Measures the features of a pack against the encoder's forward pass and prints one JSON object.",
    .options = options,
    .exits = exits,
};

typedef struct {
    const Arguments *arguments;
    Device *device;
    Ops ops;
    Encoder encoder;
    Records records;
    uint8_t *pixels; /* of a batch */
    float *features; /* the same */
} Bench;

static Status open_bench(Bench *b) {
    const Arguments *a = b->arguments;
    char *note;
    TRY(device_open(kinds[a->backend], &b->device, &note));
    free(note);
    b->device->operations(b->device, a->threads, &b->ops);
    b->ops.type = a->bf16 ? REAL_BF16 : REAL_FP32;
    TRY(encoder_open(&(EncoderOptions){.from = a->encoder}, &b->ops, NULL, &b->encoder));
    TRY(records_open(a->pack, "", RECORDS_ALL, &b->records));
    const size_t side = (size_t)b->encoder.shape.image_size, batch = (size_t)b->encoder.shape.batch;
    b->pixels = calloc(batch, side * side * 3);
    b->features = calloc(batch * (size_t)b->encoder.shape.dim, sizeof *b->features);
    return b->pixels && b->features ? NULL : status_no_memory("a batch", batch * side * side * 3);
}

static void close_bench(Bench *b) {
    free(b->pixels);
    free(b->features);
    records_close(&b->records);
    encoder_close(&b->encoder);
    device_close(b->device);
}

static Status run_plain(Bench *b, double *images_per_s) {
    const double began = clock_now();
    const int batch = b->encoder.shape.batch;
    for (int64_t first = 0; first < b->records.count; first += batch) {
        const int64_t left = b->records.count - first;
        const ModelInput images = {.pixels = b->pixels, .batch = left < batch ? (int)left : batch};
        TRY(encoder_run(&b->encoder, TASK_MEAN, &images, b->features));
    }
    *images_per_s = (double)b->records.count / (clock_now() - began);
    return NULL;
}

static Status run_extraction(Bench *b, double *images_per_s) {
    Features features;
    const FeatureOptions wanted = {.tokens = TASK_MEAN, .view = VIEW_CENTER};
    const double began = clock_now();
    Status status = features_extract(&b->encoder, &b->records, &wanted, NULL, &features);
    *images_per_s = (double)b->records.count / (clock_now() - began);
    features_close(&features);
    return status;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static Status run_rounds(Bench *b) {
    double plain[MOST_ROUNDS], extraction[MOST_ROUNDS], ratios[MOST_ROUNDS], warm;
    const int rounds = b->arguments->rounds;
    TRY(run_plain(b, &warm));
    for (int i = 0; i < rounds; i++) {
        TRY(run_plain(b, &plain[i]));
        TRY(run_extraction(b, &extraction[i]));
        ratios[i] = extraction[i] / plain[i];
    }
    qsort(plain, (size_t)rounds, sizeof *plain, by_value);
    qsort(extraction, (size_t)rounds, sizeof *extraction, by_value);
    qsort(ratios, (size_t)rounds, sizeof *ratios, by_value);
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_string(&json, "backend", b->ops.name);
    json_integer(&json, "images", b->records.count);
    json_integer(&json, "batch", b->encoder.shape.batch);
    json_real(&json, "forward_images_per_s", plain[rounds / 2]);
    json_real(&json, "features_images_per_s", extraction[rounds / 2]);
    json_real(&json, "ratio", ratios[rounds / 2]);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

static Status run(void *context) {
    Bench b = {.arguments = context};
    Status status = open_bench(&b);
    if (!status)
        status = run_rounds(&b);
    close_bench(&b);
    return status;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
