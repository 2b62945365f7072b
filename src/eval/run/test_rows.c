/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/test_rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Of two sets --- */

/* A row's photograph and whose it is, to find those that are in both sets. */
typedef struct {
    const char *dataset;
    const PackRow *row;
    int64_t at;
} Sight;

static Sight sight_of(const TestRows *rows, int64_t at) {
    const bool first = at < rows->first_count;
    const Cohort *cohort = first ? rows->cohort : rows->external;
    const int64_t record = first ? cohort->record[rows->first_row[at]] : cohort->record[at - rows->first_count];
    int64_t number;
    const RecordsPart *part = records_part(&cohort->records, record, &number);
    return (Sight){part->pack.info.dataset, &part->pack.rows[number], at};
}

static int compare_people(const void *a, const void *b) {
    const Sight *left = a, *right = b;
    const int order = strcmp(left->dataset, right->dataset);
    return order ? order : strcmp(left->row->person, right->row->person);
}

static int compare_files(const void *a, const void *b) {
    return memcmp(((const Sight *)a)->row->sha256, ((const Sight *)b)->row->sha256, sizeof((PackRow *)0)->sha256);
}

/* Gives rows that `compare` finds equal across the sets one number, which is that of the first of them in `list`, or a
 * new one from `next` on where that has none. */
static void join_sets(const TestRows *rows, Sight *sights, int64_t count, int (*compare)(const void *, const void *),
                      int64_t next, int64_t *list) {
    qsort(sights, (size_t)count, sizeof *sights, compare);
    for (int64_t from = 0, to; from < count; from = to) {
        int64_t least = sights[from].at, most = least;
        for (to = from + 1; to < count && compare(&sights[from], &sights[to]) == 0; to++) {
            least = sights[to].at < least ? sights[to].at : least;
            most = sights[to].at > most ? sights[to].at : most;
        }
        if (least >= rows->first_count || most < rows->first_count)
            continue;
        const int64_t number = list[least] >= 0 ? list[least] : next++;
        for (int64_t i = from; i < to; i++)
            list[sights[i].at] = number;
    }
}

static void copy_list(const TestRows *rows, const int64_t *first, const int64_t *second, int64_t *list, int64_t *next) {
    *next = 0;
    for (int64_t i = 0; i < rows->cohort->rows.count; i++)
        *next = first[i] >= *next ? first[i] + 1 : *next;
    for (int64_t i = 0; i < rows->first_count; i++)
        list[i] = first[rows->first_row[i]];
    const int64_t offset = *next;
    for (int64_t i = 0; i < rows->external->rows.count; i++) {
        list[rows->first_count + i] = second[i] < 0 ? -1 : second[i] + offset;
        *next = second[i] + offset >= *next ? second[i] + offset + 1 : *next;
    }
}

/* People of both sets are known by data set and name; those without a name stay unknown. */
static Status join_people_and_files(TestRows *rows, int64_t *person, int64_t *copies) {
    const EvalRows *first = &rows->cohort->rows, *second = &rows->external->rows;
    Sight *sights = malloc(((size_t)rows->rows.count + 1) * sizeof *sights);
    int64_t people, groups;
    if (!sights)
        return status_no_memory("the rows of two tasks", (size_t)rows->rows.count * sizeof *sights);
    copy_list(rows, first->person, second->person, person, &people);
    copy_list(rows, first->copies, second->copies, copies, &groups);
    if (!rows->external->records.part_count) { /* images of a folder are nobody's */
        free(sights);
        return NULL;
    }
    int64_t known = 0;
    for (int64_t i = 0; i < rows->rows.count; i++)
        if (person[i] >= 0)
            sights[known++] = sight_of(rows, i);
    join_sets(rows, sights, known, compare_people, people, person);
    for (int64_t i = 0; i < rows->rows.count; i++)
        sights[i] = sight_of(rows, i);
    join_sets(rows, sights, rows->rows.count, compare_files, groups, copies);
    free(sights);
    return NULL;
}

/* What is known of the tested images; of the others it is not asked. */
static Status copy_columns(TestRows *rows) {
    const EvalRows *second = &rows->external->rows;
    const size_t count = (size_t)rows->rows.count, first = (size_t)rows->first_count;
    rows->columns = calloc((size_t)second->column_count + 1, sizeof *rows->columns);
    if (!rows->columns)
        return status_no_memory("the columns of two tasks", count);
    rows->rows.columns = rows->columns;
    for (int c = 0; c < second->column_count; c++) {
        EvalColumn *column = &rows->columns[rows->rows.column_count++];
        *column = second->columns[c];
        const size_t each = column->categories ? sizeof *column->category : sizeof *column->number;
        char *list = malloc(count * each);
        column->category = column->categories ? (int32_t *)(void *)list : NULL;
        column->number = column->categories ? NULL : (double *)(void *)list;
        if (!list)
            return status_no_memory("the columns of two tasks", count * each);
        for (size_t i = 0; i < first; i++)
            if (column->categories)
                ((int32_t *)(void *)list)[i] = -1;
            else
                ((double *)(void *)list)[i] = NAN;
        memcpy(list + first * each,
               column->categories ? (const void *)second->columns[c].category : second->columns[c].number,
               (size_t)second->count * each);
    }
    return NULL;
}

static Status check_alike(const Cohort *cohort, const Cohort *external) {
    const EvalRows *a = &cohort->rows, *b = &external->rows;
    if (a->kind != b->kind || a->outputs != b->outputs)
        return status_error(EXIT_DATA,
                            "%s has labels of another kind or number than %s; give both task files the same data.kind "
                            "and as many labels (--external)",
                            external->records.text, cohort->records.text);
    if (b->classes > a->classes)
        return status_error(EXIT_DATA,
                            "%s has %d classes and %s, which is learnt from, %d; leave the others out of its labels "
                            "(--external)",
                            external->records.text, b->classes, cohort->records.text, a->classes);
    return NULL;
}

static Status open_two(TestRows *rows) {
    const EvalRows *first = &rows->cohort->rows, *second = &rows->external->rows;
    const size_t outputs = (size_t)first->outputs;
    rows->first_row = malloc(((size_t)first->count + 1) * sizeof *rows->first_row);
    if (!rows->first_row)
        return status_no_memory("the rows of two tasks", (size_t)first->count * sizeof *rows->first_row);
    for (int64_t i = 0; i < first->count; i++)
        if (first->split[i] != PROBE_TEST)
            rows->first_row[rows->first_count++] = i;
    const size_t count = (size_t)(rows->first_count + second->count);
    double *labels = malloc((count + 1) * outputs * sizeof *labels);
    int64_t *lists = malloc((3 * count + 1) * sizeof *lists);
    rows->rows = (EvalRows){.kind = first->kind,
                            .classes = first->classes,
                            .outputs = first->outputs,
                            .count = (int64_t)count,
                            .labels = labels,
                            .split = lists};
    if (!labels || !lists)
        return status_no_memory("the rows of two tasks", count * (outputs + 3) * sizeof *labels);
    rows->rows.person = lists + count;
    rows->rows.copies = lists + 2 * count;
    for (size_t i = 0; i < count; i++) {
        const bool own = (int64_t)i < rows->first_count;
        const int64_t at = own ? rows->first_row[i] : (int64_t)i - rows->first_count;
        lists[i] = own ? first->split[at] : PROBE_TEST;
        memcpy(labels + i * outputs, (own ? first : second)->labels + (size_t)at * outputs, outputs * sizeof *labels);
    }
    TRY(join_people_and_files(rows, lists + count, lists + 2 * count));
    return copy_columns(rows);
}

static Status list_records(TestRows *rows) {
    const Cohort *cohort = rows->cohort, *external = rows->external;
    rows->record = malloc(((size_t)rows->rows.count + 1) * sizeof *rows->record);
    if (!rows->record)
        return status_no_memory("the rows of a task", (size_t)rows->rows.count * sizeof *rows->record);
    for (int64_t i = 0; i < rows->rows.count; i++)
        rows->record[i] = !external               ? cohort->record[i]
                          : i < rows->first_count ? cohort->record[rows->first_row[i]]
                                                  : cohort->records.count + external->record[i - rows->first_count];
    return NULL;
}

Status test_rows_open(const Cohort *cohort, const Cohort *external, TestRows *rows) {
    *rows = (TestRows){.cohort = cohort, .external = external};
    if (external) {
        TRY(check_alike(cohort, external));
        TRY(open_two(rows));
    } else
        rows->rows = cohort->rows;
    return list_records(rows);
}

void test_rows_close(TestRows *rows) {
    if (rows->external) {
        for (int i = 0; i < rows->rows.column_count; i++) {
            free((void *)(uintptr_t)rows->columns[i].category);
            free((void *)(uintptr_t)rows->columns[i].number);
        }
        free((void *)(uintptr_t)rows->rows.labels);
        free((void *)(uintptr_t)rows->rows.split);
    }
    free(rows->columns);
    free(rows->first_row);
    free(rows->record);
    *rows = (TestRows){0};
}

/* --- Their features --- */

Status test_rows_gather(const TestRows *rows, const Features *features, const Features *external, float **values) {
    const size_t width = (size_t)features->width, count = (size_t)rows->rows.count;
    *values = malloc((count * width + 1) * sizeof **values);
    if (!*values)
        return status_no_memory("the features of a task", count * width * sizeof **values);
    for (size_t i = 0; i < count; i++) {
        const bool own = rows->record[i] < features->count;
        const Features *from = own ? features : external;
        const int64_t record = own ? rows->record[i] : rows->record[i] - features->count;
        memcpy(*values + i * width, from->values + (size_t)record * width, width * sizeof **values);
    }
    return NULL;
}
