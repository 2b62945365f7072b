/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/ranking.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static int by_score(const void *a, const void *b) {
    const RankedRow *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

Status ranking_open(const double *scores, int64_t stride, int64_t count, Ranking *ranking) {
    *ranking = (Ranking){.list = malloc((size_t)(count ? count : 1) * sizeof(RankedRow)), .count = count};
    if (!ranking->list)
        return status_no_memory("a list of scores", (unsigned long long)count * sizeof(RankedRow));
    for (int64_t row = 0; row < count; row++) {
        ranking->list[row] = (RankedRow){scores[row * stride], row};
        if (!isfinite(scores[row * stride]))
            return status_error(EXIT_DATA, "the score of row %lld is %g: it has no rank", (long long)row,
                                scores[row * stride]);
    }
    qsort(ranking->list, (size_t)count, sizeof(RankedRow), by_score);
    return NULL;
}

void ranking_free(Ranking *ranking) {
    free(ranking->list);
    *ranking = (Ranking){0};
}

/* Rows with one score: list[begin] to list[end - 1]. */
typedef struct {
    int64_t begin, end;
    int64_t positives, negatives; /* among them, each counted as often as `times` says */
} Tie;

static void count_tie(const Ranking *ranking, const uint8_t *positive, const int32_t *times, Tie *tie) {
    tie->positives = tie->negatives = 0;
    for (int64_t i = tie->begin; i < tie->end; i++) {
        const int64_t row = ranking->list[i].row, weight = times ? times[row] : 1;
        *(positive[row] ? &tie->positives : &tie->negatives) += weight;
    }
}

/* The next tie, from the lowest score on; start with {0}. */
static bool next_tie(const Ranking *ranking, Tie *tie) {
    const RankedRow *list = ranking->list;
    tie->begin = tie->end;
    while (tie->end < ranking->count && list[tie->end].score == list[tie->begin].score)
        tie->end++;
    return tie->begin < tie->end;
}

/* The same from the highest score on; start with {.begin = count}. */
static bool previous_tie(const Ranking *ranking, Tie *tie) {
    const RankedRow *list = ranking->list;
    tie->end = tie->begin;
    while (tie->begin > 0 && list[tie->begin - 1].score == list[tie->end - 1].score)
        tie->begin--;
    return tie->begin < tie->end;
}

double ranking_auroc(const Ranking *ranking, const uint8_t *positive, const int32_t *times) {
    int64_t half_wins = 0, positives = 0, negatives = 0;
    for (Tie tie = {0}; next_tie(ranking, &tie);) {
        count_tie(ranking, positive, times, &tie);
        half_wins += tie.positives * (2 * negatives + tie.negatives);
        positives += tie.positives;
        negatives += tie.negatives;
    }
    return positives && negatives ? (double)half_wins / (2.0 * (double)positives * (double)negatives) : NAN;
}

double ranking_average_precision(const Ranking *ranking, const uint8_t *positive, const int32_t *times) {
    int64_t positives = 0, negatives = 0;
    double sum = 0;
    for (Tie tie = {.begin = ranking->count}; previous_tie(ranking, &tie);) {
        count_tie(ranking, positive, times, &tie);
        positives += tie.positives;
        negatives += tie.negatives;
        if (tie.positives)
            sum += (double)tie.positives * (double)positives / (double)(positives + negatives);
    }
    return positives && negatives ? sum / (double)positives : NAN;
}

void ranking_midranks(const Ranking *ranking, const int32_t *times, double *ranks) {
    int64_t below = 0;
    for (Tie tie = {0}; next_tie(ranking, &tie);) {
        int64_t tied = 0;
        for (int64_t i = tie.begin; i < tie.end; i++)
            tied += times ? times[ranking->list[i].row] : 1;
        for (int64_t i = tie.begin; i < tie.end; i++)
            ranks[ranking->list[i].row] = (double)below + (double)(tied + 1) / 2;
        below += tied;
    }
}

void ranking_placements(const Ranking *ranking, const uint8_t *positive, double *placements) {
    int64_t positives = 0;
    for (int64_t row = 0; row < ranking->count; row++)
        positives += positive[row] != 0;
    const double all_positives = (double)positives, all_negatives = (double)(ranking->count - positives);
    int64_t above = positives, below = 0; /* positives above the tie, negatives below it */
    for (Tie tie = {0}; next_tie(ranking, &tie);) {
        count_tie(ranking, positive, NULL, &tie);
        above -= tie.positives;
        for (int64_t i = tie.begin; i < tie.end; i++) {
            const int64_t row = ranking->list[i].row;
            placements[row] = positive[row] ? ((double)below + (double)tie.negatives / 2) / all_negatives
                                            : ((double)above + (double)tie.positives / 2) / all_positives;
        }
        below += tie.negatives;
    }
}
