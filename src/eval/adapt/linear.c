/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/adapt/linear.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Half decades, as those that published probes of frozen features search. */
static const double C_GRID[] = {1e-5, 3.1622776601683795e-05, 1e-4, 3.1622776601683794e-4, 1e-3, 3.1622776601683795e-3,
                                1e-2, 3.1622776601683791e-2,  1e-1, 0.31622776601683794,   1,    3.1622776601683795,
                                10,   31.622776601683793,     100};
static const double ALPHA_GRID[] = {1e-1, 0.31622776601683794, 1,   3.1622776601683795, 10,  31.622776601683793,
                                    1e2,  316.22776601683796,  1e3, 3162.2776601683795, 1e4, 31622.776601683792,
                                    1e5};

typedef struct {
    Adapter adapter;
    const float *features;
    int width, threads;
    int outputs;
    double *strengths; /* [outputs], of the first set */
} Linear;

/* The probe of one label set: its val rows are there twice, to choose by and to be predicted. */
typedef struct {
    float *features;
    double *labels;
    int64_t *split, *row;
    int64_t count;
} Rows;

static void free_rows(Rows *r) {
    free(r->features);
    free(r->labels);
    free(r->split);
    free(r->row);
}

static void add_row(Rows *r, const Linear *l, const EvalRows *rows, const double *labels, int64_t row, int64_t split) {
    const size_t width = (size_t)l->width, outputs = (size_t)rows->outputs;
    memcpy(r->features + (size_t)r->count * width, l->features + (size_t)row * width, width * sizeof *r->features);
    memcpy(r->labels + (size_t)r->count * outputs, labels + (size_t)row * outputs, outputs * sizeof *labels);
    r->split[r->count] = split;
    r->row[r->count++] = row;
}

static Status take_rows(const Linear *l, const EvalRows *rows, const double *labels, Rows *r) {
    const size_t most = 2 * (size_t)rows->count;
    *r = (Rows){.features = malloc(most * (size_t)l->width * sizeof *r->features + 1),
                .labels = malloc(most * (size_t)rows->outputs * sizeof *r->labels + 1),
                .split = malloc(most * sizeof *r->split + 1),
                .row = malloc(most * sizeof *r->row + 1)};
    if (!r->features || !r->labels || !r->split || !r->row)
        return status_no_memory("a linear probe", most * (size_t)l->width * sizeof *r->features);
    for (int64_t row = 0; row < rows->count; row++) {
        add_row(r, l, rows, labels, row, rows->split[row]);
        if (rows->split[row] == PROBE_VAL)
            add_row(r, l, rows, labels, row, PROBE_TEST);
    }
    return NULL;
}

static void keep_predictions(const EvalRows *rows, const Rows *r, const ProbeResult *result, int strengths,
                             double *predictions) {
    const int values = eval_values(rows), each = rows->outputs > 1 ? 1 : values;
    for (int64_t i = 0; i < rows->count * values; i++)
        predictions[i] = NAN;
    for (int output = 0; output < rows->outputs; output++) {
        const double *own =
            result->predictions + (output * strengths + result->chosen[output]) * result->tests * result->values;
        for (int64_t i = 0; i < r->count; i++) {
            if (r->split[i] != PROBE_TEST)
                continue;
            for (int v = 0; v < each; v++)
                predictions[r->row[i] * values + output * each + v] = own[result->values == 2 && each == 1 ? 1 : v];
            own += result->values;
        }
    }
}

static Status run_set(Linear *l, const EvalRows *rows, const double *labels, bool first, double *predictions) {
    static const ProbeTask tasks[] = {[EVAL_BINARY] = PROBE_BINARY,
                                      [EVAL_MULTICLASS] = PROBE_MULTICLASS,
                                      [EVAL_MULTILABEL] = PROBE_MULTILABEL,
                                      [EVAL_ORDINAL] = PROBE_MULTICLASS,
                                      [EVAL_REGRESSION] = PROBE_REGRESS};
    const bool regress = rows->kind == EVAL_REGRESSION;
    const int strengths = regress ? sizeof ALPHA_GRID / sizeof *ALPHA_GRID : sizeof C_GRID / sizeof *C_GRID;
    Rows r;
    ProbeResult result = {0};
    Status status = take_rows(l, rows, labels, &r);
    const ProbeInput input = {.task = tasks[rows->kind],
                              .classes = rows->classes,
                              .features = r.features,
                              .rows = r.count,
                              .width = l->width,
                              .labels = r.labels,
                              .outputs = rows->outputs,
                              .split = r.split,
                              .grid = regress ? ALPHA_GRID : C_GRID,
                              .strengths = strengths,
                              .threads = l->threads};
    if (!status)
        status = probe_run(&input, &result);
    if (status_code(status) == EXIT_DATA)
        status = status_append(status, "; choose another label or split");
    if (!status)
        keep_predictions(rows, &r, &result, strengths, predictions);
    for (int output = 0; output < rows->outputs && first && !status; output++)
        l->strengths[output] = input.grid[result.chosen[output]];
    probe_free(&result);
    free_rows(&r);
    return status;
}

static Status run_linear(Adapter *self, const EvalRows *rows, const double *labels, int sets, double *predictions) {
    Linear *l = (Linear *)self;
    free(l->strengths);
    l->outputs = 0;
    l->strengths = calloc((size_t)rows->outputs, sizeof *l->strengths);
    if (!l->strengths)
        return status_no_memory("a linear probe", (size_t)rows->outputs * sizeof *l->strengths);
    for (int set = 0; set < sets; set++)
        TRY(run_set(l, rows, labels + set * rows->count * rows->outputs, set == 0,
                    predictions + set * rows->count * eval_values(rows)));
    l->outputs = rows->outputs;
    return NULL;
}

static void close_linear(Adapter *self) {
    Linear *l = (Linear *)self;
    free(l->strengths);
    free(l);
}

Status linear_open(const float *features, int width, int threads, Adapter **adapter) {
    Linear *l = malloc(sizeof *l);
    if (!l)
        return status_no_memory("a linear probe", sizeof *l);
    *l = (Linear){.adapter = {.run = run_linear, .close = close_linear},
                  .features = features,
                  .width = width,
                  .threads = threads};
    *adapter = &l->adapter;
    return NULL;
}

double linear_strength(const Adapter *adapter, int output) {
    const Linear *l = (const Linear *)adapter;
    return output < l->outputs ? l->strengths[output] : NAN;
}
