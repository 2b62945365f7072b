/* SPDX-License-Identifier: Apache-2.0 */
/* The difference of two predictions of the same rows. */
#ifndef FOVEA_EVAL_COMPARISON_H
#define FOVEA_EVAL_COMPARISON_H

#include "eval/score/scores.h"

typedef struct {
    double first, other; /* the main metric of both, by image; NAN: not defined */
    double difference;   /* other - first */
    Interval interval;   /* of the difference, paired: both are measured on the same draws of people */
    double p;            /* two-sided; 1 for equal predictions; NAN where there is no interval */
    double adjusted;     /* p, adjusted by comparisons_adjust() */
    const char *reason;  /* why there is no difference or no interval; NULL where there are both */
    int64_t images, people;
} Comparison;

/* `other` [rows->count][eval_values()] against input->predictions. Errors are those of scores_measure(). */
Status comparison_measure(const ScoresInput *input, const double *other, Comparison *comparison) MUST_USE;

/* Holm's adjustment of p for all comparisons that were made with one baseline; those without p are not counted. */
Status comparisons_adjust(Comparison *list, int count) MUST_USE;

#endif
