/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitors cost: ViT-Tiny MAE (192x12, patch 16, 96 px, decoder 96x4, batch 64) takes windows of steps in
 * turns without and with one look at the layers, its line of metrics included. Prints one JSON object: medians of a
 * step and of a look, and the time of 100 steps with a look (monitor.every = 100) in that of 100 steps without. */
#include "base/clock.h"
#include "base/files.h"
#include "base/json.h"
#include "base/program.h"
#include "base/random.h"
#include "base/threads.h"
#include "device/open.h"
#include "train/monitor/layer_watch.h"
#include "train/objective/mae_objective.h"
#include "train/optimizer.h"
#include "train/step/step.h"

#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 64, SIZE = 96, WINDOW = 3, MOST_WINDOWS = 1000, LEAST_WINDOWS = 3, EVERY = 100 };

static const ModelShape shape = {.image_size = SIZE,
                                 .patch_size = 16,
                                 .dim = 192,
                                 .depth = 12,
                                 .heads = 3,
                                 .decoder_dim = 96,
                                 .decoder_depth = 4,
                                 .decoder_heads = 3,
                                 .mlp_ratio = 4,
                                 .activation = ACTIVATION_GELU_ERF,
                                 .norm_eps = 1e-6,
                                 .mask_ratio = 0.75,
                                 .norm_pix_loss = true,
                                 .batch = BATCH};

static const char *const backends[] = {"cpu", "emu", "cuda", NULL};
static const DeviceKind kinds[] = {DEVICE_CPU, DEVICE_EMU, DEVICE_CUDA};

typedef struct {
    int threads, backend;
    double seconds;
} Arguments;

static const Option options[] = {
    {.name = "--threads",
     .value = "T",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, threads),
     .min = 1,
     .max = 1024,
     .fallback = "2",
     .help = "Threads of the CPU."},
    {.name = "--seconds",
     .value = "S",
     .type = OPTION_REAL,
     .offset = offsetof(Arguments, seconds),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .fallback = "20",
     .help = "Time to take steps for."},
    {.name = "--backend",
     .type = OPTION_CHOICE,
     .choices = backends,
     .offset = offsetof(Arguments, backend),
     .fallback = "cpu",
     .help = "Where the steps are computed."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_MISSING, EXIT_IO, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "monitor_step",
    .about = "Measures what a look at the layers of a small masked autoencoder costs and prints one JSON object.",
    .options = options,
    .exits = exits,
};

typedef struct {
    const Device *device;
    Ops ops;
    Objective *objective;
    Optimizer *optimizer;
    Step *steps;
    Monitor monitor;
    LayerWatch layers;
    PrefetchBatch batch;
    int64_t step;
} Bench;

static Status draw_batch(Bench *b) {
    const size_t pixels = (size_t)BATCH * SIZE * SIZE * 3, masks = (size_t)BATCH * (size_t)b->objective->extras;
    void *samples, *extras;
    Random random;
    TRY(b->device->allocate_pinned(b->device, pixels, "the images", &samples));
    b->batch.samples = samples;
    TRY(b->device->allocate_pinned(b->device, masks * sizeof(int32_t), "the masks", &extras));
    b->batch.extras = extras;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < pixels; i++)
        ((uint8_t *)samples)[i] = (uint8_t)random_u32(&random);
    for (int i = 0; i < BATCH; i++)
        TRY(b->objective->draw_extra(b->objective, 0, i, (int32_t *)extras + i * b->objective->extras));
    return NULL;
}

static Status open_bench(Bench *b, const char *metrics) {
    const ObjectiveOptions own = {.shape = shape, .seed = 1};
    const OptimizerOptions rules = {
        .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .layer_decay = 1, .layers = shape.depth, .decay_tokens = true};
    TRY(mae_objective.open(&own, &b->ops, &b->objective));
    TRY(optimizer_open(&rules, b->objective->params, &b->ops, &b->optimizer));
    const StepOptions how = {.objective = b->objective,
                             .optimizer = b->optimizer,
                             .ops = &b->ops,
                             .global_batch = BATCH,
                             .micro_batch = BATCH,
                             .capture = true};
    TRY(step_open(&how, &b->steps));
    TRY(layer_watch_open(&b->layers, b->objective, b->optimizer, &b->ops));
    TRY(monitor_open(&b->monitor, metrics, EVERY, 0, BATCH, 0));
    return draw_batch(b);
}

static void close_bench(Bench *b) {
    monitor_close(&b->monitor);
    layer_watch_close(&b->layers);
    step_close(b->steps);
    optimizer_close(b->optimizer);
    if (b->objective)
        b->objective->close(b->objective);
    b->device->release_pinned(b->device, (void *)(uintptr_t)b->batch.samples);
    b->device->release_pinned(b->device, (void *)(uintptr_t)b->batch.extras);
    status_free(ops_error(&b->ops));
}

static Status settle(Bench *b, int pending) {
    StepState outcome;
    while (step_pending(b->steps) > pending)
        TRY(step_wait_oldest(b->steps, &outcome));
    return NULL;
}

/* As in training the host is a step ahead, except around a look. */
static Status run_window(Bench *b, bool looks, double *seconds) {
    bool found;
    const double start = clock_now();
    for (int i = 0; i < WINDOW; i++) {
        TRY(settle(b, looks && i == WINDOW / 2 + 1 ? 0 : step_ahead(b->steps)));
        if (looks && i == WINDOW / 2 + 1)
            TRY(layer_watch_step(&b->layers, &b->monitor, b->step, &found));
        TRY(step_gradients(b->steps, &b->batch));
        TRY(step_update(b->steps, 1e-4, ++b->step));
    }
    TRY(settle(b, 0));
    *seconds = clock_now() - start;
    return NULL;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
}

static Status measure(Bench *b, double seconds) {
    double without[MOST_WINDOWS], looks[MOST_WINDOWS], with;
    int count = 0;
    TRY(run_window(b, true, &with)); /* to warm up */
    for (const double start = clock_now();
         count < MOST_WINDOWS && (count < LEAST_WINDOWS || clock_now() - start < seconds); count++) {
        TRY(run_window(b, false, &without[count]));
        TRY(run_window(b, true, &with));
        looks[count] = with - without[count];
    }
    const double step = median_of(without, count) / WINDOW, look = median_of(looks, count);
    char name[64];
    Json json;
    snprintf(name, sizeof name, "fovea %s", b->ops.name);
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_string(&json, "program", name);
    json_real(&json, "step_s", step);
    json_real(&json, "look_s", look);
    json_integer(&json, "every", EVERY);
    json_real(&json, "ratio_to_no_monitors", 1 + look / (EVERY * step));
    json_integer(&json, "windows", count);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

static Status run(void *context) {
    const Arguments *a = context;
    char folder[] = "/tmp/fovea-monitor-XXXXXX", *note = NULL, *metrics = NULL;
    Device *device;
    TRY(device_open(kinds[a->backend], &device, &note));
    free(note);
    Bench bench = {.device = device, .monitor = {.metrics = {.descriptor = -1}}};
    device->operations(device, a->threads, &bench.ops);
    Status status = mkdtemp(folder) ? files_path(&metrics, "%s/metrics.jsonl", folder)
                                    : status_error(EXIT_IO, "cannot make a folder like %s", folder);
    if (!status)
        status = open_bench(&bench, metrics);
    if (!status)
        status = measure(&bench, a->seconds);
    close_bench(&bench);
    device_close(device);
    status_free(files_remove(folder));
    free(metrics);
    return status;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
