/* SPDX-License-Identifier: Apache-2.0 */
/* Rows sorted by a score, and what depends on that order alone: AUROC, average precision, ranks. */
#ifndef FOVEA_STATS_RANKING_H
#define FOVEA_STATS_RANKING_H

#include "base/status.h"

#include <stdint.h>

typedef struct {
    double score;
    int64_t row;
} RankedRow;

typedef struct {
    RankedRow *list; /* the lowest score first; of equal scores the earlier row */
    int64_t count;
} Ranking;

/* Sorts rows 0 .. count - 1, whose scores are scores[row * stride]. EXIT_DATA when a score is not finite. Free with
 * ranking_free() either way. */
Status ranking_open(const double *scores, int64_t stride, int64_t count, Ranking *ranking) MUST_USE;
void ranking_free(Ranking *ranking);

/* The share of pairs of a positive and a negative row in which the positive one's score is higher, a tie counting half;
 * NAN without a positive or a negative row. `positive` and `times` have an element a row; a row counts times[row] times
 * (NULL: once). Counted in integers: equal orders give equal bits. */
double ranking_auroc(const Ranking *ranking, const uint8_t *positive, const int32_t *times);

/* The sum over the distinct scores, highest first, of the gain in recall times the precision there: no interpolation,
 * tied rows enter together. NAN without a positive or a negative row. `times` as above. */
double ranking_average_precision(const Ranking *ranking, const uint8_t *positive, const int32_t *times);

/* ranks[row] from 1; tied rows get the mean of their ranks. `times` as above. */
void ranking_midranks(const Ranking *ranking, const int32_t *times, double *ranks);

/* placements[row]: of a positive row the share of the negative rows below it, of a negative row the share of the
 * positive rows above it, ties counting half. Both kinds have the AUROC as their mean. There must be rows of both. */
void ranking_placements(const Ranking *ranking, const uint8_t *positive, double *placements);

#endif
