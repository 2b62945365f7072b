/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/bootstrap.h"
#include "base/random.h"
#include "stats/people.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { STRATA = 3 };
static const double NORMAL_95 = 1.96; /* two-sided, as the field rounds it */

/* What all threads share. */
typedef struct {
    const Bootstrap *input;
    People people;
    int32_t *order;            /* [people], by stratum */
    int32_t start[STRATA + 1]; /* stratum s is order[start[s]] to order[start[s + 1] - 1] */
    BootstrapMeasure measure;
    const void *context;
    int figures;
    double *values; /* [figures][replicates] */
} Run;

/* What one replicate drew. */
typedef struct {
    int32_t *drawn;  /* [people], how often each */
    int32_t *times;  /* [rows], the same a row */
    double *figures; /* [figures] */
} Draw;

static int stratum_of(const Run *run, int32_t person) {
    const People *people = &run->people;
    if (!run->input->positive)
        return 0;
    return people->positives[person] == 0 ? 0 : people->negatives[person] == 0 ? 2 : 1;
}

static void sort_people(Run *run) {
    int32_t placed = 0;
    for (int stratum = 0; stratum < STRATA; stratum++) {
        run->start[stratum] = placed;
        for (int32_t person = 0; person < run->people.count; person++)
            if (stratum_of(run, person) == stratum)
                run->order[placed++] = person;
    }
    run->start[STRATA] = placed;
}

static void draw_people(const Run *run, int replicate, Draw *draw) {
    Random random;
    random_start(&random, run->input->seed, RANDOM_BOOTSTRAP, 0, (uint64_t)replicate);
    memset(draw->drawn, 0, (size_t)run->people.count * sizeof *draw->drawn);
    for (int stratum = 0; stratum < STRATA; stratum++) {
        const int32_t first = run->start[stratum], size = run->start[stratum + 1] - first;
        for (int32_t i = 0; i < size; i++)
            draw->drawn[run->order[first + (int32_t)random_below(&random, (uint32_t)size)]]++;
    }
    for (int64_t row = 0; row < run->input->rows; row++)
        draw->times[row] = draw->drawn[run->people.person[row]];
}

static Status run_replicates(const Run *run, int first, Draw *draw) {
    const Bootstrap *in = run->input;
    for (int replicate = first; replicate < in->replicates; replicate += in->threads) {
        draw_people(run, replicate, draw);
        TRY(run->measure(run->context, draw->times, draw->figures));
        for (int f = 0; f < run->figures; f++)
            run->values[(int64_t)f * in->replicates + replicate] = draw->figures[f];
    }
    return NULL;
}

/* Replicates `first`, `first` + threads, and so on. */
static Status run_share(const Run *run, int first) {
    const size_t people = (size_t)run->people.count + 1, rows = (size_t)run->input->rows + 1;
    Draw draw = {.drawn = malloc(people * sizeof(int32_t)),
                 .times = malloc(rows * sizeof(int32_t)),
                 .figures = malloc(((size_t)run->figures + 1) * sizeof(double))};
    Status status = draw.drawn && draw.times && draw.figures
                        ? run_replicates(run, first, &draw)
                        : status_no_memory("a bootstrap", (people + rows) * sizeof(int32_t));
    free(draw.drawn);
    free(draw.times);
    free(draw.figures);
    return status;
}

static Status run_threads(const Run *run) {
    const int threads = run->input->threads;
    Status *ends = calloc((size_t)threads, sizeof *ends), first = NULL;
    if (!ends)
        return status_no_memory("a bootstrap's threads", (size_t)threads * sizeof *ends);
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int t = 0; t < threads; t++)
        ends[t] = run_share(run, t);
    for (int t = 0; t < threads; t++)
        if (!first)
            first = ends[t];
        else
            status_free(ends[t]);
    free(ends);
    return first;
}

Status bootstrap_run(const Bootstrap *bootstrap, BootstrapMeasure measure, const void *context, int figures,
                     double *values) {
    Run run = {.input = bootstrap, .measure = measure, .context = context, .figures = figures, .values = values};
    Status status = people_open(bootstrap->people, bootstrap->positive, bootstrap->rows, &run.people);
    if (!status) {
        run.order = malloc(((size_t)run.people.count + 1) * sizeof *run.order);
        if (!run.order)
            status = status_no_memory("a bootstrap", (size_t)run.people.count * sizeof *run.order);
    }
    if (!status) {
        sort_people(&run);
        status = run_threads(&run);
    }
    free(run.order);
    people_free(&run.people);
    return status;
}

double bootstrap_deviation(const double *values, int count) {
    double mean = 0, squares = 0;
    bool equal = true;
    for (int i = 0; i < count; i++) {
        mean += values[i] / count;
        equal &= values[i] == values[0];
    }
    if (equal) /* rounding in the mean must not make a spread of nothing */
        return 0;
    for (int i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (count - 1));
}

static double to_scale(FigureScale scale, double value, double edge) {
    switch (scale) {
    case FIGURE_LOG:
        return log(value);
    case FIGURE_LOGIT:
        value = fmin(fmax(value, edge), 1 - edge);
        return log(value / (1 - value));
    case FIGURE_FISHER:
        return atanh(fmin(fmax(value, edge - 1), 1 - edge));
    default:
        return value;
    }
}

static double from_scale(FigureScale scale, double value) {
    switch (scale) {
    case FIGURE_LOG:
        return exp(value);
    case FIGURE_LOGIT:
        return 1 / (1 + exp(-value));
    case FIGURE_FISHER:
        return tanh(value);
    default:
        return value;
    }
}

BootstrapInterval bootstrap_interval(FigureScale scale, double value, double edge, double *values, int count) {
    BootstrapInterval interval = {NAN, NAN, NAN, NAN};
    const double center = to_scale(scale, value, 0);
    int defined = 0;
    for (int i = 0; i < count; i++)
        if (!isnan(values[i]))
            values[defined++] = values[i];
    if (scale == FIGURE_NONE || !isfinite(center) || defined < 2 || (count - defined) * 20 > count)
        return interval;
    const double error = bootstrap_deviation(values, defined);
    for (int i = 0; i < defined; i++)
        values[i] = to_scale(scale, values[i], edge);
    const double scale_error = bootstrap_deviation(values, defined);
    if (!(error > 0) || !isfinite(scale_error))
        return interval;
    interval = (BootstrapInterval){.low = from_scale(scale, center - NORMAL_95 * scale_error),
                                   .high = from_scale(scale, center + NORMAL_95 * scale_error),
                                   .error = error,
                                   .scale_error = scale_error};
    return interval;
}
