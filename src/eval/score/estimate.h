/* SPDX-License-Identifier: Apache-2.0 */
/* Figures with their intervals. */
#ifndef FOVEA_EVAL_ESTIMATE_H
#define FOVEA_EVAL_ESTIMATE_H

#include "eval/score/selection.h"
#include "stats/figure.h"
#include "stats/threshold.h"

#include <stdint.h>

/* With 95 % confidence. */
typedef struct {
    const char *method; /* such as "bootstrap of people, logit scale"; NULL: there is no interval */
    double low, high;   /* NAN where there is none */
    double error;       /* standard error on the figure's own scale; NAN where there is none */
} Interval;

enum { INTERVALS_BESIDE = 2 };

/* Texts are static. */
typedef struct {
    const char *name;    /* as in docs/metrics.md */
    int part;            /* the class or label that it is of; -1: of all together */
    double at;           /* the threshold probability of a net benefit; else NAN */
    FigureBetter better; /* which of two values is the better one */
    double chance;       /* its value where nothing is learnt, as in main_metric.h; else NAN */
    double value;        /* NAN: not defined */
    Interval interval;
    Interval beside[INTERVALS_BESIDE]; /* of an AUROC: Obuchowski's, and DeLong's where each person has one image */
    const char *reason;                /* why there is no value or no interval; NULL where there are both */
    int64_t images, people;            /* that it is of; people: -1 where some are not known */
} Estimate;

typedef struct {
    int bootstraps; /* at least 2; the project's reports use 2,000 */
    uint64_t seed;  /* of the people that the bootstrap draws */
    int threads;    /* at least 1; changes no number */
} Resampling;

/* The figure called `only` of a selection, or all of its kind (NULL), with those thresholds. The list is the caller's,
 * NULL on failure. EXIT_DATA for a label or a prediction that cannot be. */
Status estimates_measure(const Selection *selection, const ThresholdFigures *thresholds, const char *only,
                         const Resampling *resampling, Estimate **list, int *count) MUST_USE;

#endif
