/* SPDX-License-Identifier: Apache-2.0 */
/* Whether intervals of an AUROC contain the truth as often as they say. People have two eyes whose scores correlate by
 * 0.6; scores are normal, with a distance of the classes that gives the true AUROC. FOVEA_LONG draws 2,000 sets a cell
 * and prints beside what percentiles, and DeLong's error, which takes eyes for people, would have covered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "base/threads.h"
#include "stats/bootstrap.h"
#include "stats/interval.h"
#include "stats/ranking.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 300, EYES = 2, SIZES = 3, HEIGHTS = 3 };

typedef struct {
    int people;
    bool by_eye; /* eyes have labels of their own; else a person has one */
    double auroc;
} Cell;

typedef struct {
    double labels[MOST * EYES], scores[MOST * EYES], other[MOST * EYES];
    uint8_t positive[MOST * EYES];
    int64_t people[MOST * EYES];
    int64_t rows;
} Set;

/* Sets whose interval contains the truth. */
typedef struct {
    int own, percentile, delong, difference;
} Covered;

/* AUROC = Phi(distance / sqrt(2)). */
static double distance_of(double auroc) {
    double low = 0, high = 10;
    while (high - low > 1e-12) {
        const double middle = (low + high) / 2;
        *(erfc(-middle / 2) / 2 < auroc ? &low : &high) = middle;
    }
    return low;
}

static void draw_eyes(Random *random, double scores[EYES]) {
    const double person = random_normal(random);
    for (int eye = 0; eye < EYES; eye++)
        scores[eye] = sqrt(0.6) * person + sqrt(0.4) * random_normal(random);
}

/* The other score has half of its variance in common with the first, and the same true AUROC. */
static void draw_set(const Cell *cell, int number, Set *set) {
    const double distance = distance_of(cell->auroc);
    Random random;
    random_start(&random, 3, RANDOM_TEST, (uint32_t)(cell->people * 2 + cell->by_eye), (uint64_t)number);
    for (int p = 0; p < cell->people; p++) {
        bool label = random_u32(&random) & 1;
        double scores[EYES], others[EYES];
        draw_eyes(&random, scores);
        draw_eyes(&random, others);
        for (int eye = 0; eye < EYES; eye++) {
            const int row = p * EYES + eye;
            if (eye && cell->by_eye)
                label = random_u32(&random) & 1;
            set->labels[row] = set->positive[row] = label;
            set->scores[row] = distance * label + scores[eye];
            set->other[row] = distance * label + sqrt(0.5) * (scores[eye] + others[eye]);
            set->people[row] = p;
        }
    }
    set->rows = cell->people * EYES;
}

typedef struct {
    Ranking ranking;
    const uint8_t *positive;
} Ranked;

static Status measure_auroc(const void *context, const int32_t *times, double *value) {
    const Ranked *ranked = context;
    *value = ranking_auroc(&ranked->ranking, ranked->positive, times);
    return NULL;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The 2.5th to the 97.5th of a hundred replicates. */
static bool percentiles_cover(const Set *set, int bootstraps, double truth) {
    Ranked ranked = {.positive = set->positive};
    double *values = malloc((size_t)bootstraps * sizeof *values);
    assert_non_null(values);
    assert_fine(ranking_open(set->scores, 1, set->rows, &ranked.ranking));
    assert_fine(bootstrap_run(&(Bootstrap){.people = set->people,
                                           .positive = set->positive,
                                           .rows = set->rows,
                                           .replicates = bootstraps,
                                           .threads = 1},
                              measure_auroc, &ranked, 1, values));
    qsort(values, (size_t)bootstraps, sizeof *values, by_value);
    const int tail = (int)(bootstraps * 0.025);
    const bool inside = values[tail] <= truth && truth <= values[bootstraps - 1 - tail];
    ranking_free(&ranked.ranking);
    free(values);
    return inside;
}

static void add_set(const Cell *cell, int number, int bootstraps, Covered *covered) {
    Set *set = malloc(sizeof *set);
    IntervalFigures f;
    assert_non_null(set);
    draw_set(cell, number, set);
    assert_fine(interval_measure(&(IntervalInput){.labels = set->labels,
                                                  .scores = set->scores,
                                                  .other = set->other,
                                                  .people = set->people,
                                                  .rows = set->rows,
                                                  .bootstraps = bootstraps,
                                                  .seed = (uint64_t)number,
                                                  .threads = 1},
                                 &f));
    /* An AUROC of 1 has no interval, which does not cover. */
    covered->own += f.low <= cell->auroc && cell->auroc <= f.high;
    covered->difference += f.difference_low <= 0 && 0 <= f.difference_high;
    covered->delong += fabs(f.auroc - cell->auroc) <= 1.96 * f.delong_se;
    covered->percentile += percentiles_cover(set, bootstraps, cell->auroc);
    free(set);
}

/* The sets of a cell in shares of threads; what a set gives does not depend on its share. */
static Covered cover_cell(const Cell *cell, int sets, int bootstraps) {
    enum { SHARES = 16 };
    Covered shares[SHARES] = {0}, all = {0};
    const int threads = threads_available();
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int share = 0; share < SHARES; share++)
        for (int number = share; number < sets; number += SHARES)
            add_set(cell, number, bootstraps, &shares[share]);
    for (int share = 0; share < SHARES; share++) {
        all.own += shares[share].own;
        all.percentile += shares[share].percentile;
        all.delong += shares[share].delong;
        all.difference += shares[share].difference;
    }
    return all;
}

/* A set of 2,000 covers by chance 1.5 points more or less than its cell does (3 standard errors): the bounds leave one
 * point to the method, and its mean over the cells another half. */
static void cells_cover(void **state) {
    (void)state;
    static const int people[SIZES] = {60, 100, MOST};
    static const double aurocs[HEIGHTS] = {0.65, 0.8, 0.93};
    const int sets = 2000, cells = 2 * SIZES * HEIGHTS;
    double mean = 0, mean_difference = 0;
    if (!getenv("FOVEA_LONG"))
        return;
    printf("# people  labels by  AUROC   interval  percentiles  DeLong   difference of equals\n");
    for (int cell = 0; cell < cells; cell++) {
        const Cell c = {people[cell / HEIGHTS % SIZES], cell >= cells / 2, aurocs[cell % HEIGHTS]};
        const Covered covered = cover_cell(&c, sets, 500);
        const double share = 100. * covered.own / sets, difference = 100. * covered.difference / sets;
        printf("# %6d  %-9s  %.2f   %8.2f  %11.2f  %6.2f   %10.2f\n", c.people, c.by_eye ? "eye" : "person", c.auroc,
               share, 100. * covered.percentile / sets, 100. * covered.delong / sets, difference);
        assert_true(share >= 92.5 && share <= 97.5 && difference >= 92.5 && difference <= 97.5);
        mean += share / cells;
        mean_difference += difference / cells;
    }
    printf("# mean %.2f, of differences %.2f\n", mean, mean_difference);
    assert_true(mean >= 94 && mean <= 96.5 && mean_difference >= 93.5 && mean_difference <= 96.5);
}

/* 300 sets cover by chance 3.8 points more or less (3 standard errors). Labels are by person: DeLong's error is too
 * small by a factor of up to sqrt(1.6), which leaves 88 %. */
static void a_small_cell_covers(void **state) {
    (void)state;
    const Cell cell = {60, false, 0.8};
    const Covered covered = cover_cell(&cell, 300, 200);
    assert_true(covered.own > 300 * 0.912 && covered.own < 300 * 0.988);
    assert_true(covered.difference > 300 * 0.912 && covered.difference < 300 * 0.988);
    assert_true(covered.delong < 300 * 0.92 && covered.percentile < covered.own);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_small_cell_covers), cmocka_unit_test(cells_cover)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
