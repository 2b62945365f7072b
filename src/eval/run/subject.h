/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint on its way to a score: its encoder, the features, what learns from the labels. */
#ifndef FOVEA_EVAL_SUBJECT_H
#define FOVEA_EVAL_SUBJECT_H

#include "eval/adapt/adapter.h"
#include "eval/adapt/finetune.h"
#include "eval/options.h"
#include "eval/report/evaluation.h"
#include "eval/run/test_rows.h"

/* What all checkpoints of a call share; borrowed. */
typedef struct {
    const EvalOptions *options;
    const TaskConfig *task;
    Cohort *cohort, *external; /* external may be NULL */
    Ops *ops;
    int threads;
} Setting;

typedef struct {
    Features features, external; /* of the cohorts' records; empty for fine-tuning */
    float *values;               /* [rows][width], of the rows */
    FinetuneOptions finetune;
    char **sets; /* its settings; the first own_sets are this subject's */
    int own_sets;
    char *folder;  /* of its runs */
    double *later; /* [adapt.seeds - 1][rows][eval_values()], predictions of the later seeds */
    Adapter *adapter;
} Subject;

/* Opens the encoder that evaluated->name names into evaluated->encoder. */
Status subject_open(const Setting *setting, Evaluated *evaluated) MUST_USE;
/* Computes its features. Closed with subject_close() after a failure, too. */
Status subject_extract(const Setting *setting, Evaluated *evaluated, Subject *subject) MUST_USE;
/* Learns the labels of train, chooses by those of val, and predicts val and test; the labels of test are hidden. */
Status subject_adapt(const Setting *setting, const TestRows *rows, const MainMetric *metric, Evaluated *evaluated,
                     Subject *subject) MUST_USE;
/* With adapt.seeds above 1 fine-tunes again with the later seeds, after subject_adapt() has done so with the first. */
Status subject_repeat(const Setting *setting, const TestRows *rows, Subject *subject) MUST_USE;
/* Then sets evaluated->seed_scores; nothing may be chosen any more. */
Status subject_score_seeds(const Setting *setting, const TestRows *rows, const MainMetric *metric, Evaluated *evaluated,
                           const Subject *subject) MUST_USE;
void subject_close(Subject *subject);

#endif
