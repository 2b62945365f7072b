/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/task/columns.h"

#include "base/files.h"
#include "base/list.h"
#include "data/labels.h"
#include "eval/task/task_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The rows, and what is gathered of them. */
typedef struct {
    const TaskConfig *task;
    const Records *records;
    const int64_t *record; /* [count] */
    int64_t count;
    Columns *columns;
} Gather;

typedef const char *(*TextOf)(const RecordsPart *part, const PackRow *row);
typedef double (*NumberOf)(const PackRow *row);

static void free_column(EvalColumn *column) {
    for (int i = 0; column->names && i < column->categories; i++)
        free((void *)(uintptr_t)column->names[i]);
    free((void *)(uintptr_t)column->names);
    free((void *)(uintptr_t)column->category);
    free((void *)(uintptr_t)column->number);
    free((void *)(uintptr_t)column->name);
}

void columns_close(Columns *columns) {
    for (int i = 0; i < columns->count; i++)
        free_column(&columns->list[i]);
    free(columns->list);
    *columns = (Columns){0};
}

/* Adds a column whose arrays are malloc'ed and become the list's, on failure too. */
static Status add_column(const Gather *gather, const char *name, EvalColumn column) {
    Columns *columns = gather->columns;
    char *copy = NULL;
    Status status = files_path(&copy, "%s", name);
    column.name = copy;
    if (!status)
        status = list_grow(&columns->list, columns->count, &columns->capacity, sizeof column, "the columns of a task");
    if (status)
        free_column(&column);
    else
        columns->list[columns->count++] = column;
    return status;
}

/* --- Categories --- */

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The different texts of texts[count] but the empty one, sorted. */
static Status name_categories(const char *const *texts, int64_t count, EvalColumn *column) {
    const char **sorted = malloc(((size_t)count + 1) * sizeof *sorted);
    if (!sorted)
        return status_no_memory("a column of a task", (size_t)count * sizeof *sorted);
    memcpy(sorted, texts, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_texts);
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++)
        if (*sorted[i] && (!kept || strcmp(sorted[i], sorted[kept - 1]) != 0))
            sorted[kept++] = sorted[i];
    column->names = sorted;
    for (int64_t i = 0; i < kept; i++) {
        char *copy;
        TRY(files_path(&copy, "%s", sorted[i]));
        sorted[i] = copy;
        column->categories++;
    }
    return NULL;
}

static Status number_categories(const char *const *texts, int64_t count, EvalColumn *column) {
    int32_t *category = malloc(((size_t)count + 1) * sizeof *category);
    column->category = category;
    if (!category)
        return status_no_memory("a column of a task", (size_t)count * sizeof *category);
    for (int64_t i = 0; i < count; i++) {
        const char *const *found = *texts[i] ? bsearch(&texts[i], column->names, (size_t)column->categories,
                                                       sizeof *column->names, compare_texts)
                                             : NULL;
        category[i] = found ? (int32_t)(found - column->names) : -1;
    }
    return NULL;
}

/* Adds a column of texts[count], unless they are all one. */
static Status add_texts(const Gather *gather, const char *name, const char *const *texts, bool of_person) {
    EvalColumn column = {.of_person = of_person};
    Status status = name_categories(texts, gather->count, &column);
    if (!status)
        status = number_categories(texts, gather->count, &column);
    if (!status && column.categories > 1)
        return add_column(gather, name, column);
    free_column(&column);
    return status;
}

static Status gather_texts(const Gather *gather, const char *name, TextOf text_of, bool of_person) {
    const char **texts = malloc(((size_t)gather->count + 1) * sizeof *texts);
    if (!texts)
        return status_no_memory("a column of a task", (size_t)gather->count * sizeof *texts);
    for (int64_t i = 0; i < gather->count; i++) {
        int64_t number;
        const RecordsPart *part = records_part(gather->records, gather->record[i], &number);
        texts[i] = text_of(part, &part->pack.rows[number]);
    }
    Status status = add_texts(gather, name, texts, of_person);
    free(texts);
    return status;
}

static const char *dataset_of(const RecordsPart *part, const PackRow *row) {
    (void)row;
    return part->pack.info.dataset;
}
static const char *device_of(const RecordsPart *part, const PackRow *row) {
    (void)part;
    return row->device;
}
static const char *modality_of(const RecordsPart *part, const PackRow *row) {
    (void)part;
    return row->modality;
}
static const char *eye_of(const RecordsPart *part, const PackRow *row) {
    (void)part;
    return pack_eye_name(row->eye);
}

/* --- Numbers --- */

/* Adds a column of number[count], malloc'ed, which becomes the list's; unless all that are known are one. */
static Status add_numbers(const Gather *gather, const char *name, double *number, bool of_person) {
    double least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < gather->count; i++) {
        least = fmin(least, number[i]);
        most = fmax(most, number[i]);
    }
    if (least < most)
        return add_column(gather, name, (EvalColumn){.number = number, .of_person = of_person});
    free(number);
    return NULL;
}

static Status gather_numbers(const Gather *gather, const char *name, NumberOf number_of) {
    double *values = malloc(((size_t)gather->count + 1) * sizeof *values);
    if (!values)
        return status_no_memory("a column of a task", (size_t)gather->count * sizeof *values);
    for (int64_t i = 0; i < gather->count; i++) {
        int64_t number;
        const RecordsPart *part = records_part(gather->records, gather->record[i], &number);
        values[i] = number_of(&part->pack.rows[number]);
    }
    return add_numbers(gather, name, values, false);
}

static double height_of(const PackRow *row) {
    return row->size[0];
}
static double width_of(const PackRow *row) {
    return row->size[1];
}

/* --- Labels of the packs --- */

/* The label `name` of the rows in *values [count], the caller's; NAN: not known. */
static Status read_label(const Gather *gather, const char *name, double **values) {
    Labels labels;
    *values = malloc(((size_t)gather->count + 1) * sizeof **values);
    if (!*values)
        return status_no_memory("a column of a task", (size_t)gather->count * sizeof **values);
    TRY(labels_open(gather->records, name, &labels));
    for (int64_t i = 0; i < gather->count; i++)
        (*values)[i] = labels.values[gather->record[i]];
    labels_close(&labels);
    return NULL;
}

/* Whether the packs have it, and it is not what the task is about. */
static bool is_column(const Gather *gather, const char *name) {
    return strcmp(gather->task->data.label, name) != 0 && task_labels_exist(gather->records, name);
}

/* A label whose numbers are names, such as the site's. */
static Status gather_codes(const Gather *gather, const char *name) {
    enum { CODE = 32 };
    double *values;
    char(*codes)[CODE] = calloc((size_t)gather->count + 1, sizeof *codes);
    const char **texts = malloc(((size_t)gather->count + 1) * sizeof *texts);
    Status status = read_label(gather, name, &values);
    if (!status && (!codes || !texts))
        status = status_no_memory("a column of a task", (size_t)gather->count * sizeof *codes);
    for (int64_t i = 0; !status && i < gather->count; i++) {
        if (!isnan(values[i]))
            snprintf(codes[i], sizeof codes[i], "%g", values[i]);
        texts[i] = codes[i];
    }
    if (!status)
        status = add_texts(gather, name, texts, false);
    free(texts);
    free(codes);
    free(values);
    return status;
}

static Status gather_label(const Gather *gather, const char *name) {
    double *values;
    Status status = read_label(gather, name, &values);
    if (!status)
        return add_numbers(gather, name, values, true);
    free(values);
    return status;
}

/* The names of the bands between `list`'s numbers: "below 50", "50 to below 65", "from 65". */
static Status name_bands(const ConfigList *list, EvalColumn *column) {
    const int bands = list->count + 1;
    const char **names = calloc((size_t)bands, sizeof *names);
    column->names = names;
    if (!names)
        return status_no_memory("the bands of a column", (size_t)bands * sizeof *names);
    for (int i = 0; i < bands; i++) {
        char *name;
        TRY(i == 0          ? files_path(&name, "below %g", list->values[0].real)
            : i < bands - 1 ? files_path(&name, "%g to below %g", list->values[i - 1].real, list->values[i].real)
                            : files_path(&name, "from %g", list->values[i - 1].real));
        names[column->categories++] = name;
    }
    return NULL;
}

static Status make_bands(const Gather *gather, const ConfigEntry *entry, EvalColumn *column) {
    double *values;
    int32_t *category = malloc(((size_t)gather->count + 1) * sizeof *category);
    column->category = category;
    if (!category)
        return status_no_memory("a column of a task", (size_t)gather->count * sizeof *category);
    Status status = read_label(gather, entry->name, &values);
    for (int64_t i = 0; !status && i < gather->count; i++) {
        category[i] = isnan(values[i]) ? -1 : 0;
        for (int n = 0; n < entry->list.count; n++)
            category[i] += values[i] >= entry->list.values[n].real;
    }
    free(values);
    return status ? status : name_bands(&entry->list, column);
}

static Status gather_bands(const Gather *gather, const ConfigEntry *entry) {
    char *name;
    EvalColumn column = {.of_person = true};
    if (!entry->list.count)
        return status_error(EXIT_USAGE, "bands.%s is empty; give the numbers that its bands begin with", entry->name);
    Status status = status_append(make_bands(gather, entry, &column), " ([bands])");
    if (status) {
        free_column(&column);
        return status;
    }
    TRY(files_path(&name, "%s_band", entry->name));
    status = add_column(gather, name, column);
    free(name);
    return status;
}

Status columns_open(const TaskConfig *task, const Records *records, const int64_t *record, int64_t count,
                    Columns *columns) {
    const Gather gather = {task, records, record, count, columns};
    *columns = (Columns){0};
    TRY(gather_texts(&gather, "dataset", dataset_of, false));
    if (is_column(&gather, "site"))
        TRY(gather_codes(&gather, "site"));
    TRY(gather_texts(&gather, "device", device_of, false));
    TRY(gather_texts(&gather, "modality", modality_of, false));
    if (strcmp(task->data.label, TASK_LABEL_EYE) != 0)
        TRY(gather_texts(&gather, "eye", eye_of, true));
    TRY(gather_numbers(&gather, "image_height", height_of));
    TRY(gather_numbers(&gather, "image_width", width_of));
    bool has_age = false;
    for (int i = 0; i < task->bands.count; i++) {
        const ConfigEntry *entry = &task->bands.entries[i];
        has_age |= strcmp(entry->name, "age") == 0;
        if (is_column(&gather, entry->name))
            TRY(gather_label(&gather, entry->name));
        TRY(gather_bands(&gather, entry));
    }
    return !has_age && is_column(&gather, "age") ? gather_label(&gather, "age") : NULL;
}
