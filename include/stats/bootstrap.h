/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap over people: each replicate draws as many people as there are, with all their rows. */
#ifndef FOVEA_STATS_BOOTSTRAP_H
#define FOVEA_STATS_BOOTSTRAP_H

#include "base/status.h"

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

/* The standard deviation (n - 1) of `count` values. */
double bootstrap_deviation(const double *values, int count);

#endif
