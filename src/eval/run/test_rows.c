/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/run/test_rows.h"

#include "eval/task/copies.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Of two sets --- */

/* Whose a row is. */
typedef struct {
    const char *dataset, *person;
    int64_t at;
} Owner;

static Owner owner_of(const TestRows *rows, int64_t at) {
    const bool first = at < rows->first_count;
    const Cohort *cohort = first ? rows->cohort : rows->external;
    const int64_t record = first ? cohort->record[rows->first_row[at]] : cohort->record[at - rows->first_count];
    int64_t number;
    const RecordsPart *part = records_part(&cohort->records, record, &number);
    return (Owner){part->pack.info.dataset, part->pack.rows[number].person, at};
}

static int compare_owners(const void *a, const void *b) {
    const Owner *left = a, *right = b;
    const int order = strcmp(left->dataset, right->dataset);
    return order ? order : strcmp(left->person, right->person);
}

/* People of both sets are known by data set and name, and numbered again; those without a name stay unknown. */
static Status number_people(const TestRows *rows, int64_t *person) {
    Owner *owners = malloc(((size_t)rows->rows.count + 1) * sizeof *owners);
    int64_t known = 0, next = 0;
    if (!owners)
        return status_no_memory("the rows of two tasks", (size_t)rows->rows.count * sizeof *owners);
    for (int64_t i = 0; i < rows->rows.count; i++) {
        const bool first = i < rows->first_count;
        const int64_t number =
            first ? rows->cohort->rows.person[rows->first_row[i]] : rows->external->rows.person[i - rows->first_count];
        person[i] = -1;
        if (number >= 0)
            owners[known++] = owner_of(rows, i);
    }
    qsort(owners, (size_t)known, sizeof *owners, compare_owners);
    for (int64_t i = 0; i < known; i++) {
        next += i && compare_owners(&owners[i - 1], &owners[i]) != 0;
        person[owners[i].at] = next;
    }
    free(owners);
    return NULL;
}

/* Those of two sets: images of a folder are nobody's, and copies of none. */
static Status join_sets(const TestRows *rows) {
    int64_t *person = (int64_t *)(uintptr_t)rows->rows.person, *copies = (int64_t *)(uintptr_t)rows->rows.copies;
    const CopySet sets[] = {{&rows->cohort->records, rows->record, rows->first_count},
                            {&rows->external->records, rows->external->record, rows->external->rows.count}};
    for (int64_t i = 0; i < rows->rows.count; i++)
        copies[i] = -1;
    TRY(number_people(rows, person));
    return copies_find(sets, rows->external->records.part_count ? 2 : 1, copies);
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
    TRY(list_records(rows));
    return external ? join_sets(rows) : NULL;
}

Status test_rows_check_disjoint(const TestRows *rows) {
    const EvalRows *all = &rows->rows;
    int64_t shared = 0;
    bool *learnt = calloc((size_t)all->count + 1, sizeof *learnt);
    if (!learnt)
        return status_no_memory("a list of people", (size_t)all->count);
    for (int64_t i = 0; i < all->count; i++)
        if (all->person[i] >= 0 && all->split[i] != PROBE_TEST)
            learnt[all->person[i]] = true;
    for (int64_t i = 0; i < all->count; i++)
        if (all->person[i] >= 0 && all->split[i] == PROBE_TEST && learnt[all->person[i]]) {
            learnt[all->person[i]] = false;
            shared++;
        }
    free(learnt);
    return shared ? status_error(EXIT_DATA,
                                 "%s: %lld %s in %s, too, among those who train or choose: the score would not be that "
                                 "of unseen people; leave them out of one of the sets, or see with --control what it "
                                 "does (--external)",
                                 rows->external->records.text, (long long)shared,
                                 shared == 1 ? "person is" : "people are", rows->cohort->records.text)
                  : NULL;
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
