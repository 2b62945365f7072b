/* SPDX-License-Identifier: Apache-2.0 */
/* Calibration, thresholds and net benefit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/calibration.h"
#include "stats/threshold.h"
#include "tests/fixtures/check.h"

#include <math.h>

#define assert_near(got, want) assert_true(fabs((got) - (want)) < 1e-12)
enum { ROWS = 200 };

static double logistic(double z) {
    return 1 / (1 + exp(-z));
}

/* Labels drawn with probability logistic(intercept + slope * logit(p)). */
static void draw(double labels[ROWS], double probabilities[ROWS], double slope, double intercept) {
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        const double logit = random_normal(&random);
        probabilities[i] = logistic(logit);
        labels[i] = random_uniform(&random) < logistic(intercept + slope * logit);
    }
}

/* Where the regression ends, the derivatives of its likelihood are 0: the mean and the product with logit(p) of what
 * the corrected probabilities miss. */
static void the_line_is_the_most_likely_one(void **state) {
    (void)state;
    double labels[ROWS], probabilities[ROWS];
    draw(labels, probabilities, 0.6, -0.4);
    CalibrationFigures f;
    assert_fine(calibration_measure(labels, probabilities, ROWS, &f));
    double misses = 0, products = 0, in_the_large = 0;
    for (int i = 0; i < ROWS; i++) {
        const double logit = log(probabilities[i] / (1 - probabilities[i]));
        const double miss = logistic(f.calibration_intercept + f.calibration_slope * logit) - labels[i];
        misses += miss;
        products += miss * logit;
        in_the_large += logistic(f.calibration_in_the_large + logit) - labels[i];
    }
    assert_true(fabs(misses) < 1e-11 && fabs(products) < 1e-11 && fabs(in_the_large) < 1e-11);
    assert_true(fabs(f.calibration_slope - 0.6) < 0.3 && fabs(f.calibration_intercept + 0.4) < 0.3);
}

/* Logits a + b x have the line of x, taken back. */
static void the_line_follows_a_change_of_scale(void **state) {
    (void)state;
    double labels[ROWS], probabilities[ROWS];
    draw(labels, probabilities, 1, 0);
    CalibrationFigures f, g;
    assert_fine(calibration_measure(labels, probabilities, ROWS, &f));
    for (int i = 0; i < ROWS; i++)
        probabilities[i] = logistic(2 * log(probabilities[i] / (1 - probabilities[i])) + 0.5);
    assert_fine(calibration_measure(labels, probabilities, ROWS, &g));
    assert_true(fabs(g.calibration_slope - f.calibration_slope / 2) < 1e-9);
    assert_true(fabs(g.calibration_intercept - (f.calibration_intercept - 0.5 * g.calibration_slope)) < 1e-9);
}

static void lines_that_do_not_exist(void **state) {
    (void)state;
    CalibrationFigures f;
    const double labels[] = {0, 0, 1, 1}, apart[] = {0.1, 0.3, 0.3, 0.9}, same[] = {0.3, 0.3, 0.3, 0.3};
    const double certain[] = {0.1, 1, 0.3, 0.9}, ill[] = {1, 1, 1, 1};
    assert_fine(calibration_measure(labels, apart, 4, &f));
    assert_true(isnan(f.calibration_slope) && isfinite(f.calibration_in_the_large));
    assert_fine(calibration_measure(labels, same, 4, &f));
    assert_true(isnan(f.calibration_slope));
    assert_near(f.calibration_in_the_large, log(0.7 / 0.3)); /* half are ill */
    assert_fine(calibration_measure(labels, certain, 4, &f));
    assert_true(isnan(f.calibration_slope) && isnan(f.calibration_in_the_large) && isfinite(f.brier));
    assert_fine(calibration_measure(ill, apart, 4, &f));
    assert_true(isnan(f.calibration_slope) && isnan(f.calibration_in_the_large));
}

/* A bin holds its lower edge, the last its upper one, too. Within a bin misses cancel. */
static void bins_have_their_edges(void **state) {
    (void)state;
    for (int k = 0; k < 15; k++) {
        const double edge[] = {k / 15., nextafter((k + 1) / 15., 0)};
        const uint8_t right[] = {0, 1};
        /* In one bin: |k/15 + (k+1)/15 - 1| / 2. */
        assert_near(calibration_error(edge, right, NULL, 2), fabs((2 * k + 1) / 15. - 1) / 2);
        if (k == 0)
            continue;
        const double across[] = {k / 15., nextafter(k / 15., 0)};
        assert_near(calibration_error(across, right, NULL, 2), (k / 15. + fabs(k / 15. - 1)) / 2);
    }
    const double last[] = {14 / 15., 1};
    const uint8_t wrong[] = {1, 0};
    assert_near(calibration_error(last, wrong, NULL, 2), (14 / 15. + 1 - 1) / 2);
}

static void thresholds_by_hand(void **state) {
    (void)state;
    /* Sensitivity + specificity is 3/2 at 0.8 and at 0.4: the higher wins. */
    const double labels[] = {0, 0, 1, 0, 0, 1, NAN}, scores[] = {0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 9};
    double threshold;
    assert_fine(threshold_youden(labels, scores, 7, &threshold));
    assert_true(threshold == 0.8);
    assert_fine(threshold_specificity(labels, scores, 7, 50, &threshold));
    assert_true(threshold == 0.4); /* 0.2 leaves one of four negatives below it */
    assert_fine(threshold_specificity(labels, scores, 7, 75, &threshold));
    assert_true(threshold == 0.6);
    OperatingPoint point;
    assert_fine(threshold_measure(labels, scores, NULL, 7, 0.5, &point));
    assert_true(point.sensitivity == 0.5 && point.specificity == 0.5);
    assert_fine(threshold_measure(labels, scores, NULL, 7, NAN, &point));
    assert_true(isnan(point.sensitivity) && isnan(point.specificity));
}

static void thresholds_that_do_not_exist(void **state) {
    (void)state;
    const double ill[] = {1, 1}, tied[] = {0.5, 0.5}, mixed[] = {0, 1};
    double threshold;
    OperatingPoint point;
    assert_fine(threshold_youden(ill, tied, 2, &threshold));
    assert_true(isnan(threshold));
    assert_fine(threshold_specificity(ill, tied, 2, 90, &threshold));
    assert_true(isnan(threshold));
    assert_fine(threshold_specificity(mixed, tied, 2, 90, &threshold)); /* everyone has the highest score */
    assert_true(isnan(threshold));
    assert_fine(threshold_measure(ill, tied, NULL, 2, 0.5, &point));
    assert_true(point.sensitivity == 1 && isnan(point.specificity));
}

static void net_benefit_by_hand(void **state) {
    (void)state;
    const double labels[] = {1, 0, 0, 1}, probabilities[] = {0.9, 0.2, 0.1, 0.1};
    NetBenefit benefit;
    assert_fine(threshold_net_benefit(labels, probabilities, NULL, 4, 0.2, &benefit));
    assert_near(benefit.model, 1. / 4 - 1. / 4 * 0.25);
    assert_near(benefit.everyone, 2. / 4 - 2. / 4 * 0.25);
    assert_refused(threshold_net_benefit(labels, probabilities, NULL, 4, 0, &benefit), EXIT_DATA,
                   "must be between 0 and 1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_is_the_most_likely_one),
        cmocka_unit_test(the_line_follows_a_change_of_scale),
        cmocka_unit_test(lines_that_do_not_exist),
        cmocka_unit_test(bins_have_their_edges),
        cmocka_unit_test(thresholds_by_hand),
        cmocka_unit_test(thresholds_that_do_not_exist),
        cmocka_unit_test(net_benefit_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
