/* SPDX-License-Identifier: Apache-2.0 */
/* Every number that a report shows of one prediction of a task's test rows. docs/metrics.md defines the figures. */
#ifndef FOVEA_EVAL_SCORES_H
#define FOVEA_EVAL_SCORES_H

#include "eval/score/estimate.h"
#include "eval/score/main_metric.h"

#include <stdbool.h>

typedef struct {
    const EvalRows *rows;      /* labels, people and columns are looked at */
    const double *predictions; /* [rows->count][eval_values()], of val and test rows */
    const MainMetric *metric;
    int bootstraps; /* at least 2; the project's reports use 2,000 */
    uint64_t seed;  /* of the people that the bootstrap draws */
    int threads;    /* at least 1; changes no number */
} ScoresInput;

/* The figures of images, or of people: a person's prediction is the mean of those of their images. A person whose
 * images have different labels has the mean label in EVAL_REGRESSION, and none in other kinds. */
typedef struct {
    Estimate *list;
    int count;
    int main;               /* list[main] is the task's metric */
    int64_t images, people; /* people: -1 where some are not known */
    int64_t mixed;          /* people left out, of whom no output has one label */
    const char *reason;     /* why there is no figure at all; NULL where there are figures */
} ScoreLevel;

typedef struct {
    double x, y;
} CurvePoint;

typedef struct {
    double predicted, observed; /* means over the bin's rows: of p and of the label */
    int64_t images;
} CalibrationBin;

typedef struct {
    double at, model, everyone; /* the threshold probability; net benefits */
} DecisionPoint;

/* A yes-or-no question: the label of EVAL_BINARY, one of EVAL_MULTILABEL, a class against the rest. Of EVAL_REGRESSION
 * there is one part with nothing but bins. */
typedef struct {
    int part;        /* the class or label; 1 for EVAL_BINARY */
    CurvePoint *roc; /* 1 - specificity, sensitivity; from (0, 0) to (1, 1) */
    int roc_count;   /* 0 without a positive or a negative image */
    CurvePoint *pr;  /* recall, precision; recall rises */
    int pr_count;
    CalibrationBin *bins; /* only those with images; x rises */
    int bin_count;
    DecisionPoint *decision;
    int decision_count;
} ScorePart;

/* Images by label and prediction. */
typedef struct {
    const char *rule; /* "most probable", "threshold_youden", "threshold_spec90" or "p >= 0.5" */
    int part;         /* of EVAL_MULTILABEL the label; else -1 */
    int classes;
    int64_t *counts; /* [classes of the label][classes of the prediction] */
} Confusion;

/* The main metric of the images of one category of a column, or of one band of its numbers. */
typedef struct {
    const char *column; /* the caller's */
    char *category;     /* the category's name, or the band: "40 to < 50" */
    Estimate estimate;
} Subgroup;

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
