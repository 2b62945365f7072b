/* SPDX-License-Identifier: Apache-2.0 */
/* What a control by scrambled labels costs: a linear probe of a binary label and of 199 permutations of it within their
 * split, on 20,000 images of 768 features, at all 15 strengths. Features share 40 drawn factors beside noise of their
 * own, as those of an encoder do. Prints one JSON object: seconds and processor seconds. */
#include "base/clock.h"
#include "base/json.h"
#include "base/program.h"
#include "base/random.h"
#include "base/threads.h"
#include "eval/adapt/linear.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FACTORS = 40 };

typedef struct {
    int threads, sets, rows, width;
    double noise;
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
    {.name = "--sets",
     .value = "B",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, sets),
     .min = 1,
     .max = 10000,
     .fallback = "200",
     .help = "Label sets, the true one among them."},
    {.name = "--rows",
     .value = "N",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, rows),
     .min = 100,
     .max = 10000000,
     .fallback = "20000",
     .help = "Images."},
    {.name = "--width",
     .value = "W",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, width),
     .min = 1,
     .max = 10000,
     .fallback = "768",
     .help = "Features of an image."},
    {.name = "--noise",
     .value = "S",
     .type = OPTION_REAL,
     .offset = offsetof(Arguments, noise),
     .min = 0,
     .max = OPTION_NO_LIMIT,
     .fallback = "1",
     .help = "Noise of the true label beside a signal of deviation 1; 0: the features separate the classes."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_DATA, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {.name = "control_sets",
                                .about = "Times the linear probes of a control by scrambled labels.",
                                .options = options,
                                .exits = exits};

typedef struct {
    float *features;
    double *labels, *predictions;
    int64_t *split;
} Bench;

/* Of five rows three are train, one val, one test. Row i of a set takes the label of another row of its split, place
 * perm(place) there. */
static void draw_bench(const Arguments *a, Bench *b) {
    static const int64_t splits[] = {PROBE_TRAIN, PROBE_TRAIN, PROBE_TRAIN, PROBE_VAL, PROBE_TEST};
    float factors[FACTORS];
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int64_t row = 0; row < a->rows; row++) {
        double signal = 0;
        for (int f = 0; f < FACTORS; f++)
            factors[f] = (float)(random_normal(&random) / (1 + 0.1 * f));
        for (int j = 0; j < a->width; j++) {
            /* Loadings that differ for each pair. */
            float x = random_uniform(&random) + random_uniform(&random) - 1;
            for (int f = 0; f < FACTORS; f++)
                x += factors[f] * (float)((j * 37 + f * 101) % 61 - 30) / 30;
            b->features[row * a->width + j] = x;
        }
        for (int f = 0; f < 8; f++)
            signal += (double)factors[f + 4] * (1 + 0.1 * (f + 4)) / sqrt(8);
        b->labels[row] = signal + a->noise * random_normal(&random) > 0.8 * sqrt(1 + a->noise * a->noise);
        b->split[row] = splits[row % 5];
    }
    for (int set = 1; set < a->sets; set++)
        for (int64_t row = 0; row < a->rows; row++) {
            const uint64_t blocks = (uint64_t)a->rows / 5;
            const int64_t block =
                row / 5 < (int64_t)blocks
                    ? (int64_t)random_permute((uint64_t)set, (uint32_t)(row % 5), blocks, (uint64_t)(row / 5))
                    : row / 5;
            b->labels[set * a->rows + row] = b->labels[block * 5 + row % 5];
        }
}

static Status measure(const Arguments *a, const Bench *b) {
    const EvalRows rows = {
        .kind = EVAL_BINARY, .classes = 2, .outputs = 1, .count = a->rows, .labels = b->labels, .split = b->split};
    Adapter *adapter;
    TRY(linear_open(b->features, a->width, a->threads, &adapter));
    double seconds = clock_now(), processor = clock_processor();
    Status status = adapter->run(adapter, &rows, b->labels, a->sets, b->predictions);
    const double strength = linear_strength(adapter, 0);
    seconds = clock_now() - seconds;
    processor = clock_processor() - processor;
    adapter->close(adapter);
    TRY(status);
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "sets", a->sets);
    json_integer(&json, "rows", a->rows);
    json_integer(&json, "width", a->width);
    json_integer(&json, "threads", a->threads);
    json_real(&json, "seconds", seconds);
    json_real(&json, "processor_seconds", processor);
    json_real(&json, "chosen_c", strength);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

static Status run(void *context) {
    const Arguments *a = context;
    const size_t rows = (size_t)a->rows, sets = (size_t)a->sets;
    Bench b = {.features = malloc(rows * (size_t)a->width * sizeof *b.features),
               .labels = malloc(rows * sets * sizeof *b.labels),
               .predictions = malloc(rows * sets * sizeof *b.predictions),
               .split = malloc(rows * sizeof *b.split)};
    Status status = b.features && b.labels && b.predictions && b.split
                        ? NULL
                        : status_no_memory("a benchmark", rows * ((size_t)a->width * 4 + sets * 16));
    if (!status) {
        draw_bench(a, &b);
        status = measure(a, &b);
    }
    free(b.features);
    free(b.labels);
    free(b.predictions);
    free(b.split);
    return status;
}

int main(int count, char **arguments) {
    threads_wait_passively(arguments);
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
