/* SPDX-License-Identifier: Apache-2.0 */
/* How sure an AUROC is, and the difference of two on the same rows, when a person has several rows: two eyes of one
 * person are not two people. */
#ifndef FOVEA_STATS_INTERVAL_H
#define FOVEA_STATS_INTERVAL_H

#include "base/status.h"
#include "stats/figure.h"

#include <stdint.h>

#define INTERVAL_FIGURES(X)                                                                                            \
    X(auroc, HIGHER, LOGIT)                                                                                            \
    X(auroc_other, HIGHER, LOGIT)                                                                                      \
    X(delong_se, NEITHER, NONE)                                                                                        \
    X(cluster_se, NEITHER, NONE)                                                                                       \
    X(design_effect, NEITHER, NONE)                                                                                    \
    X(bootstrap_se, NEITHER, NONE)                                                                                     \
    X(bootstrap_se_logit, NEITHER, NONE)                                                                               \
    X(low, NEITHER, NONE)                                                                                              \
    X(high, NEITHER, NONE)                                                                                             \
    X(difference, NEITHER, NONE)                                                                                       \
    X(difference_cluster_se, NEITHER, NONE)                                                                            \
    X(difference_p, NEITHER, NONE)                                                                                     \
    X(difference_bootstrap_se, NEITHER, NONE)                                                                          \
    X(difference_low, NEITHER, NONE)                                                                                   \
    X(difference_high, NEITHER, NONE)

typedef struct {
    INTERVAL_FIGURES(FIGURE_FIELD)
} IntervalFigures;

extern const Figure interval_figures[]; /* a row without a name ends them */

typedef struct {
    const double *labels;  /* [rows], 0, 1 or NAN: not known, the row is left out */
    const double *scores;  /* [rows] */
    const double *other;   /* [rows], a second score; NULL: none, and no figure of the difference is defined */
    const int64_t *people; /* [rows], at least 0 */
    int64_t rows;
    int bootstraps; /* at least 2 */
    uint64_t seed;  /* of the people that the bootstrap draws */
    int threads;    /* at least 1; changes no figure */
} IntervalInput;

/* low and high enclose the AUROC with 95 % confidence, difference_low and difference_high the difference other -
 * scores. Beside the AUROCs and the difference nothing is defined when a class has fewer than two people, or for an
 * AUROC of 0 or 1. EXIT_DATA naming the row of a label, score or person that cannot be. */
Status interval_measure(const IntervalInput *input, IntervalFigures *figures) MUST_USE;

#endif
