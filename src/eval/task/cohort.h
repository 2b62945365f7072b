/* SPDX-License-Identifier: Apache-2.0 */
/* The images of a task: the packs' records that have a label and a place in the split, as EvalRows. */
#ifndef FOVEA_EVAL_COHORT_H
#define FOVEA_EVAL_COHORT_H

#include "data/records.h"
#include "eval/rows.h"
#include "eval/task.h"

struct CohortSource; /* what the rows are gathered from */

typedef struct {
    EvalRows rows;       /* everything in it is the cohort's */
    Records records;     /* all of the packs, whatever their split */
    int64_t *record;     /* [rows.count] of a row, ascending */
    char **label_names;  /* [rows.outputs] */
    uint64_t label_hash; /* of rows' labels, as they are after the cut-off */
    bool tested;         /* every row is of the test split: data.split = test */
    struct CohortSource *source;
} Cohort;

/* Opens data.packs of a task and gathers its rows. Columns of the rows, where there are at least two values of them: of
 * the photograph "dataset", "site" (where the packs have such a label), "device", "modality", "image_height" and
 * "image_width"; of the person "eye", "age" (where the packs have such a label) and for each key of [bands] its column
 * and COLUMN_band. What is the task's own label is no column. Closed with cohort_close() after a failure, too.
 *
 * EXIT_DATA naming pack and column: no pack, no such column, no label that is known, one that is infinite, no class or
 * neither 0 nor 1; no row of train, val or test; one value only in one of them; a class that no training row has. */
Status cohort_open(const TaskConfig *task, Cohort *cohort) MUST_USE;
void cohort_close(Cohort *cohort);

/* EXIT_DATA when somebody has images on two sides of the split, or in two packs; it says how many people, not who. */
Status cohort_check_disjoint(const Cohort *cohort) MUST_USE;

/* Leaves out the rows of records that could not be read, `readable` [records.count]; *left_out says how many. EXIT_DATA
 * as cohort_open() when what remains is no task. */
Status cohort_leave_out(Cohort *cohort, const bool *readable, int64_t *left_out) MUST_USE;

#endif
