/* SPDX-License-Identifier: Apache-2.0 */
#include "stats/bootstrap.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRATA = 3 };

/* People in the order of their stratum: stratum s is list[start[s]] to list[start[s + 1] - 1]. */
typedef struct {
    int32_t *list, *drawn; /* [people]; how often each was drawn */
    int32_t *times;        /* [rows], the same a row */
    int32_t start[STRATA + 1];
} Draw;

static int stratum_of(const People *people, int32_t person) {
    return people->positives[person] == 0 ? 0 : people->negatives[person] == 0 ? 2 : 1;
}

static void sort_people(const People *people, Draw *draw) {
    int32_t placed = 0;
    for (int stratum = 0; stratum < STRATA; stratum++) {
        draw->start[stratum] = placed;
        for (int32_t person = 0; person < people->count; person++)
            if (stratum_of(people, person) == stratum)
                draw->list[placed++] = person;
    }
    draw->start[STRATA] = placed;
}

static void draw_people(const Bootstrap *b, int replicate, Draw *draw) {
    Random random;
    random_start(&random, b->seed, RANDOM_BOOTSTRAP, 0, (uint64_t)replicate);
    memset(draw->drawn, 0, (size_t)b->people->count * sizeof *draw->drawn);
    for (int stratum = 0; stratum < STRATA; stratum++) {
        const int32_t first = draw->start[stratum], size = draw->start[stratum + 1] - first;
        for (int32_t i = 0; i < size; i++)
            draw->drawn[draw->list[first + (int32_t)random_below(&random, (uint32_t)size)]]++;
    }
    for (int64_t row = 0; row < b->scores->count; row++)
        draw->times[row] = draw->drawn[b->people->person[row]];
}

Status bootstrap_draw(const Bootstrap *b, double *aurocs, double *others) {
    const size_t people = (size_t)b->people->count + 1, rows = (size_t)b->scores->count + 1;
    Draw draw = {.list = malloc(people * sizeof(int32_t)),
                 .drawn = malloc(people * sizeof(int32_t)),
                 .times = malloc(rows * sizeof(int32_t))};
    Status status = draw.list && draw.drawn && draw.times
                        ? NULL
                        : status_no_memory("a bootstrap", (2 * people + rows) * sizeof(int32_t));
    if (!status)
        sort_people(b->people, &draw);
    for (int replicate = 0; replicate < b->replicates && !status; replicate++) {
        draw_people(b, replicate, &draw);
        aurocs[replicate] = ranking_auroc(b->scores, b->positive, draw.times);
        if (b->other)
            others[replicate] = ranking_auroc(b->other, b->positive, draw.times);
    }
    free(draw.list);
    free(draw.drawn);
    free(draw.times);
    return status;
}

double bootstrap_deviation(const double *values, int count) {
    double mean = 0, squares = 0;
    for (int i = 0; i < count; i++)
        mean += values[i] / count;
    for (int i = 0; i < count; i++)
        squares += (values[i] - mean) * (values[i] - mean);
    return sqrt(squares / (count - 1));
}
