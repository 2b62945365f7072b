/* SPDX-License-Identifier: Apache-2.0 */
/* The labels of a task: a pack's columns, after the cut-off. */
#ifndef FOVEA_EVAL_TASK_LABELS_H
#define FOVEA_EVAL_TASK_LABELS_H

#include "data/records.h"
#include "eval/rows.h"
#include "eval/task.h"

#include <stdbool.h>

typedef struct {
    char **names;   /* [columns] */
    double *values; /* [records->count][columns] a class or a number, NAN: not known */
    int64_t count;
    int columns;
} TaskLabels;

/* Reads and cuts the labels of all records. EXIT_DATA as cohort_open(). Freed with task_labels_close() either way. */
Status task_labels_open(const TaskConfig *task, const Records *records, TaskLabels *labels) MUST_USE;
void task_labels_close(TaskLabels *labels);
bool task_labels_known(const TaskLabels *labels, int64_t record);

/* Whether every pack has a label of that name. */
bool task_labels_exist(const Records *records, const char *name);
/* The label "eye", which comes from the packs' own table. */
#define TASK_LABEL_EYE "eye"

/* The classes of rows whose labels, split and count are set; checks that train, val and test can be learnt, chosen and
 * tested by (`tested`: that test can). */
Status task_labels_check(const TaskConfig *task, const TaskLabels *labels, bool tested, EvalRows *rows) MUST_USE;

#endif
