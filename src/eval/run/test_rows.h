/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of an evaluation: a task's own, or its train and val rows followed by the test rows of another set. */
#ifndef FOVEA_EVAL_TEST_ROWS_H
#define FOVEA_EVAL_TEST_ROWS_H

#include "eval/features/extract.h"
#include "eval/task/cohort.h"

typedef struct {
    EvalRows rows;       /* what is not the cohorts' is its own */
    int64_t *record;     /* [rows.count], of a row of the other set the task's records.count + its number there */
    int64_t *first_row;  /* [first_count] rows of the task's cohort that are here, ascending */
    int64_t first_count; /* the other set's rows follow, all of them */
    const Cohort *cohort, *external; /* external: NULL for a task's own test rows */
    EvalColumn *columns;             /* of two sets: those of the tested one */
} TestRows;

/* `external` may be NULL, or have the images of a folder as its records and no columns. EXIT_DATA when the two have
 * other kinds, classes or numbers of labels, or when a pack is in both. Freed with test_rows_close() either way. */
Status test_rows_open(const Cohort *cohort, const Cohort *external, TestRows *rows) MUST_USE;
void test_rows_close(TestRows *rows);

/* EXIT_DATA when a person of the other set trains or chooses. */
Status test_rows_check_disjoint(const TestRows *rows) MUST_USE;

/* The features of the rows, *values [rows.count][width], the caller's, out of those of all records of either set. */
Status test_rows_gather(const TestRows *rows, const Features *features, const Features *external,
                        float **values) MUST_USE;

#endif
