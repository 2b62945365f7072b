/* SPDX-License-Identifier: Apache-2.0 */
/* What intervals cost: all scores of a drawn prediction, two images a person, with 2,000 bootstraps of people. */
#include "base/clock.h"
#include "base/json.h"
#include "base/program.h"
#include "base/random.h"
#include "eval/score/scores.h"

#include <stdlib.h>

enum { BOOTSTRAPS = 2000 };

typedef struct {
    int images, classes, threads;
} Arguments;

static const Option options[] = {
    {.name = "--images",
     .value = "N",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, images),
     .min = 100,
     .max = OPTION_NO_LIMIT,
     .fallback = "20000",
     .help = "Images of the test split."},
    {.name = "--classes",
     .value = "K",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, classes),
     .min = 2,
     .max = 1000,
     .fallback = "5",
     .help = "Classes; 2 is a binary task."},
    {.name = "--threads",
     .value = "T",
     .type = OPTION_INT,
     .offset = offsetof(Arguments, threads),
     .min = 1,
     .max = 1024,
     .fallback = "2",
     .help = "Threads of the CPU."},
    {0},
};
static const ExitCode exits[] = {EXIT_USAGE, EXIT_NO_MEMORY, EXIT_OK};
static const Program program = {
    .name = "intervals",
    .about = "Measures every figure of a drawn prediction with its interval, by image and by person, and prints the "
             "time as JSON.",
    .options = options,
    .exits = exits,
};

/* Of a binary task the last of the two probabilities alone. */
static void draw_rows(const EvalRows *rows, double *labels, int64_t *split, int64_t *person, double *predictions) {
    const int values = eval_values(rows);
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int64_t row = 0; row < rows->count; row++) {
        person[row] = row / 2;
        split[row] = row % 20 < 2 ? PROBE_VAL : PROBE_TEST;
        labels[row] = row % 2 ? labels[row - 1] : random_below(&random, (uint32_t)rows->classes);
        double sum = 0;
        for (int v = 0; v < values; v++) {
            const bool own = values == 1 ? labels[row] == 1 : labels[row] == v;
            sum += predictions[row * values + v] = random_between(&random, 0.01, own ? 0.99 : 0.6);
        }
        for (int v = 0; v < values && values > 1; v++)
            predictions[row * values + v] /= sum;
    }
}

static Status time_scores(const Arguments *a, const EvalRows *rows, const double *predictions, double *seconds) {
    MainMetric metric;
    Scores scores;
    TRY(main_metric_find(rows, rows->kind == EVAL_BINARY ? "auroc" : "auroc_macro_ovr", &metric));
    const double start = clock_now();
    Status status = scores_measure(
        &(ScoresInput){
            .rows = rows, .predictions = predictions, .metric = &metric, .resampling = {BOOTSTRAPS, 1, a->threads}},
        &scores);
    *seconds = clock_now() - start;
    scores_free(&scores);
    return status;
}

static Status run(void *context) {
    const Arguments *a = context;
    const size_t count = (size_t)a->images * 10 / 9; /* a tenth is val's */
    double *labels = malloc(count * sizeof *labels), seconds = 0;
    double *predictions = malloc(count * (size_t)a->classes * sizeof *predictions);
    int64_t *split = malloc(count * sizeof *split), *person = malloc(count * sizeof *person);
    Status status = labels && predictions && split && person ? NULL : status_no_memory("the rows", count * 24);
    if (!status) {
        const EvalRows rows = {.kind = a->classes == 2 ? EVAL_BINARY : EVAL_MULTICLASS,
                               .classes = a->classes,
                               .outputs = 1,
                               .count = (int64_t)count,
                               .labels = labels,
                               .split = split,
                               .person = person};
        draw_rows(&rows, labels, split, person, predictions);
        status = time_scores(a, &rows, predictions, &seconds);
    }
    free(labels);
    free(predictions);
    free(split);
    free(person);
    TRY(status);
    Json json;
    json_open(&json, stdout);
    json_object(&json, NULL, JSON_LINE);
    json_integer(&json, "images", a->images);
    json_integer(&json, "classes", a->classes);
    json_integer(&json, "bootstraps", BOOTSTRAPS);
    json_integer(&json, "threads", a->threads);
    json_real(&json, "seconds", seconds);
    json_end(&json);
    json_newline(&json);
    return NULL;
}

int main(int count, char **arguments) {
    Arguments a = {0};
    return program_main(&program, count, arguments, &a, run);
}
