/* SPDX-License-Identifier: Apache-2.0 */
/* A figure with its interval. */
#ifndef FOVEA_EVAL_ESTIMATE_H
#define FOVEA_EVAL_ESTIMATE_H

#include "stats/figure.h"

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
    Interval beside[INTERVALS_BESIDE]; /* of an AUROC: Obuchowski's and DeLong's, on the logit's scale */
    const char *reason;                /* why there is no value or no interval; NULL where there are both */
    int64_t images, people;            /* that it is of; people: -1 where some are not known */
} Estimate;

#endif
