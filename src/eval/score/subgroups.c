/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score/subgroups.h"
#include "base/list.h"
#include "base/text.h"
#include "eval/score/selection.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BANDS = 6 };

/* Which rows are taken: those of a category, or of numbers from `low` to below `high`. */
typedef struct {
    const EvalColumn *column;
    int category; /* -1: not known */
    double low, high;
} Choice;

typedef struct {
    const SubgroupsInput *in;
    bool *keep; /* [rows] */
    Subgroup *list;
    int64_t capacity;
    int count;
} Work;

static bool is_chosen(const Choice *choice, int64_t row) {
    const EvalColumn *column = choice->column;
    if (column->categories)
        return column->category[row] == choice->category;
    const double number = column->number[row];
    return choice->category < 0 ? isnan(number) : number >= choice->low && number < choice->high;
}

static Status name_choice(const Choice *choice, char **name) {
    if (choice->category < 0)
        return text_format(name, "not known");
    if (choice->column->categories)
        return text_format(name, "%s", choice->column->names[choice->category]);
    return text_format(name, "%g to < %g", choice->low, choice->high);
}

/* Whether each class, and each label of yes or no, has enough people; of numbers, whether there are enough. */
static Status has_people(const Selection *s, bool *enough) {
    int first;
    const int questions = selection_questions(s, &first);
    int64_t people[2];
    *enough = true;
    if (!questions) {
        TRY(selection_count_people(s, &people[0]));
        *enough = people[0] >= SUBGROUP_LEAST;
    }
    for (int i = 0; i < questions; i++) {
        TRY(selection_count_classes(s, first + i, people));
        *enough &= people[0] >= SUBGROUP_LEAST && people[1] >= SUBGROUP_LEAST;
    }
    return NULL;
}

static Status take_estimate(const Work *work, const Selection *s, Estimate *estimate) {
    Estimate *list;
    int count;
    bool enough;
    TRY(estimates_measure(s, work->in->thresholds, work->in->metric, work->in->resampling, &list, &count));
    *estimate = list[0];
    free(list);
    TRY(has_people(s, &enough));
    if (enough && estimate->people >= 0)
        return NULL;
    const Interval none = {NULL, NAN, NAN, NAN};
    estimate->value = NAN;
    estimate->interval = none;
    for (int i = 0; i < INTERVALS_BESIDE; i++)
        estimate->beside[i] = none;
    estimate->reason = estimate->people < 0               ? "the people of some images are not known"
                       : s->rows->kind == EVAL_REGRESSION ? "fewer than 10 people"
                                                          : "fewer than 10 people in a class";
    return NULL;
}

static Status add_subgroup(Work *work, const Choice *choice) {
    const EvalRows *rows = work->in->rows;
    Selection s;
    for (int64_t row = 0; row < rows->count; row++)
        work->keep[row] = is_chosen(choice, row);
    Status status = selection_open(rows, rows->labels, work->in->predictions, PROBE_TEST, work->keep, &s);
    if (!status && s.count) {
        status = list_grow(&work->list, work->count, &work->capacity, sizeof *work->list, "subgroups");
        if (!status) {
            Subgroup *subgroup = &work->list[work->count++];
            *subgroup = (Subgroup){.column = choice->column->name};
            status = name_choice(choice, &subgroup->category);
            if (!status)
                status = take_estimate(work, &s, &subgroup->estimate);
        }
    }
    selection_free(&s);
    return status;
}

/* The smallest width of which MOST_BANDS bands reach from the band of `low` to that of `high`. */
static double find_width(double low, double high) {
    static const double steps[] = {1, 2, 5};
    for (int power = -12; power < 300; power++)
        for (int i = 0; i < 3; i++) {
            const double width = steps[i] * pow(10, power);
            if (floor(high / width) - floor(low / width) < MOST_BANDS)
                return width;
        }
    return INFINITY;
}

static Status add_bands(Work *work, const EvalColumn *column) {
    const EvalRows *rows = work->in->rows;
    double low = INFINITY, high = -INFINITY;
    for (int64_t row = 0; row < rows->count; row++)
        if (rows->split[row] == PROBE_TEST && isfinite(column->number[row])) {
            low = fmin(low, column->number[row]);
            high = fmax(high, column->number[row]);
        }
    if (low <= high) {
        const double width = find_width(low, high), first = floor(low / width), last = floor(high / width);
        for (double band = first; band <= last; band++)
            TRY(add_subgroup(work, &(Choice){column, 0, band * width, (band + 1) * width}));
    }
    return add_subgroup(work, &(Choice){.column = column, .category = -1});
}

static Status add_column(Work *work, const EvalColumn *column) {
    if (!column->categories)
        return add_bands(work, column);
    for (int category = 0; category < column->categories; category++)
        TRY(add_subgroup(work, &(Choice){.column = column, .category = category}));
    return add_subgroup(work, &(Choice){.column = column, .category = -1});
}

Status subgroups_measure(const SubgroupsInput *input, Subgroup **list, int *count) {
    Work work = {.in = input, .keep = malloc((size_t)(input->rows->count + 1) * sizeof(bool))};
    Status status = work.keep ? NULL : status_no_memory("subgroups", (size_t)input->rows->count);
    for (int c = 0; c < input->rows->column_count && !status; c++)
        status = add_column(&work, &input->rows->columns[c]);
    free(work.keep);
    *list = work.list;
    *count = work.count;
    return status;
}

void subgroups_free(Subgroup *list, int count) {
    for (int i = 0; i < count; i++)
        free(list[i].category);
    free(list);
}
