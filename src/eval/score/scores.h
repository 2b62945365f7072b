/* SPDX-License-Identifier: Apache-2.0 */
/* Every number that a report shows of one prediction of a task's test rows. docs/metrics.md defines the figures. */
#ifndef FOVEA_EVAL_SCORES_H
#define FOVEA_EVAL_SCORES_H

#include "eval/score/confusion.h"
#include "eval/score/curves.h"
#include "eval/score/estimate.h"
#include "eval/score/main_metric.h"
#include "eval/score/subgroups.h"

typedef struct {
    const EvalRows *rows;      /* labels, people and columns are looked at */
    const double *predictions; /* [rows->count][eval_values()], of val and test rows */
    const MainMetric *metric;
    Resampling resampling;
} ScoresInput;

/* The figures of images, or of people: a person's prediction is the mean of those of their images. A person whose
 * images have different labels has the mean label in EVAL_REGRESSION, and none in other kinds. */
typedef struct {
    Estimate *list;
    int count;
    int main;               /* list[main] is the task's metric */
    int64_t images, people; /* people: -1 where some are not known */
    int64_t mixed;          /* people left out, of whom no output has one label */
    const char *reason;     /* why there is no figure at all (count is 0); NULL where there are figures */
} ScoreLevel;

typedef struct {
    ScoreLevel image, person;
    ScorePart *parts; /* by image, as are those below */
    int part_count;
    Confusion *confusions;
    int confusion_count;
    Subgroup *subgroups;
    int subgroup_count;
} Scores;

/* EXIT_DATA when test rows have no prediction, or a label or prediction that cannot be. Free with scores_free() either
 * way. */
Status scores_measure(const ScoresInput *input, Scores *scores) MUST_USE;
void scores_free(Scores *scores);

#endif
