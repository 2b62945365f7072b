/* SPDX-License-Identifier: Apache-2.0 */
/* Our side of `make bench`: one training step of ViT-Tiny MAE (192x12, patch 16, 96 px, decoder 96x4, batch 64, FP32),
 * as tools/bench/torch_mae.py takes it: uint8 images -> normalised patches -> random mask -> forward -> loss ->
 * backward -> AdamW. Prints one JSON object: median images/s, and the rate of a 1024^3 product on the same backend. */
#include "base/clock.h"
#include "base/json.h"
#include "base/program.h"
#include "base/random.h"
#include "base/threads.h"
#include "model/mae.h"
#include "train/optimizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64, SIZE = 96, MOST_STEPS = 10000 };

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

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static Status step(Mae *mae, Optimizer *optimizer, const uint8_t *pixels, Random *random, int32_t *ids, int number) {
    int patches = mae_patches(mae);
    for (int b = 0; b < BATCH; b++) {
        float noise[1024];
        for (int i = 0; i < patches; i++)
            noise[i] = random_uniform(random);
        mae_shuffle(noise, patches, ids + b * patches);
    }
    ModelInput input = {.pixels = pixels, .ids = ids, .batch = BATCH};
    float norm;
    mae_forward(mae, &input);
    mae_backward(mae, &input, 1, false);
    return optimizer_step(optimizer, 1e-4, number, &norm);
}

static Status time_steps(Ops *ops, double seconds, double *images_per_s, int *steps) {
    Mae *mae = NULL;
    Optimizer *optimizer = NULL;
    OptimizerOptions options = {.beta1 = 0.9,
                                .beta2 = 0.95,
                                .eps = 1e-8,
                                .weight_decay = 0.05,
                                .layer_decay = 1,
                                .layers = shape.depth,
                                .decay_tokens = true};
    size_t size = (size_t)BATCH * SIZE * SIZE * 3;
    uint8_t *pixels = malloc(size);
    int32_t *ids = malloc(sizeof *ids * BATCH * 1024);
    double *times = malloc(sizeof *times * MOST_STEPS);
    Status status = pixels && ids && times ? mae_open(&shape, ops, &mae) : status_no_memory("the benchmark", size);
    if (!status)
        status = optimizer_open(&options, mae_params(mae), ops, &optimizer);
    if (!status) {
        Random random;
        random_start(&random, 1, RANDOM_TEST, 0, 0);
        for (size_t i = 0; i < size; i++)
            pixels[i] = (uint8_t)random_u32(&random);
        status = mae_init(mae, 1);
        int number = 0, timed = 0;
        for (; number < 5 && !status; number++)
            status = step(mae, optimizer, pixels, &random, ids, number + 1);
        for (double start = clock_now(); !status && clock_now() - start < seconds && timed < MOST_STEPS; timed++) {
            double begin = clock_now();
            status = step(mae, optimizer, pixels, &random, ids, ++number);
            times[timed] = clock_now() - begin;
        }
        qsort(times, (size_t)timed, sizeof *times, by_value);
        *images_per_s = BATCH / times[timed / 2];
        *steps = timed;
    }
    optimizer_close(optimizer);
    mae_close(mae);
    free(pixels);
    free(ids);
    free(times);
    return status;
}

/* Best of a second of 1024^3 products. */
static Status time_product(Ops *ops, double *gflops) {
    enum { N = 1024 };
    float *memory = calloc(3 * N * N, sizeof *memory);
    if (!memory)
        return status_no_memory("the benchmark", 3 * N * N * sizeof *memory);
    float *a = memory, *b = memory + N * N, *c = memory + 2 * N * N;
    for (int i = 0; i < 2 * N * N; i++)
        memory[i] = (float)(i % 13) - 6;
    *gflops = 0;
    for (double start = clock_now(); clock_now() - start < 1;) {
        double begin = clock_now();
        ops->linear_forward(ops, &(LinearForward){.x = a, .w = b, .y = c, .rows = N, .in = N, .out = N});
        double rate = 2.0 * N * N * N / (clock_now() - begin) / 1e9;
        *gflops = rate > *gflops ? rate : *gflops;
    }
    free(memory);
    return ops_error(ops);
}

typedef struct {
    int threads;
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
     .help = "Threads of the operations."},
    {.name = "--seconds",
     .value = "S",
     .type = OPTION_REAL,
     .offset = offsetof(Arguments, seconds),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .fallback = "10",
     .help = "Time to take steps for."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "mae_step",
    .about = "Measures a training step of a small masked autoencoder on the CPU and prints one JSON object.",
    .options = options,
    .exits = exits,
};

static Status run(void *context) {
    const Arguments *a = context;
    int steps = 0;
    double images_per_s = 0, gflops = 0;
    Ops ops;
    ops_cpu(&ops, a->threads);
    TRY(time_steps(&ops, a->seconds, &images_per_s, &steps));
    TRY(time_product(&ops, &gflops));
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_string(&json, "program", "fovea cpu");
    json_real(&json, "images_per_s", images_per_s);
    json_real(&json, "gemm_1024_gflops", gflops);
    json_integer(&json, "steps", steps);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
