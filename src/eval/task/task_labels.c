/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/task/task_labels.h"

#include "base/files.h"
#include "data/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 1000 };

bool task_labels_exist(const Records *records, const char *name) {
    for (int i = 0; i < records->part_count; i++) {
        const PackInfo *info = &records->parts[i].pack.info;
        bool has = false;
        for (int n = 0; n < info->label_count && !has; n++)
            has = strcmp(info->label_names[n], name) == 0;
        if (!has)
            return false;
    }
    return records->part_count > 0;
}

bool task_labels_known(const TaskLabels *labels, int64_t record) {
    for (int i = 0; i < labels->columns; i++)
        if (!isnan(labels->values[record * labels->columns + i]))
            return true;
    return false;
}

void task_labels_close(TaskLabels *labels) {
    for (int i = 0; labels->names && i < labels->columns; i++)
        free(labels->names[i]);
    free(labels->names);
    free(labels->values);
    *labels = (TaskLabels){0};
}

static Status allocate_labels(TaskLabels *labels, int64_t count, int columns) {
    labels->count = count;
    labels->columns = columns;
    labels->names = calloc((size_t)columns, sizeof *labels->names);
    labels->values = malloc((size_t)count * (size_t)columns * sizeof *labels->values);
    return labels->names && labels->values
               ? NULL
               : status_no_memory("the labels", (size_t)count * (size_t)columns * sizeof *labels->values);
}

static Status read_eyes(const Records *records, TaskLabels *labels) {
    int64_t known = 0;
    TRY(allocate_labels(labels, records->count, 1));
    TRY(files_path(&labels->names[0], TASK_LABEL_EYE));
    for (int64_t i = 0; i < records->count; i++) {
        int64_t number;
        const RecordsPart *part = records_part(records, i, &number);
        const PackEye eye = part->pack.rows[number].eye;
        labels->values[i] = eye == PACK_EYE_RIGHT ? 0 : eye == PACK_EYE_LEFT ? 1 : NAN;
        known += eye != PACK_EYE_UNKNOWN;
    }
    return known
               ? NULL
               : status_error(EXIT_DATA, "%s: no image says which eye it shows; use another data.label", records->text);
}

static Status read_columns(const Records *records, const char *columns, TaskLabels *labels) {
    Labels read;
    TRY(status_append(labels_open(records, columns, &read), " (data.label)"));
    Status status = allocate_labels(labels, records->count, read.columns);
    for (int64_t i = 0; !status && i < read.count * read.columns; i++)
        labels->values[i] = read.values[i];
    for (int i = 0; !status && i < read.columns; i++)
        status = files_path(&labels->names[i], "%s", read.names[i]);
    labels_close(&read);
    return status;
}

/* What is wrong with a label as it is in the pack; NULL: nothing. */
static const char *find_fault(const TaskConfig *task, double value) {
    switch (task->data.kind) {
    case EVAL_REGRESSION:
        return isinf(value) ? "which is not finite; correct it, or leave it empty" : NULL;
    case EVAL_BINARY:
    case EVAL_MULTILABEL:
        if (task->data.positive_from != 0)
            return isinf(value) ? "which is not finite; correct it, or leave it empty" : NULL;
        return value == 0 || value == 1 ? NULL
                                        : "neither 0 nor 1; set data.positive_from to the value from which on it is "
                                          "positive, or choose another data.kind";
    default:
        return value >= 0 && value < MOST_CLASSES && value == floor(value)
                   ? NULL
                   : "which is no class; number them from 0, or use data.kind = regression";
    }
}

static Status cut_labels(const TaskConfig *task, const Records *records, TaskLabels *labels) {
    for (int64_t i = 0; i < labels->count * labels->columns; i++) {
        const double value = labels->values[i];
        if (isnan(value))
            continue;
        const char *fault = find_fault(task, value);
        if (fault)
            return status_error(EXIT_DATA, "%s: %s is %g for %s, %s", records->text, labels->names[i % labels->columns],
                                value, records_path(records, i / labels->columns), fault);
        if (task->data.positive_from != 0)
            labels->values[i] = value >= task->data.positive_from;
    }
    return NULL;
}

Status task_labels_open(const TaskConfig *task, const Records *records, TaskLabels *labels) {
    const char *columns = task->data.label;
    *labels = (TaskLabels){0};
    TRY(strcmp(columns, TASK_LABEL_EYE) == 0 && !task_labels_exist(records, columns)
            ? read_eyes(records, labels)
            : read_columns(records, columns, labels));
    return cut_labels(task, records, labels);
}

/* --- Rows --- */

static const char *const split_names[] = {[PROBE_TRAIN] = "train", [PROBE_VAL] = "val", [PROBE_TEST] = "test"};

/* Known labels of a split in one column: how many, and whether there is more than one value. */
typedef struct {
    int64_t known;
    double least, most;
} Spread;

static Spread spread_of(const EvalRows *rows, int64_t split, int column) {
    Spread spread = {0, INFINITY, -INFINITY};
    for (int64_t i = 0; i < rows->count; i++) {
        const double value = rows->labels[i * rows->outputs + column];
        if (rows->split[i] != split || isnan(value))
            continue;
        spread.known++;
        spread.least = fmin(spread.least, value);
        spread.most = fmax(spread.most, value);
    }
    return spread;
}

static Status check_split(const TaskConfig *task, const TaskLabels *labels, const EvalRows *rows, int64_t split) {
    for (int column = 0; column < rows->outputs; column++) {
        const Spread spread = spread_of(rows, split, column);
        if (!spread.known)
            return status_error(EXIT_DATA,
                                "%s: nobody in the split %s has a label %s; make another split by person (./stage "
                                "split PACK --val 0.1 --test 0.1), or name packs that have one",
                                task->data.packs, split_names[split], labels->names[column]);
        if (!(spread.least < spread.most))
            return status_error(EXIT_DATA,
                                "%s: %s is %g for all %lld images of the split %s that have it; make another split by "
                                "person (./stage split), or %s",
                                task->data.packs, labels->names[column], spread.least, (long long)spread.known,
                                split_names[split],
                                rows->outputs > 1 ? "leave the column out of data.label" : "choose another label");
    }
    return NULL;
}

/* Classes of all rows; each needs a training row, unless nothing trains on them. */
static Status count_classes(const TaskConfig *task, const TaskLabels *labels, bool tested, EvalRows *rows) {
    bool trained[MOST_CLASSES] = {false};
    rows->classes = 2;
    for (int64_t i = 0; i < rows->count; i++) {
        if (isnan(rows->labels[i]))
            continue;
        const int label = (int)rows->labels[i];
        rows->classes = label >= rows->classes ? label + 1 : rows->classes;
        trained[label] |= rows->split[i] == PROBE_TRAIN;
    }
    for (int label = 0; label < rows->classes && !tested; label++)
        if (!trained[label])
            return status_error(EXIT_DATA,
                                "%s: no image of the split train has %s = %d, where classes go from 0 to %d; number "
                                "them without a gap, or make another split by person (./stage split)",
                                task->data.packs, labels->names[0], label, rows->classes - 1);
    return NULL;
}

Status task_labels_check(const TaskConfig *task, const TaskLabels *labels, bool tested, EvalRows *rows) {
    for (int64_t split = tested ? PROBE_TEST : PROBE_TRAIN; split <= PROBE_TEST; split++)
        TRY(check_split(task, labels, rows, split));
    if (rows->kind == EVAL_MULTICLASS || rows->kind == EVAL_ORDINAL)
        return count_classes(task, labels, tested, rows);
    rows->classes = rows->kind == EVAL_REGRESSION ? 1 : 2;
    return NULL;
}
