/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a task: everything but pixels that is known of its images. Evaluation works on them alone, whatever the
 * features are from. Arrays have an element a row and are borrowed. */
#ifndef FOVEA_EVAL_ROWS_H
#define FOVEA_EVAL_ROWS_H

#include "stats/probe.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { EVAL_BINARY, EVAL_MULTICLASS, EVAL_MULTILABEL, EVAL_ORDINAL, EVAL_REGRESSION } EvalKind;

/* Something known of images beside their labels: a category, such as the camera, or a number, such as the age. */
typedef struct {
    const char *name;
    const char *const *names; /* [categories] */
    int categories;           /* 0: numbers */
    const int32_t *category;  /* [rows], -1: not known; NULL for numbers */
    const double *number;     /* [rows], NAN: not known; NULL for categories */
    bool of_person;           /* it describes the person or the eye: for subgroups, and no metadata of the photograph */
} EvalColumn;

typedef struct {
    EvalKind kind;
    int classes;               /* of EVAL_MULTICLASS and EVAL_ORDINAL; 2 for EVAL_BINARY and EVAL_MULTILABEL; else 1 */
    int outputs;               /* columns of labels: 1, except in EVAL_MULTILABEL */
    int64_t count;             /* of rows */
    const double *labels;      /* [count][outputs], a class from 0 or a number; NAN: not known */
    const int64_t *split;      /* [count], a ProbeSplit */
    const int64_t *person;     /* [count] from 0; -1: not known */
    const int64_t *copies;     /* [count] from 0, the group of rows that show the same photograph; -1: the only one */
    const EvalColumn *columns; /* [column_count] */
    int column_count;
} EvalRows;

/* Numbers of a prediction: a probability of each class in EVAL_MULTICLASS and EVAL_ORDINAL, that of label = 1 of each
 * output in EVAL_BINARY and EVAL_MULTILABEL, a number in EVAL_REGRESSION. */
static inline int eval_values(const EvalRows *rows) {
    return rows->kind == EVAL_MULTICLASS || rows->kind == EVAL_ORDINAL ? rows->classes : rows->outputs;
}

#endif
