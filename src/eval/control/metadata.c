/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/control/metadata.h"

#include "eval/adapt/linear.h"

#include <math.h>
#include <stdlib.h>

/* Where a row's features are written; `width` in all. */
typedef struct {
    const EvalRows *rows;
    float *features; /* [rows->count][width] */
    int width, next;
} Table;

static float *cell(const Table *t, int64_t row, int column) {
    return t->features + row * t->width + column;
}

static void put_categories(Table *t, const EvalColumn *column) {
    for (int64_t row = 0; row < t->rows->count; row++)
        if (column->category[row] >= 0)
            *cell(t, row, t->next + column->category[row]) = 1;
    t->next += column->categories;
}

static double train_mean(const EvalRows *rows, const double *numbers) {
    double sum = 0;
    int64_t known = 0;
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] == PROBE_TRAIN && !isnan(numbers[row])) {
            sum += numbers[row];
            known++;
        }
    return known ? sum / (double)known : 0;
}

static void put_numbers(Table *t, const EvalColumn *column) {
    const double mean = train_mean(t->rows, column->number);
    for (int64_t row = 0; row < t->rows->count; row++)
        *cell(t, row, t->next) = (float)(isnan(column->number[row]) ? mean : column->number[row]);
    t->next++;
}

static void put_order(Table *t) {
    for (int64_t row = 0; row < t->rows->count; row++)
        *cell(t, row, t->next) = (float)((double)row / (double)t->rows->count);
    t->next++;
}

Status metadata_predict(const EvalRows *rows, int threads, double *predictions) {
    Table t = {.rows = rows, .width = 1};
    for (int c = 0; c < rows->column_count; c++)
        t.width += rows->columns[c].of_person ? 0 : rows->columns[c].categories ? rows->columns[c].categories : 1;
    t.features = calloc((size_t)rows->count * (size_t)t.width + 1, sizeof *t.features);
    if (!t.features)
        return status_no_memory("features of metadata", (size_t)rows->count * (size_t)t.width * sizeof *t.features);
    for (int c = 0; c < rows->column_count; c++)
        if (rows->columns[c].of_person)
            continue;
        else if (rows->columns[c].categories)
            put_categories(&t, &rows->columns[c]);
        else
            put_numbers(&t, &rows->columns[c]);
    put_order(&t);
    Adapter *linear = NULL;
    Status status = linear_open(t.features, t.width, threads, &linear);
    if (!status)
        status = linear->run(linear, rows, rows->labels, 1, predictions);
    if (linear)
        linear->close(linear);
    free(t.features);
    return status_append(status, " (by metadata alone)");
}
