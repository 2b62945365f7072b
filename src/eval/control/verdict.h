/* SPDX-License-Identifier: Apache-2.0 */
/* What a control found, and what that means. */
#ifndef FOVEA_EVAL_VERDICT_H
#define FOVEA_EVAL_VERDICT_H

#include "eval/control/checks.h"
#include "eval/control/contamination.h"
#include "eval/score/main_metric.h"

typedef enum { CONTROL_CLEAN, CONTROL_SUSPECT, CONTROL_LEAKING } ControlVerdict;

typedef struct {
    ControlVerdict verdict;
    char **reasons; /* [reason_count], each begins with one of people, copies, scramble, metadata, contamination,
                       nothing learnt and a colon */
    int64_t reason_count, reason_room;
    const char *unseen; /* what the control cannot see, a static text */

    MainMetric metric;
    double score;
    double p;     /* (c + 1) / (b + 1), c scrambled scores being as good as the score or better */
    double *null; /* [b], the scrambled scores */
    int b;
    double null_mean, null_chance;      /* mean of the scrambled scores; of what their predictions score by chance */
    double excess, excess_error;        /* by which the first is better, and its standard error */
    double chance;                      /* of the score: the metric's own; where it has none, what the same predictions
                                           score against the test labels of scrambled sets */
    double metadata;                    /* score of a model without images (metadata.h) */
    double metadata_chance;             /* as `chance`, of that model */
    double metadata_low, metadata_high; /* 1.96 standard deviations of its scores for scrambled test labels around it */
    ControlChecks checks;
    int64_t test_images_alone; /* whose labels stay with their person, as nobody has as many images */
} ControlResult;

/* Fewer people than this in the commonest class of test, or outside it, are too few: 4 and 4 people can have exchanged
 * labels in 70 ways, 5 and 5 in 252, more than the 199 scrambles. */
enum { VERDICT_FEWEST_PEOPLE = 5 };

/* Sets verdict, reasons and `unseen` by the other fields. Something was learnt up to a p of `alpha`; `contamination`
 * may be NULL. */
Status verdict_find(ControlResult *result, double alpha, const ControlContamination *contamination) MUST_USE;

/* "clean", "suspect", "leaking". */
const char *verdict_name(ControlVerdict verdict);

#endif
