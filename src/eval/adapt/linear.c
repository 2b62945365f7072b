/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/adapt/linear.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Half decades, as those that published probes of frozen features search. */
static const double C_GRID[] = {1e-5, 3.1622776601683795e-05, 1e-4, 3.1622776601683794e-4, 1e-3, 3.1622776601683795e-3,
                                1e-2, 3.1622776601683791e-2,  1e-1, 0.31622776601683794,   1,    3.1622776601683795,
                                10,   31.622776601683793,     100};
static const double ALPHA_GRID[] = {1e-1, 0.31622776601683794, 1,   3.1622776601683795, 10,  31.622776601683793,
                                    1e2,  316.22776601683796,  1e3, 3162.2776601683795, 1e4, 31622.776601683792,
                                    1e5};

enum { CS = sizeof C_GRID / sizeof *C_GRID, ALPHAS = sizeof ALPHA_GRID / sizeof *ALPHA_GRID };

typedef struct {
    Adapter adapter;
    const float *features;
    int width, threads;
    int outputs;
    double *strengths; /* [outputs], of the first set */
} Linear;

static Status run_linear(Adapter *self, const EvalRows *rows, const double *labels, int sets, double *predictions) {
    static const ProbeTask tasks[] = {[EVAL_BINARY] = PROBE_BINARY,
                                      [EVAL_MULTICLASS] = PROBE_MULTICLASS,
                                      [EVAL_MULTILABEL] = PROBE_MULTILABEL,
                                      [EVAL_ORDINAL] = PROBE_MULTICLASS,
                                      [EVAL_REGRESSION] = PROBE_REGRESS};
    Linear *l = (Linear *)self;
    const bool regress = rows->kind == EVAL_REGRESSION;
    const ProbeInput input = {.task = tasks[rows->kind],
                              .classes = rows->classes,
                              .features = l->features,
                              .rows = rows->count,
                              .width = l->width,
                              .outputs = rows->outputs,
                              .split = rows->split,
                              .grid = regress ? ALPHA_GRID : C_GRID,
                              .strengths = regress ? ALPHAS : CS,
                              .threads = l->threads};
    const size_t outputs = (size_t)rows->outputs;
    int64_t *chosen = malloc((size_t)sets * outputs * sizeof *chosen);
    free(l->strengths);
    l->outputs = 0;
    l->strengths = malloc(outputs * sizeof *l->strengths);
    Status status = chosen && l->strengths
                        ? probe_run_sets(&input, labels, sets, predictions, chosen)
                        : status_no_memory("a linear probe", (size_t)sets * outputs * sizeof *chosen);
    for (int output = 0; output < rows->outputs && !status; output++)
        l->strengths[output] = input.grid[chosen[output]];
    l->outputs = status ? 0 : rows->outputs;
    free(chosen);
    return status_code(status) == EXIT_DATA ? status_append(status, "; choose another label or split") : status;
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
