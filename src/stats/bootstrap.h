/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap over people: each replicate draws as many people as there are, with all their rows. */
#ifndef FOVEA_STATS_BOOTSTRAP_H
#define FOVEA_STATS_BOOTSTRAP_H

#include "stats/people.h"
#include "stats/ranking.h"

typedef struct {
    const Ranking *scores, *other; /* of the same rows; other may be NULL */
    const uint8_t *positive;       /* [rows] */
    const People *people;
    int replicates;
    uint64_t seed;
} Bootstrap;

/* The AUROC of each replicate, `aurocs` of `scores` and, where it is there, `others` of `other`; [replicates] each.
 * People are drawn with replacement within three strata, those with no, some and only positive rows, so that every
 * replicate has rows of both classes. Replicate r depends on (seed, r) alone. */
Status bootstrap_draw(const Bootstrap *bootstrap, double *aurocs, double *others) MUST_USE;

/* The standard deviation (n - 1) of `count` values. */
double bootstrap_deviation(const double *values, int count);

#endif
