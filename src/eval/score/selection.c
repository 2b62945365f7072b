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

/* A row and its person, to sort by. */
typedef struct {
    int64_t person, row;
} Owned;

static int by_person(const void *a, const void *b) {
    const Owned *x = a, *y = b;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static Status sort_by_person(const Selection *s, Owned **list) {
    *list = malloc((size_t)(s->count + 1) * sizeof **list);
    if (!*list)
        return status_no_memory("the rows of people", (size_t)s->count * sizeof **list);
    for (int64_t i = 0; i < s->count; i++)
        (*list)[i] = (Owned){s->person[i], i};
    qsort(*list, (size_t)s->count, sizeof **list, by_person);
    return NULL;
}

Status selection_count_people(const Selection *s, int64_t *count) {
    Owned *list;
    TRY(sort_by_person(s, &list));
    *count = 0;
    for (int64_t i = 0; i < s->count; i++)
        *count += i == 0 || list[i].person != list[i - 1].person;
    if (s->count && list[0].person < 0)
        *count = -1;
    free(list);
    return NULL;
}

/* The label of one person's known images list[0 .. count - 1] in one output. */
static double join_labels(const Selection *s, const Owned *list, int64_t count, int output) {
    const int outputs = s->rows->outputs;
    double sum = 0, first = NAN;
    int64_t known = 0;
    bool equal = true;
    for (int64_t i = 0; i < count; i++) {
        const double label = s->labels[list[i].row * outputs + output];
        if (isnan(label))
            continue;
        if (!known++)
            first = label;
        equal &= label == first;
        sum += label;
    }
    if (equal)
        return first;
    return s->rows->kind == EVAL_REGRESSION ? sum / (double)known : NAN;
}

/* Adds a person; false when no label is left. */
static bool add_person(const Selection *images, const Owned *list, int64_t count, Selection *people) {
    const int outputs = images->rows->outputs, values = eval_values(images->rows);
    const int64_t at = people->count;
    bool labelled = false;
    for (int output = 0; output < outputs; output++) {
        const double label = join_labels(images, list, count, output);
        people->labels[at * outputs + output] = label;
        labelled |= !isnan(label);
    }
    for (int v = 0; v < values; v++) {
        double sum = 0;
        for (int64_t i = 0; i < count; i++)
            sum += images->predictions[list[i].row * values + v];
        people->predictions[at * values + v] = sum / (double)count;
    }
    people->person[at] = list->person;
    people->images[at] = count;
    people->source[at] = images->source[list->row];
    people->count += labelled;
    return labelled;
}

Status selection_people(const Selection *images, Selection *people, int64_t *mixed) {
    Owned *list;
    *people = (Selection){0};
    *mixed = 0;
    TRY(sort_by_person(images, &list));
    Status status = allocate(images->rows, images->count, people);
    for (int64_t i = 0, count; i < images->count && !status; i += count) {
        for (count = 1; i + count < images->count && list[i + count].person == list[i].person;)
            count++;
        *mixed += !add_person(images, list + i, count, people);
    }
    free(list);
    return status;
}

int selection_questions(const Selection *s, int *first) {
    *first = s->rows->kind == EVAL_BINARY;
    switch (s->rows->kind) {
    case EVAL_REGRESSION:
        return 0;
    case EVAL_MULTICLASS:
    case EVAL_ORDINAL:
        return s->rows->classes;
    default:
        return s->rows->outputs;
    }
}

void selection_question(const Selection *s, int part, double *labels, double *scores) {
    const bool of_class = s->rows->kind == EVAL_MULTICLASS || s->rows->kind == EVAL_ORDINAL;
    const int values = eval_values(s->rows), column = s->rows->kind == EVAL_BINARY ? 0 : part;
    for (int64_t i = 0; i < s->count; i++) {
        const double label = s->labels[of_class ? i : i * s->rows->outputs + column];
        labels[i] = isnan(label) || !of_class ? label : label == part;
        scores[i] = s->predictions[i * values + column];
    }
}

Status selection_count_classes(const Selection *s, int part, int64_t people[2]) {
    double *labels = malloc((size_t)(2 * s->count + 1) * sizeof *labels), *scores = labels + s->count;
    Owned *list = NULL;
    Status status = labels ? sort_by_person(s, &list) : status_no_memory("labels", (size_t)s->count * 16);
    people[0] = people[1] = 0;
    if (!status)
        selection_question(s, part, labels, scores);
    int64_t last[2] = {INT64_MIN, INT64_MIN}; /* whom each count contains already */
    for (int64_t i = 0; i < s->count && !status; i++) {
        const double label = labels[list[i].row];
        if (isnan(label) || last[label == 1] == list[i].person)
            continue;
        last[label == 1] = list[i].person;
        people[label == 1]++;
    }
    free(labels);
    free(list);
    return status;
}
