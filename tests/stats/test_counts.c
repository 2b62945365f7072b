/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that count several times: every figure is that of as many copies of the row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/calibration.h"
#include "stats/classification.h"
#include "stats/multilabel.h"
#include "stats/regression.h"
#include "stats/threshold.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>

enum { ROWS = 80, COPIES = 4, CLASSES = 3 };

typedef struct {
    int64_t rows;
    double labels[ROWS * COPIES * CLASSES], values[ROWS * COPIES * CLASSES];
} Rows;

/* Labels 0 and 1, one in eight not known; values from 0 to 1 with ties. */
static void draw_rows(Rows *rows, int width, int32_t times[ROWS]) {
    Random random;
    random_start(&random, 11, RANDOM_TEST, 0, 0);
    rows->rows = ROWS;
    for (int i = 0; i < ROWS * width; i++) {
        const double label = random_below(&random, 2);
        rows->labels[i] = random_below(&random, 8) ? label : NAN;
        rows->values[i] = (1 + random_below(&random, 14) + 6 * label) / 21;
    }
    for (int row = 0; row < ROWS; row++)
        times[row] = (int32_t)random_below(&random, COPIES + 1);
}

static void copy_rows(const Rows *from, const int32_t times[ROWS], int labels, int values, Rows *to) {
    to->rows = 0;
    for (int row = 0; row < ROWS; row++)
        for (int copy = 0; copy < times[row]; copy++) {
            for (int i = 0; i < labels; i++)
                to->labels[to->rows * labels + i] = from->labels[row * labels + i];
            for (int i = 0; i < values; i++)
                to->values[to->rows * values + i] = from->values[row * values + i];
            to->rows++;
        }
}

/* Sums in another order: 1e-12 of the value. The calibration's line ends where its solver does, 1e-9. */
static void assert_same(const Figure *table, const void *got, const void *want) {
    for (const Figure *figure = table; figure->name; figure++) {
        const double a = figure_value(got, figure), b = figure_value(want, figure);
        const double bound = table == calibration_figures ? 1e-9 : 1e-12;
        if (!(isnan(a) && isnan(b)) && !(fabs(a - b) <= bound * fmax(1, fabs(b))))
            fail_msg("%s: %.17g, not %.17g", figure->name, a, b);
    }
}

static void make_classes(Rows *rows) {
    for (int row = 0; row < ROWS; row++) {
        double sum = 0;
        for (int c = 0; c < CLASSES; c++)
            sum += rows->values[row * CLASSES + c];
        for (int c = 0; c < CLASSES; c++)
            rows->values[row * CLASSES + c] /= sum;
        if (!isnan(rows->labels[row]))
            rows->labels[row] += rows->values[row * CLASSES] > 0.33;
    }
}

static void of_classes(void **state) {
    (void)state;
    Rows rows, copies;
    int32_t times[ROWS];
    double got_each[CLASSES], want_each[CLASSES];
    ClassificationFigures got, want;
    Classification *classes;
    draw_rows(&rows, CLASSES, times);
    make_classes(&rows);
    copy_rows(&rows, times, 1, CLASSES, &copies);
    assert_fine(classification_open(rows.labels, rows.values, ROWS, CLASSES, &classes));
    assert_fine(classification_count(classes, times, &got, got_each));
    assert_fine(classification_measure(copies.labels, copies.values, copies.rows, CLASSES, &want, want_each));
    assert_same(classification_figures, &got, &want);
    for (int c = 0; c < CLASSES; c++)
        assert_true(got_each[c] == want_each[c] && got_each[c] > 0);
    classification_free(classes);
}

static void of_a_label(void **state) {
    (void)state;
    Rows rows, copies;
    int32_t times[ROWS];
    CalibrationFigures got, want;
    Calibration *calibration;
    draw_rows(&rows, 1, times);
    copy_rows(&rows, times, 1, 1, &copies);
    assert_fine(calibration_open(rows.labels, rows.values, ROWS, &calibration));
    assert_fine(calibration_count(calibration, times, &got));
    assert_fine(calibration_measure(copies.labels, copies.values, copies.rows, &want));
    assert_true(isfinite(want.calibration_slope));
    assert_same(calibration_figures, &got, &want);
    calibration_free(calibration);
    ThresholdFigures few, many;
    assert_fine(thresholds_choose(rows.labels, rows.values, ROWS, &few));
    many = few;
    assert_fine(thresholds_measure(rows.labels, rows.values, times, ROWS, &few));
    assert_fine(thresholds_measure(copies.labels, copies.values, NULL, copies.rows, &many));
    assert_same(threshold_figures, &few, &many);
    NetBenefit once, copied;
    assert_fine(threshold_net_benefit(rows.labels, rows.values, times, ROWS, 0.4, &once));
    assert_fine(threshold_net_benefit(copies.labels, copies.values, NULL, copies.rows, 0.4, &copied));
    assert_true(once.model == copied.model && once.everyone == copied.everyone);
}

static void of_several_labels(void **state) {
    (void)state;
    Rows rows, copies;
    int32_t times[ROWS];
    double got_each[CLASSES], want_each[CLASSES];
    MultilabelFigures got, want;
    Multilabel *labels;
    draw_rows(&rows, CLASSES, times);
    copy_rows(&rows, times, CLASSES, CLASSES, &copies);
    assert_fine(multilabel_open(rows.labels, rows.values, ROWS, CLASSES, &labels));
    assert_fine(multilabel_count(labels, times, &got, got_each));
    assert_fine(multilabel_measure(copies.labels, copies.values, copies.rows, CLASSES, &want, want_each));
    assert_same(multilabel_figures, &got, &want);
    for (int c = 0; c < CLASSES; c++)
        assert_true(got_each[c] == want_each[c]);
    multilabel_free(labels);
}

static void of_numbers(void **state) {
    (void)state;
    Rows rows, copies;
    int32_t times[ROWS];
    RegressionFigures got, want;
    Regression *numbers;
    draw_rows(&rows, 1, times);
    for (int row = 0; row < ROWS; row++)
        rows.labels[row] += rows.values[ROWS - 1 - row]; /* ties in both */
    copy_rows(&rows, times, 1, 1, &copies);
    assert_fine(regression_open(rows.labels, rows.values, ROWS, &numbers));
    assert_fine(regression_count(numbers, times, &got));
    assert_fine(regression_measure(copies.labels, copies.values, copies.rows, &want));
    assert_same(regression_figures, &got, &want);
    regression_free(numbers);
}

/* No row at all, and one row often, which has no spread. */
static void of_nothing(void **state) {
    (void)state;
    Rows rows;
    int32_t times[ROWS], none[ROWS] = {0};
    RegressionFigures f;
    Regression *numbers;
    draw_rows(&rows, 1, times);
    assert_fine(regression_open(rows.labels, rows.values, ROWS, &numbers));
    assert_fine(regression_count(numbers, none, &f));
    for (const Figure *figure = regression_figures; figure->name; figure++)
        assert_true(isnan(figure_value(&f, figure)));
    none[0] = 3;
    rows.labels[0] = 0.1;
    regression_free(numbers);
    assert_fine(regression_open(rows.labels, rows.values, ROWS, &numbers));
    assert_fine(regression_count(numbers, none, &f));
    assert_true(isfinite(f.mae) && isnan(f.pearson) && isnan(f.spearman) && isnan(f.r2));
    regression_free(numbers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_classes), cmocka_unit_test(of_a_label), cmocka_unit_test(of_several_labels),
        cmocka_unit_test(of_numbers), cmocka_unit_test(of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
