/* SPDX-License-Identifier: Apache-2.0 */
/* Two encoders whose AUROC is known: one feature tells the label, with a distance of d standard deviations between the
 * classes, which gives Phi(d / sqrt 2); the others are noise. From the features to the difference with its interval. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "eval/adapt/linear.h"
#include "eval/score/comparison.h"
#include "tests/fixtures/check.h"

#include <math.h>

/* Both eyes of 400 people; every fourth person is val, two of four are test: 400 images. */
enum { PEOPLE = 400, ROWS = 2 * PEOPLE, WIDTH = 4 };

static const double GOOD = 1.5, POOR = 0.7;

typedef struct {
    float good[ROWS][WIDTH], poor[ROWS][WIDTH];
    double labels[ROWS];
    int64_t split[ROWS], person[ROWS];
    EvalRows rows;
} Drawn;

static Drawn drawn;

static void draw(void) {
    static const int64_t splits[] = {PROBE_TRAIN, PROBE_VAL, PROBE_TEST, PROBE_TEST};
    Random random;
    random_start(&random, 8, RANDOM_TEST, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        drawn.person[i] = i / 2;
        drawn.split[i] = splits[i / 2 % 4];
        drawn.labels[i] = random_uniform(&random) < 0.5F;
        for (int j = 0; j < WIDTH; j++) {
            drawn.good[i][j] = (float)random_normal(&random);
            drawn.poor[i][j] = (float)random_normal(&random);
        }
        drawn.good[i][1] += (float)(GOOD * drawn.labels[i]);
        drawn.poor[i][2] += (float)(POOR * drawn.labels[i]);
    }
    drawn.rows = (EvalRows){.kind = EVAL_BINARY,
                            .classes = 2,
                            .outputs = 1,
                            .count = ROWS,
                            .labels = drawn.labels,
                            .split = drawn.split,
                            .person = drawn.person};
}

static void predict(const float *features, double *predictions) {
    Adapter *adapter;
    assert_fine(linear_open(features, WIDTH, 1, &adapter));
    assert_fine(adapter->run(adapter, &drawn.rows, drawn.labels, 1, predictions));
    adapter->close(adapter);
}

static Comparison compare(const double *predictions, const double *other) {
    MainMetric metric;
    Comparison comparison;
    assert_fine(main_metric_find(&drawn.rows, "auroc", &metric));
    const ScoresInput input = {&drawn.rows, predictions, &metric, {500, 1, 1}};
    assert_fine(comparison_measure(&input, other, &comparison));
    return comparison;
}

static double area(double distance) {
    return 0.5 * erfc(-distance / 2);
}

static void the_better_one_is_better(void **state) {
    (void)state;
    static double good[ROWS], poor[ROWS];
    draw();
    predict(drawn.good[0], good);
    predict(drawn.poor[0], poor);
    const Comparison c = compare(poor, good);
    /* 400 images: an AUROC is 0.02 off, and the probe loses a little by its three columns of noise. */
    assert_true(fabs(c.other - area(GOOD)) < 0.05 && fabs(c.first - area(POOR)) < 0.06);
    assert_true(c.interval.low > 0 && c.p < 0.001 && !c.reason);
    const double truth = area(GOOD) - area(POOR);
    assert_true(c.interval.low < truth && truth < c.interval.high);
    const Comparison turned = compare(good, poor);
    assert_true(turned.difference == -c.difference && turned.interval.high < 0);
}

static void one_under_two_names_is_equal(void **state) {
    (void)state;
    static double first[ROWS], second[ROWS];
    draw();
    predict(drawn.good[0], first);
    predict(drawn.good[0], second);
    const Comparison c = compare(first, second);
    assert_true(c.difference == 0 && c.p == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_better_one_is_better),
        cmocka_unit_test(one_under_two_names_is_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
