/* SPDX-License-Identifier: Apache-2.0 */
/* AUROC, average precision, ranks and placements: by hand, against the definitions counted pair by pair, and laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/ranking.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <string.h>

enum { ROWS = 60 };

typedef struct {
    double scores[ROWS];
    uint8_t positive[ROWS];
} Drawn;

/* Scores of `levels` values, so that there are ties. */
static Drawn draw(uint64_t seed, uint32_t levels) {
    Drawn drawn;
    Random random;
    random_start(&random, seed, RANDOM_TEST, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        drawn.positive[i] = random_below(&random, 3) == 0;
        drawn.scores[i] = random_below(&random, levels) + drawn.positive[i];
    }
    drawn.positive[0] = 0;
    drawn.positive[1] = 1;
    return drawn;
}

static Ranking rank(const double *scores, int64_t count) {
    Ranking ranking;
    assert_fine(ranking_open(scores, 1, count, &ranking));
    return ranking;
}

static double auroc_of(const double *scores, const uint8_t *positive, const int32_t *times, int64_t count) {
    Ranking ranking = rank(scores, count);
    const double auroc = ranking_auroc(&ranking, positive, times);
    ranking_free(&ranking);
    return auroc;
}

static double precision_of(const double *scores, const uint8_t *positive, int64_t count) {
    Ranking ranking = rank(scores, count);
    const double precision = ranking_average_precision(&ranking, positive, NULL);
    ranking_free(&ranking);
    return precision;
}

/* Scores 4 3 3 2 1 with labels + - + + -: of 6 pairs 3 are won, 1 is tied. Thresholds 4, 3, 2 gain a third of the
 * recall each, at precisions 1, 2/3, 3/4. */
static void values_by_hand(void **state) {
    (void)state;
    const double scores[] = {3, 1, 4, 2, 3};
    const uint8_t positive[] = {0, 0, 1, 1, 1};
    assert_true(auroc_of(scores, positive, NULL, 5) == 4.5 / 6);
    assert_true(fabs(precision_of(scores, positive, 5) - (1 + 2. / 3 + 3. / 4) / 3) < 1e-15);
    Ranking ranking = rank(scores, 5);
    double values[5];
    ranking_midranks(&ranking, NULL, values);
    const double ranks[] = {3.5, 1, 5, 2, 3.5}, placements[] = {0.5, 1, 1, 0.5, 0.75};
    assert_memory_equal(values, ranks, sizeof ranks);
    ranking_placements(&ranking, positive, values);
    /* Row 0, negative: of the positives 4 and the tied 3 are above, 1.5 of 3. */
    assert_memory_equal(values, placements, sizeof placements);
    ranking_free(&ranking);
}

static void auroc_is_the_share_of_pairs_won(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        const Drawn d = draw(seed, 2 + (uint32_t)seed);
        double won = 0, pairs = 0;
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < ROWS; j++)
                if (d.positive[i] && !d.positive[j]) {
                    won += d.scores[i] > d.scores[j] ? 1 : d.scores[i] == d.scores[j] ? 0.5 : 0;
                    pairs++;
                }
        assert_true(auroc_of(d.scores, d.positive, NULL, ROWS) == won / pairs);
    }
}

static void only_the_order_matters(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 10; seed++) {
        const Drawn d = draw(seed, 9);
        Drawn bent, turned;
        uint8_t swapped[ROWS];
        for (int i = 0; i < ROWS; i++) {
            const int64_t to = (int64_t)random_permute(seed, 0, ROWS, (uint64_t)i);
            bent.scores[i] = exp(d.scores[i]) - 1e3;
            turned.scores[to] = d.scores[i];
            turned.positive[to] = d.positive[i];
            swapped[i] = !d.positive[i];
        }
        const double auroc = auroc_of(d.scores, d.positive, NULL, ROWS);
        const double precision = precision_of(d.scores, d.positive, ROWS);
        assert_true(auroc_of(bent.scores, d.positive, NULL, ROWS) == auroc);
        assert_true(precision_of(bent.scores, d.positive, ROWS) == precision);
        assert_true(auroc_of(turned.scores, turned.positive, NULL, ROWS) == auroc);
        assert_true(precision_of(turned.scores, turned.positive, ROWS) == precision);
        /* The other class's AUROC by the same score. */
        assert_true(fabs(auroc_of(d.scores, swapped, NULL, ROWS) - (1 - auroc)) < 1e-15);
    }
}

/* A row that counts n times is n rows; one that counts 0 times is none. */
static void times_are_copies(void **state) {
    (void)state;
    const Drawn d = draw(3, 7);
    int32_t times[ROWS];
    double scores[ROWS * 3];
    uint8_t positive[ROWS * 3];
    int64_t count = 0;
    for (int i = 0; i < ROWS; i++) {
        times[i] = i % 4;
        for (int32_t copy = 0; copy < times[i]; copy++) {
            scores[count] = d.scores[i];
            positive[count++] = d.positive[i];
        }
    }
    assert_true(auroc_of(d.scores, d.positive, times, ROWS) == auroc_of(scores, positive, NULL, count));
}

static void placements_average_to_the_auroc(void **state) {
    (void)state;
    const Drawn d = draw(5, 6);
    Ranking ranking = rank(d.scores, ROWS);
    double placements[ROWS], sums[2] = {0}, counts[2] = {0};
    ranking_placements(&ranking, d.positive, placements);
    for (int i = 0; i < ROWS; i++) {
        sums[d.positive[i]] += placements[i];
        counts[d.positive[i]]++;
    }
    const double auroc = ranking_auroc(&ranking, d.positive, NULL);
    assert_true(fabs(sums[0] / counts[0] - auroc) < 1e-15 * ROWS);
    assert_true(fabs(sums[1] / counts[1] - auroc) < 1e-15 * ROWS);
    ranking_free(&ranking);
}

static void what_is_not_defined(void **state) {
    (void)state;
    const double scores[] = {0.1, 0.2, NAN, INFINITY};
    const uint8_t ill[] = {1, 1}, well[] = {0, 0};
    assert_true(isnan(auroc_of(scores, ill, NULL, 2)) && isnan(auroc_of(scores, well, NULL, 2)));
    assert_true(isnan(precision_of(scores, ill, 2)) && isnan(precision_of(scores, well, 2)));
    assert_true(isnan(auroc_of(scores, ill, NULL, 0)));
    Ranking ranking;
    assert_refused(ranking_open(scores, 1, 3, &ranking), EXIT_DATA, "the score of row 2 is");
    ranking_free(&ranking);
    assert_refused(ranking_open(scores + 1, 2, 2, &ranking), EXIT_DATA, "the score of row 1 is inf");
    ranking_free(&ranking);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(auroc_is_the_share_of_pairs_won),
        cmocka_unit_test(only_the_order_matters),
        cmocka_unit_test(times_are_copies),
        cmocka_unit_test(placements_average_to_the_auroc),
        cmocka_unit_test(what_is_not_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
