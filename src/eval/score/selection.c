/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/selection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static Status allocate(const EvalRows *rows, int64_t room, Selection *s) {
    const size_t n = (size_t)(room ? room : 1);
    *s = (Selection){.rows = rows,
                     .labels = malloc(n * (size_t)rows->outputs * sizeof(double)),
                     .predictions = malloc(n * (size_t)eval_values(rows) * sizeof(double)),
                     .person = malloc(n * sizeof(int64_t)),
                     .images = malloc(n * sizeof(int64_t)),
                     .source = malloc(n * sizeof(int64_t))};
    return s->labels && s->predictions && s->person && s->images && s->source
               ? NULL
               : status_no_memory("the rows of a split", n * (size_t)(rows->outputs + eval_values(rows)) * 8);
}

void selection_free(Selection *s) {
    free(s->labels);
    free(s->predictions);
    free(s->person);
    free(s->images);
    free(s->source);
    *s = (Selection){0};
}

static bool is_labelled(const EvalRows *rows, const double *labels, int64_t row) {
    for (int output = 0; output < rows->outputs; output++)
        if (!isnan(labels[row * rows->outputs + output]))
            return true;
    return false;
}

Status selection_open(const EvalRows *rows, const double *labels, const double *predictions, ProbeSplit split,
                      const bool *keep, Selection *s) {
    const int outputs = rows->outputs, values = eval_values(rows);
    int64_t count = 0;
    for (int64_t row = 0; row < rows->count; row++)
        count += rows->split[row] == split;
    TRY(allocate(rows, count, s));
    for (int64_t row = 0; row < rows->count; row++) {
        if (rows->split[row] != split || (keep && !keep[row]) || !is_labelled(rows, labels, row))
            continue;
        for (int v = 0; v < values; v++)
            if (!isfinite(predictions[row * values + v]))
                return status_error(EXIT_DATA, "row %lld has the prediction %g: it must be a finite number",
                                    (long long)row, predictions[row * values + v]);
        memcpy(s->labels + s->count * outputs, labels + row * outputs, (size_t)outputs * sizeof(double));
        memcpy(s->predictions + s->count * values, predictions + row * values, (size_t)values * sizeof(double));
        s->person[s->count] = rows->person[row];
        s->images[s->count] = 1;
        s->source[s->count++] = row;
    }
    return NULL;
}
