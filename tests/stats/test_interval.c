/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals of an AUROC: laws of the clustered error and of the bootstrap. The recorded figures are in
 * tests/e2e/stats.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/interval.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { ROWS = 60, BOOTSTRAPS = 200 };

typedef struct {
    double labels[2 * ROWS], scores[2 * ROWS], other[2 * ROWS];
    int64_t people[2 * ROWS];
    int64_t rows;
} Eyes;

/* One row a person. */
static Eyes draw(void) {
    Eyes eyes = {.rows = ROWS};
    Random random;
    random_start(&random, 4, RANDOM_TEST, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        eyes.labels[i] = i % 3 == 0;
        eyes.scores[i] = eyes.labels[i] + random_normal(&random);
        eyes.other[i] = eyes.labels[i] * 0.5 + random_normal(&random);
        eyes.people[i] = i;
    }
    return eyes;
}

static IntervalFigures measure(const Eyes *eyes) {
    IntervalFigures figures;
    assert_fine(interval_measure(&(IntervalInput){.labels = eyes->labels,
                                                  .scores = eyes->scores,
                                                  .other = eyes->other,
                                                  .people = eyes->people,
                                                  .rows = eyes->rows,
                                                  .bootstraps = BOOTSTRAPS,
                                                  .seed = 7,
                                                  .threads = 2},
                                 &figures));
    return figures;
}

static bool near(double a, double b) {
    return fabs(a - b) <= 1e-12 * fabs(b);
}

static void one_eye_a_person_is_delong(void **state) {
    (void)state;
    const Eyes eyes = draw();
    const IntervalFigures f = measure(&eyes);
    assert_true(near(f.cluster_se, f.delong_se) && near(f.design_effect, 1));
    assert_true(f.low < f.auroc && f.auroc < f.high && f.difference_low < f.difference);
    assert_true(near(f.difference_p, erfc(fabs(f.difference / f.difference_cluster_se) / sqrt(2))));
    /* The bootstrap estimates the same error, with 200 replicates to about 1 / sqrt(400) = 5 %; on the logit's scale an
     * error is 1 / (A (1 - A)) times as large to first order. 30 % leave room for the second. */
    const double scaled = f.bootstrap_se_logit * f.auroc * (1 - f.auroc);
    assert_true(fabs(scaled / f.cluster_se - 1) < 0.3);
    assert_true(fabs(f.difference_bootstrap_se / f.difference_cluster_se - 1) < 0.3);
}

/* A second eye like the first brings nothing: only DeLong's error, which takes it for another person, shrinks. The
 * bootstrap draws the same people, and so the same replicates. */
static void a_second_equal_eye_brings_nothing(void **state) {
    (void)state;
    const Eyes eyes = draw();
    Eyes both = eyes;
    memcpy(both.labels + ROWS, eyes.labels, sizeof eyes.labels / 2);
    memcpy(both.scores + ROWS, eyes.scores, sizeof eyes.scores / 2);
    memcpy(both.other + ROWS, eyes.other, sizeof eyes.other / 2);
    memcpy(both.people + ROWS, eyes.people, sizeof eyes.people / 2);
    both.rows = 2 * ROWS;
    const IntervalFigures one = measure(&eyes), two = measure(&both);
    assert_true(two.auroc == one.auroc && near(two.cluster_se, one.cluster_se));
    assert_true(near(two.difference_cluster_se, one.difference_cluster_se));
    assert_true(two.low == one.low && two.high == one.high && two.difference_low == one.difference_low);
    /* sqrt((m - 1) / (2 m - 1)) for each class. */
    assert_true(two.delong_se < 0.71 * one.delong_se && two.design_effect > 2);
}

/* Which numbers people have and in which order rows come is nothing to the errors by formula; the bootstrap numbers
 * people by their ids, so that another order of rows gives the same bits. */
static void names_and_order_do_not_matter(void **state) {
    (void)state;
    Eyes eyes = draw();
    for (int i = 0; i < ROWS; i++)
        eyes.people[i] = i / 2 * INT64_C(1000000007); /* two eyes each, some ill in one */
    Eyes turned = {.rows = ROWS};
    for (int i = 0; i < ROWS; i++) {
        const int64_t to = (int64_t)random_permute(1, 0, ROWS, (uint64_t)i);
        turned.labels[to] = eyes.labels[i];
        turned.scores[to] = eyes.scores[i];
        turned.other[to] = eyes.other[i];
        turned.people[to] = eyes.people[i];
    }
    const IntervalFigures f = measure(&eyes), t = measure(&turned);
    assert_true(near(t.cluster_se, f.cluster_se) && t.low == f.low && t.difference_high == f.difference_high);
    for (int i = 0; i < ROWS; i++)
        turned.people[i] = INT64_MAX - turned.people[i];
    const IntervalFigures u = measure(&turned);
    assert_true(near(u.cluster_se, f.cluster_se) && u.low != f.low);
}

/* Without strata (58 / 60)^60, 13 %, of the replicates would draw neither of two ill people and have no AUROC. */
static void threads_change_nothing(void **state) {
    (void)state;
    const Eyes eyes = draw();
    const IntervalFigures two = measure(&eyes);
    IntervalFigures f;
    for (int threads = 1; threads <= 5; threads += 4) {
        assert_fine(interval_measure(&(IntervalInput){.labels = eyes.labels,
                                                      .scores = eyes.scores,
                                                      .other = eyes.other,
                                                      .people = eyes.people,
                                                      .rows = eyes.rows,
                                                      .bootstraps = BOOTSTRAPS,
                                                      .seed = 7,
                                                      .threads = threads},
                                     &f));
        assert_true(f.low == two.low && f.high == two.high && f.difference_low == two.difference_low);
    }
}

static void every_replicate_has_both_classes(void **state) {
    (void)state;
    Eyes eyes = draw();
    for (int i = 0; i < ROWS; i++)
        eyes.labels[i] = i < 2;
    const IntervalFigures f = measure(&eyes);
    assert_true(f.auroc > 0 && f.auroc < 1 && isfinite(f.low) && isfinite(f.difference_low));
}

static void another_seed_draws_others(void **state) {
    (void)state;
    const Eyes eyes = draw();
    IntervalFigures f;
    IntervalInput input = {.labels = eyes.labels,
                           .scores = eyes.scores,
                           .people = eyes.people,
                           .rows = ROWS,
                           .bootstraps = BOOTSTRAPS,
                           .seed = 8,
                           .threads = 1};
    assert_fine(interval_measure(&input, &f));
    const IntervalFigures with = measure(&eyes);
    assert_true(f.low != with.low && f.cluster_se == with.cluster_se);
    assert_true(isnan(f.auroc_other) && isnan(f.difference) && isnan(f.difference_cluster_se));
    input.bootstraps = 1;
    assert_refused(interval_measure(&input, &f), EXIT_DATA, "needs at least 2");
}

static void what_is_not_defined(void **state) {
    (void)state;
    /* Perfect: no error. The other score still has one, and so has the difference. */
    Eyes eyes = draw();
    for (int i = 0; i < ROWS; i++)
        eyes.scores[i] = eyes.labels[i];
    IntervalFigures f = measure(&eyes);
    assert_true(f.auroc == 1 && isnan(f.delong_se) && isnan(f.cluster_se) && isnan(f.bootstrap_se_logit) &&
                isnan(f.low) && isnan(f.high) && f.difference_cluster_se > 0);
    /* All ill rows are one person's. */
    eyes = draw();
    for (int i = 0; i < ROWS; i++)
        eyes.people[i] = eyes.labels[i] == 1 ? 1000 : i;
    f = measure(&eyes);
    assert_true(f.auroc < 1 && isfinite(f.difference));
    assert_true(isnan(f.delong_se) && isnan(f.cluster_se) && isnan(f.low) && isnan(f.difference_low));
    /* Unknown labels are left out. */
    Eyes unknown = draw();
    const IntervalFigures all = measure(&unknown);
    unknown.labels[ROWS] = NAN;
    unknown.people[ROWS] = 0;
    unknown.rows = ROWS + 1;
    f = measure(&unknown);
    assert_true(f.auroc == all.auroc && f.low == all.low && f.cluster_se == all.cluster_se);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_eye_a_person_is_delong),       cmocka_unit_test(a_second_equal_eye_brings_nothing),
        cmocka_unit_test(names_and_order_do_not_matter),    cmocka_unit_test(another_seed_draws_others),
        cmocka_unit_test(every_replicate_has_both_classes), cmocka_unit_test(what_is_not_defined),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
