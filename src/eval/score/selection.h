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

/* The people of some images: of each the mean of their predictions, and of their labels in EVAL_REGRESSION. In other
 * kinds a label that differs between a person's images is not known, and *mixed counts people left without one. All
 * images must have a person. Free with selection_free() either way. */
Status selection_people(const Selection *images, Selection *people, int64_t *mixed) MUST_USE;

/* How many people there are; -1 where one is not known. */
Status selection_count_people(const Selection *selection, int64_t *count) MUST_USE;

/* A label of yes or no: of EVAL_BINARY and EVAL_MULTILABEL the output `part`, of other kinds whether the class is
 * `part`. labels[count]: 0, 1 or NAN; scores[count]. */
void selection_question(const Selection *selection, int part, double *labels, double *scores);
/* How many such labels a selection has, 0 in EVAL_REGRESSION, and the number of the first: 1 in EVAL_BINARY, whose only
 * one is that of class 1. */
int selection_questions(const Selection *selection, int *first);

/* How many people have such a label of 0, and of 1; a person may have both. Those who are not known count as one. */
Status selection_count_classes(const Selection *selection, int part, int64_t people[2]) MUST_USE;

#endif
