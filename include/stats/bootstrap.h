/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap over people: each replicate draws as many people as there are, with all their rows. */
#ifndef FOVEA_STATS_BOOTSTRAP_H
#define FOVEA_STATS_BOOTSTRAP_H

#include "base/status.h"
#include "stats/figure.h"

#include <stdint.h>

typedef struct {
    const int64_t *people;   /* [rows], at least 0; equal numbers are one person */
    const uint8_t *positive; /* [rows]: people are drawn within three strata, those with no, some and only positive
                                rows, so that every replicate has rows of both classes. NULL: from all people */
    int64_t rows;
    int replicates;
    uint64_t seed;
    int threads; /* at least 1 */
} Bootstrap;

/* Measures the rows as if row r were there times[r] times, into values[figures]; called by several threads at once. */
typedef Status (*BootstrapMeasure)(const void *context, const int32_t *times, double *values);

/* values[figures][replicates] of each replicate. Replicate r depends on (seed, r) and on the people alone, who are
 * numbered by their ids: neither the order of rows nor the number of threads matters. */
Status bootstrap_run(const Bootstrap *bootstrap, BootstrapMeasure measure, const void *context, int figures,
                     double *values) MUST_USE;

/* Encloses the figure with 95 % confidence: 1.96 standard errors of its replicates on either side, on `scale`. */
typedef struct {
    double low, high;   /* NAN where there is none */
    double error;       /* standard deviation of the replicates */
    double scale_error; /* the same on the scale */
} BootstrapInterval;

/* Of `value` by values[count], which are overwritten; those that are not defined (NAN) are left out. On FIGURE_LOGIT
 * and FIGURE_FISHER replicates are kept `edge` from the ends, where the scale is infinite. There is no interval where
 * `value` is such an end, where the replicates are all equal, or where over one in twenty is not defined. */
BootstrapInterval bootstrap_interval(FigureScale scale, double value, double edge, double *values, int count);

/* The standard deviation (n - 1) of `count` values. */
double bootstrap_deviation(const double *values, int count);

#endif
