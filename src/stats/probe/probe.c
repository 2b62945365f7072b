/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/probe.h"
#include "stats/knn.h"
#include "stats/probe/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- One set, everything ------------------------------------------------------------------------------------------ */

void probe_free(ProbeResult *result) {
    free(result->coefficients);
    free(result->intercepts);
    free(result->predictions);
    free(result->scores);
    free(result->objectives);
    free(result->chosen);
    free(result->neighbours);
    *result = (ProbeResult){0};
}

typedef struct {
    const ProbeInput *in;
    ProbeResult *out;
} Whole;

static Status allocate_result(const ProbeInput *in, ProbeResult *out) {
    const size_t fits = (size_t)in->outputs * (size_t)in->strengths, real = sizeof(double);
    const size_t tests = (size_t)out->tests * (size_t)out->values;
    out->coefficients = calloc(fits, (size_t)out->logits * (size_t)in->width * real);
    out->intercepts = calloc(fits, (size_t)out->logits * real);
    out->predictions = calloc(fits, tests * real + 1);
    out->scores = calloc(fits, real);
    out->objectives = calloc(fits, real);
    out->chosen = calloc((size_t)in->outputs, sizeof(int64_t));
    out->neighbours = in->task == PROBE_REGRESS ? NULL : calloc((size_t)in->outputs, tests * real + 1);
    return out->coefficients && out->intercepts && out->predictions && out->scores && out->objectives && out->chosen &&
                   (out->neighbours || in->task == PROBE_REGRESS)
               ? NULL
               : status_no_memory("a probe's result", fits * (tests + (size_t)in->width) * real);
}

/* A class that train does not have gets no weights, and -INFINITY as its intercept: what the likelihood drives it to.
 */
static void keep_weights(const Whole *w, const ColumnSolution *s, const double *weights, const double *intercepts,
                         int64_t index) {
    const int width = w->in->width, logits = w->out->logits;
    double *to = w->out->coefficients + index * logits * width, *to_intercepts = w->out->intercepts + index * logits;
    for (int k = 0; k < logits && s->fitted < logits; k++)
        to_intercepts[k] = -INFINITY;
    for (int k = 0; k < s->fitted; k++) {
        const int logit = s->class_of ? s->class_of[k] : k;
        memcpy(to + (int64_t)logit * width, weights + (int64_t)k * width, (size_t)width * sizeof *to);
        to_intercepts[logit] = intercepts[k];
    }
}

static Status keep_whole(void *context, const Rows *rows, const ColumnSolution *s) {
    const Whole *w = context;
    ProbeResult *out = w->out;
    const int64_t index = (int64_t)s->output * w->in->strengths + s->strength, size = out->tests * out->values;
    double *weights = malloc((size_t)s->fitted * ((size_t)rows->width + 1) * sizeof *weights);
    if (!weights)
        return status_no_memory("a probe", (size_t)s->fitted * (size_t)rows->width * sizeof *weights);
    double *intercepts = weights + (int64_t)s->fitted * rows->width;
    columns_turn_back(rows, s, weights, intercepts);
    keep_weights(w, s, weights, intercepts, index);
    free(weights);
    memcpy(out->predictions + index * size, s->predictions + rows->vals * out->values,
           (size_t)size * sizeof *out->predictions);
    out->scores[index] = s->score;
    out->objectives[index] = s->objective;
    if (s->best)
        out->chosen[s->output] = s->strength;
    return NULL;
}

static Status vote_outputs(const Whole *w, const Neighbours *neighbours, const int64_t *trains, int64_t count,
                           double *labels) {
    const ProbeInput *in = w->in;
    for (int output = 0; output < in->outputs; output++) {
        for (int64_t i = 0; i < count; i++)
            labels[i] = in->labels[trains[i] * in->outputs + output];
        TRY(neighbours_vote(neighbours, labels, in->classes,
                            w->out->neighbours + output * w->out->tests * w->out->values));
    }
    return NULL;
}

static Status ask_neighbours(const Whole *w) {
    const ProbeInput *in = w->in;
    const size_t rows = (size_t)in->rows;
    int64_t *trains = malloc(rows * sizeof *trains), *tests = malloc(rows * sizeof *tests);
    double *labels = malloc(rows * sizeof *labels);
    Neighbours *neighbours = NULL;
    KnnInput input = {
        .features = in->features, .width = in->width, .known = trains, .asked = tests, .threads = in->threads};
    Status status =
        trains && tests && labels ? NULL : status_no_memory("the nearest neighbours", rows * sizeof *trains);
    for (int64_t row = 0; row < in->rows && !status; row++) {
        if (in->split[row] == PROBE_TRAIN)
            trains[input.known_rows++] = row;
        if (in->split[row] == PROBE_TEST)
            tests[input.asked_rows++] = row;
    }
    if (!status)
        status = neighbours_find(&input, &neighbours);
    if (!status)
        status = vote_outputs(w, neighbours, trains, input.known_rows, labels);
    neighbours_close(neighbours);
    free(trains);
    free(tests);
    free(labels);
    return status;
}

Status probe_run(const ProbeInput *input, ProbeResult *result) {
    Whole whole = {.in = input, .out = result};
    *result = (ProbeResult){.logits = input->task == PROBE_MULTICLASS ? input->classes : 1,
                            .values = input->task == PROBE_REGRESS ? 1 : input->classes};
    for (int64_t row = 0; row < input->rows; row++)
        result->tests += input->split[row] == PROBE_TEST;
    TRY(columns_check(input));
    TRY(allocate_result(input, result));
    TRY(columns_run(input, input->labels, 1, keep_whole, &whole));
    return input->task == PROBE_REGRESS ? NULL : ask_neighbours(&whole);
}

/* --- Many sets, what is chosen ------------------------------------------------------------------------------------ */

typedef struct {
    const ProbeInput *in;
    double *predictions;
    int64_t *chosen;
} Chosen;

static Status keep_chosen(void *context, const Rows *rows, const ColumnSolution *s) {
    const Chosen *c = context;
    const ProbeInput *in = c->in;
    if (!s->best)
        return NULL;
    /* Of two probabilities that of the label 1, the second. */
    const int several = in->task == PROBE_MULTICLASS, values = in->task == PROBE_REGRESS ? 1 : in->classes;
    const int count = several ? values : 1, first = several ? 0 : values - 1;
    for (int64_t i = 0; i < rows->vals + rows->tests; i++) {
        const int64_t row = s->set * in->rows + rows->row[rows->trains + i];
        memcpy(c->predictions + (row * in->outputs + s->output) * count, s->predictions + i * values + first,
               (size_t)count * sizeof *c->predictions);
    }
    c->chosen[(int64_t)s->set * in->outputs + s->output] = s->strength;
    return NULL;
}

Status probe_run_sets(const ProbeInput *input, const double *labels, int sets, double *predictions, int64_t *chosen) {
    Chosen context = {.in = input, .predictions = predictions, .chosen = chosen};
    const int count = input->outputs * (input->task == PROBE_MULTICLASS ? input->classes : 1);
    for (int64_t i = 0; i < sets * input->rows * count; i++)
        predictions[i] = NAN;
    TRY(columns_check(input));
    return columns_run(input, labels, sets, keep_chosen, &context);
}
