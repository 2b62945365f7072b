/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that are scored together: the images of a split, or its people. */
#ifndef FOVEA_EVAL_SELECTION_H
#define FOVEA_EVAL_SELECTION_H

#include "eval/rows.h"

#include <stdbool.h>

typedef struct {
    const EvalRows *rows; /* that they are from: kind, classes and outputs */
    int64_t count;
    double *labels;      /* [count][outputs] */
    double *predictions; /* [count][eval_values()] */
    int64_t *person;     /* [count]; -1: not known */
    int64_t *images;     /* [count], how many stand behind each: 1, or those of a person */
    int64_t *source;     /* [count], the row of `rows`; the first of a person */
} Selection;

/* Those rows of `split` that have a known label in some output; `keep` [rows->count] takes some of these, NULL: all.
 * Arrays are laid out as in main_metric_measure(). Free with selection_free() either way. */
Status selection_open(const EvalRows *rows, const double *labels, const double *predictions, ProbeSplit split,
                      const bool *keep, Selection *selection) MUST_USE;
void selection_free(Selection *selection);

#endif
