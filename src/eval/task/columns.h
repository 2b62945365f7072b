/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a task's images beside their labels: see cohort_open(). */
#ifndef FOVEA_EVAL_COLUMNS_H
#define FOVEA_EVAL_COLUMNS_H

#include "data/records.h"
#include "eval/rows.h"
#include "eval/task.h"

typedef struct {
    EvalColumn *list; /* [count] */
    int count;
    int64_t capacity;
} Columns;

/* Gathers the columns of the records record[count] of packs. EXIT_DATA when a column of [bands] is in no pack. Freed
 * with columns_close() either way. */
Status columns_open(const TaskConfig *task, const Records *records, const int64_t *record, int64_t count,
                    Columns *columns) MUST_USE;
void columns_close(Columns *columns);

#endif
