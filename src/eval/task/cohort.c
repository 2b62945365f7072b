/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/task/cohort.h"

#include "eval/task/columns.h"
#include "eval/task/copies.h"
#include "eval/task/task_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

struct CohortSource {
    const TaskConfig *task;
    TaskLabels labels; /* of all records */
    Columns columns;   /* of the rows */
};
typedef struct CohortSource Source;

static Status open_packs(const TaskConfig *task, Records *records) {
    TRY(status_append(records_open(task->data.packs, "", RECORDS_ALL, records), " (data.packs)"));
    if (!records->part_count)
        return status_error(EXIT_DATA,
                            "%s is a folder of images, and a task takes packs (data.packs); stage it: ./stage folder "
                            "%s --out PACK",
                            records->text, records->text);
    return NULL;
}

/* From 0 to below 1, of a person's name in a data set; without a name, of the photograph's. */
static double draw_person(const RecordsPart *part, const PackRow *row) {
    const char *dataset = part->pack.info.dataset, *name = *row->person ? row->person : row->source;
    const uint64_t hash = XXH3_64bits_withSeed(name, strlen(name), XXH3_64bits(dataset, strlen(dataset)));
    return (double)(hash >> 11) * 0x1p-53;
}

/* The side of the split that a record is on. */
static int64_t split_of(const TaskConfig *task, const RecordsPart *part, const PackRow *row) {
    if (task->data.split == TASK_SPLIT_TEST || row->split == PACK_SPLIT_TEST)
        return PROBE_TEST;
    return row->split == PACK_SPLIT_VAL || draw_person(part, row) < task->data.val_share ? PROBE_VAL : PROBE_TRAIN;
}

static Status allocate_rows(Cohort *cohort, int columns) {
    const size_t rows = (size_t)cohort->records.count, labels = rows * (size_t)columns;
    double *values = malloc(labels * sizeof *values);
    int64_t *lists = malloc(4 * rows * sizeof *lists);
    cohort->rows.labels = values;
    cohort->record = lists;
    if (!values || !lists)
        return status_no_memory("the rows of a task", 4 * rows * sizeof *lists + labels * sizeof *values);
    cohort->rows.split = lists + rows;
    cohort->rows.person = lists + 2 * rows;
    cohort->rows.copies = lists + 3 * rows;
    return NULL;
}

/* Drops the rows; the records stay. */
static void free_rows(Cohort *cohort) {
    columns_close(&cohort->source->columns);
    free((void *)(uintptr_t)cohort->rows.labels);
    free(cohort->record);
    cohort->rows = (EvalRows){0};
    cohort->record = NULL;
}

/* Whose image a row is, and in which pack. */
typedef struct {
    const char *dataset, *person;
    int part;
    int64_t row;
} RowPerson;

static int compare_people(const void *a, const void *b) {
    const RowPerson *left = a, *right = b;
    const int order = strcmp(left->dataset, right->dataset);
    return order ? order : strcmp(left->person, right->person);
}

/* Whether `file` is `stem`, with an ending if it has one. */
static bool is_file_of(const char *file, const char *stem) {
    const size_t length = strlen(stem);
    if (strncmp(file, stem, length) != 0)
        return false;
    return !file[length] || (file[length] == '.' && !strpbrk(file + length + 1, "./"));
}

/* ./stage names the person of an image after its file where nothing else names people: then nobody is known. */
static bool names_person(const PackRow *row) {
    const char *slash = strrchr(row->source, '/'), *name = slash ? slash + 1 : row->source;
    return *row->person && !is_file_of(name, row->person) && !is_file_of(row->source, row->person);
}

/* The rows of known people, sorted by person; the list is the caller's. */
static Status list_people(const Cohort *cohort, RowPerson **people, int64_t *count) {
    *count = 0;
    *people = malloc(((size_t)cohort->rows.count + 1) * sizeof **people);
    if (!*people)
        return status_no_memory("a list of people", (size_t)cohort->rows.count * sizeof **people);
    for (int64_t i = 0; i < cohort->rows.count; i++) {
        int64_t number;
        const RecordsPart *part = records_part(&cohort->records, cohort->record[i], &number);
        const char *person = part->pack.rows[number].person;
        if (names_person(&part->pack.rows[number]))
            (*people)[(*count)++] =
                (RowPerson){part->pack.info.dataset, person, (int)(part - cohort->records.parts), i};
    }
    qsort(*people, (size_t)*count, sizeof **people, compare_people);
    return NULL;
}

/* Somebody is one person in all packs of a data set. */
static Status number_people(const Cohort *cohort, int64_t *person) {
    RowPerson *people;
    int64_t count, next = 0;
    TRY(list_people(cohort, &people, &count));
    for (int64_t i = 0; i < cohort->rows.count; i++)
        person[i] = -1;
    for (int64_t i = 0; i < count; i++) {
        next += i && compare_people(&people[i - 1], &people[i]) != 0;
        person[people[i].row] = next;
    }
    free(people);
    return NULL;
}

static void gather_labels(const Source *source, const bool *readable, Cohort *cohort, double *labels, int64_t *split) {
    const TaskLabels *read = &source->labels;
    const size_t columns = (size_t)read->columns;
    int64_t rows = 0;
    for (int64_t i = 0; i < cohort->records.count; i++) {
        int64_t number;
        if (!task_labels_known(read, i) || (readable && !readable[i]))
            continue;
        const RecordsPart *part = records_part(&cohort->records, i, &number);
        memcpy(labels + (size_t)rows * columns, read->values + (size_t)i * columns, columns * sizeof *labels);
        split[rows] = split_of(source->task, part, &part->pack.rows[number]);
        cohort->record[rows++] = i;
    }
    cohort->rows.count = rows;
}

/* The rows of labelled and readable records (NULL: all are). */
static Status gather_rows(const bool *readable, Cohort *cohort) {
    Source *source = cohort->source;
    EvalRows *rows = &cohort->rows;
    TRY(allocate_rows(cohort, source->labels.columns));
    rows->kind = (EvalKind)source->task->data.kind;
    rows->outputs = source->labels.columns;
    int64_t *lists = cohort->record, each = cohort->records.count;
    gather_labels(source, readable, cohort, (double *)(uintptr_t)rows->labels, lists + each);
    TRY(task_labels_check(source->task, &source->labels, cohort->tested, rows));
    cohort->label_hash = XXH3_64bits(rows->labels, (size_t)rows->count * (size_t)rows->outputs * sizeof *rows->labels);
    TRY(number_people(cohort, lists + 2 * each));
    TRY(copies_find(&(CopySet){&cohort->records, cohort->record, rows->count}, 1, lists + 3 * each));
    TRY(columns_open(source->task, &cohort->records, cohort->record, rows->count, &source->columns));
    rows->columns = source->columns.list;
    rows->column_count = source->columns.count;
    return NULL;
}

Status cohort_open(const TaskConfig *task, Cohort *cohort) {
    Source *source = calloc(1, sizeof *source);
    *cohort = (Cohort){.tested = task->data.split == TASK_SPLIT_TEST};
    if (!source)
        return status_no_memory("a task", sizeof *source);
    cohort->source = source;
    source->task = task;
    TRY(open_packs(task, &cohort->records));
    TRY(task_labels_open(task, &cohort->records, &source->labels));
    cohort->label_names = source->labels.names;
    return gather_rows(NULL, cohort);
}

void cohort_close(Cohort *cohort) {
    Source *source = cohort->source;
    if (!source)
        return;
    free_rows(cohort);
    task_labels_close(&source->labels);
    free(source);
    records_close(&cohort->records);
    *cohort = (Cohort){0};
}

Status cohort_leave_out(Cohort *cohort, const bool *readable, int64_t *left_out) {
    const int64_t before = cohort->rows.count;
    *left_out = 0;
    for (int64_t i = 0; i < before; i++)
        *left_out += !readable[cohort->record[i]];
    if (!*left_out)
        return NULL;
    free_rows(cohort);
    return gather_rows(readable, cohort);
}

/* People who have rows that `differ`. */
static int64_t count_people(const Cohort *cohort, const RowPerson *people, int64_t count,
                            bool (*differ)(const Cohort *cohort, const RowPerson *a, const RowPerson *b)) {
    int64_t found = 0;
    for (int64_t first = 0, end; first < count; first = end) {
        bool apart = false;
        for (end = first + 1; end < count && compare_people(&people[first], &people[end]) == 0; end++)
            apart |= differ(cohort, &people[first], &people[end]);
        found += apart;
    }
    return found;
}

static bool splits_differ(const Cohort *cohort, const RowPerson *a, const RowPerson *b) {
    return cohort->rows.split[a->row] != cohort->rows.split[b->row];
}
static bool packs_differ(const Cohort *cohort, const RowPerson *a, const RowPerson *b) {
    (void)cohort;
    return a->part != b->part;
}

Status cohort_check_disjoint(const Cohort *cohort) {
    RowPerson *people;
    int64_t count;
    TRY(list_people(cohort, &people, &count));
    const int64_t torn = count_people(cohort, people, count, splits_differ);
    const int64_t shared = count_people(cohort, people, count, packs_differ);
    free(people);
    if (torn)
        return status_error(EXIT_DATA,
                            "%s: %lld %s images in more than one of train, val and test: the score would not be that "
                            "of unseen people; split the packs alike (./stage split), or see with --control what it "
                            "does",
                            cohort->records.text, (long long)torn, torn == 1 ? "person has" : "people have");
    if (shared)
        return status_error(EXIT_DATA,
                            "%s: %lld %s images in more than one pack: stage the data set into one pack, or name one "
                            "of them, or see with --control what it does",
                            cohort->records.text, (long long)shared, shared == 1 ? "person has" : "people have");
    return NULL;
}
