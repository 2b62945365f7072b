/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of classification, several labels and regression: by hand, laws, and where they are not defined. The recorded
 * cases are in tests/e2e/stats.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/classification.h"
#include "stats/multilabel.h"
#include "stats/regression.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <string.h>

#define assert_near(got, want) assert_true(fabs((got) - (want)) < 1e-12)
enum { ROWS = 40, CLASSES = 3 };

static void draw_classes(double labels[ROWS], double probabilities[ROWS][CLASSES]) {
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, 0);
    for (int row = 0; row < ROWS; row++) {
        double sum = 0;
        labels[row] = random_below(&random, CLASSES);
        for (int c = 0; c < CLASSES; c++)
            sum += probabilities[row][c] = random_between(&random, 0.1, 1) + (c == (int)labels[row]) * 0.4;
        for (int c = 0; c < CLASSES; c++)
            probabilities[row][c] /= sum;
    }
}

/* Labels 0 0 1 1 1 1 2, predicted 0 1 1 1 2 0 2. */
static void classes_by_hand(void **state) {
    (void)state;
    const double labels[] = {0, 0, 1, 1, 1, 1, 2};
    const double probabilities[] = {0.8, 0.1, 0.1, 0.2, 0.6, 0.2, 0.1, 0.7, 0.2, 0.3, 0.4,
                                    0.3, 0.1, 0.4, 0.5, 0.5, 0.3, 0.2, 0.1, 0.3, 0.6};
    ClassificationFigures f;
    double aurocs[3];
    assert_fine(classification_measure(labels, probabilities, 7, 3, &f, aurocs));
    assert_near(f.accuracy, 4. / 7);
    assert_near(f.hamming, 3. / 7);
    assert_near(f.recall_macro, (1. / 2 + 2. / 4 + 1) / 3);
    assert_near(f.balanced_accuracy, f.recall_macro);
    assert_near(f.precision_macro, (1. / 2 + 2. / 3 + 1. / 2) / 3);
    assert_near(f.f1_macro, (2. / 4 + 4. / 7 + 2. / 3) / 3);
    assert_near(f.jaccard_macro, (1. / 3 + 2. / 5 + 1. / 2) / 3);
    /* By chance (2 * 2 + 4 * 3 + 1 * 2) / 49 agree. */
    assert_near(f.kappa, 1 - (3. / 7) / (1 - 18. / 49));
    /* Weights (a - b)^2: observed 3; expected (2 * (3 + 2 * 4) + 4 * (2 + 2) + 1 * (2 * 4 + 3)) / 7. */
    assert_near(f.kappa_quadratic, 1 - 3 / 7.);
    assert_near(f.mcc, (4 * 7 - 18) / sqrt((49 - 21.) * (49 - 17.)));
    assert_near(f.log_loss, -(log(0.8) + log(0.2) + log(0.7) + log(0.4) * 2 + log(0.3) + log(0.6)) / 7);
    assert_near(aurocs[0], 8. / 10); /* 0.2 loses to 0.3 and 0.5 */
    assert_true(isnan(f.auroc) && isnan(f.auprc) && isnan(f.brier));
}

static void two_classes_by_hand(void **state) {
    (void)state;
    const double labels[] = {0, 0, 1, 1, NAN}, probabilities[] = {0.9, 0.1, 0.6, 0.4, 0.65, 0.35, 0.2, 0.8, 0.5, 0.5};
    ClassificationFigures f;
    double aurocs[2];
    assert_fine(classification_measure(labels, probabilities, 5, 2, &f, aurocs));
    assert_near(f.accuracy, 0.75); /* the unknown row enters nothing */
    assert_near(f.auroc, 0.75);
    assert_near(f.auprc, (1 + 2. / 3) / 2);
    assert_near(f.brier, (0.01 + 0.16 + 0.65 * 0.65 + 0.04) / 4);
    /* Each p is alone in its bin but 0.35 and 0.4, which differ, too: 5/15 <= 0.35 < 6/15 <= 0.4. */
    assert_near(f.ece, (0.1 + 0.4 + 0.65 + 0.2) / 4);
}

static void rows_may_come_in_any_order(void **state) {
    (void)state;
    double labels[ROWS], probabilities[ROWS][CLASSES], turned[ROWS], turned_probabilities[ROWS][CLASSES];
    double aurocs[CLASSES], turned_aurocs[CLASSES];
    ClassificationFigures f, t;
    draw_classes(labels, probabilities);
    for (int row = 0; row < ROWS; row++) {
        const int64_t to = (int64_t)random_permute(1, 0, ROWS, (uint64_t)row);
        turned[to] = labels[row];
        memcpy(turned_probabilities[to], probabilities[row], sizeof probabilities[row]);
    }
    assert_fine(classification_measure(labels, *probabilities, ROWS, CLASSES, &f, aurocs));
    assert_fine(classification_measure(turned, *turned_probabilities, ROWS, CLASSES, &t, turned_aurocs));
    for (const Figure *figure = classification_figures; figure->name; figure++)
        if (!isnan(figure_value(&f, figure)))
            assert_near(figure_value(&t, figure), figure_value(&f, figure));
}

/* Renaming the classes changes nothing but what depends on their order. */
static void classes_may_have_other_numbers(void **state) {
    (void)state;
    double labels[ROWS], probabilities[ROWS][CLASSES], aurocs[CLASSES], turned_aurocs[CLASSES];
    ClassificationFigures f, t;
    draw_classes(labels, probabilities);
    assert_fine(classification_measure(labels, *probabilities, ROWS, CLASSES, &f, aurocs));
    for (int row = 0; row < ROWS; row++) {
        labels[row] = (int)(labels[row] + 1) % CLASSES;
        const double last = probabilities[row][CLASSES - 1];
        memmove(&probabilities[row][1], &probabilities[row][0], (CLASSES - 1) * sizeof last);
        probabilities[row][0] = last;
    }
    assert_fine(classification_measure(labels, *probabilities, ROWS, CLASSES, &t, turned_aurocs));
    for (int c = 0; c < CLASSES; c++)
        assert_true(turned_aurocs[(c + 1) % CLASSES] == aurocs[c]);
    assert_near(t.mcc, f.mcc);
    assert_near(t.kappa, f.kappa);
    assert_near(t.f1_macro, f.f1_macro);
    assert_near(t.log_loss, f.log_loss);
    assert_true(fabs(t.kappa_quadratic - f.kappa_quadratic) > 1e-3);
}

static void classes_without_rows(void **state) {
    (void)state;
    const double labels[] = {0, 2, 2}, probabilities[] = {0.6, 0.3, 0.1, 0.1, 0.2, 0.7, 0.2, 0.5, 0.3};
    ClassificationFigures f;
    double aurocs[3];
    assert_fine(classification_measure(labels, probabilities, 3, 3, &f, aurocs));
    assert_true(aurocs[0] == 1 && isnan(aurocs[1]) && aurocs[2] == 1);
    assert_true(isnan(f.auroc_macro_ovr) && isnan(f.auprc_macro) && isnan(f.f1_macro) && isnan(f.recall_macro));
    assert_near(f.accuracy, 2. / 3);
    assert_near(f.balanced_accuracy, 0.75);
    /* Nothing known at all. */
    const double unknown[] = {NAN};
    assert_fine(classification_measure(unknown, probabilities, 1, 3, &f, aurocs));
    for (const Figure *figure = classification_figures; figure->name; figure++)
        assert_true(isnan(figure_value(&f, figure)));
    /* One class, rightly predicted: chance agrees as well, so there is no kappa. */
    assert_fine(classification_measure(labels, probabilities, 1, 3, &f, aurocs));
    assert_true(f.accuracy == 1 && f.mcc == 0 && isnan(f.kappa) && isnan(aurocs[0]));
}

static void certain_mistakes_are_finite(void **state) {
    (void)state;
    const double labels[] = {1}, probabilities[] = {1, 0};
    ClassificationFigures f;
    double aurocs[2];
    assert_fine(classification_measure(labels, probabilities, 1, 2, &f, aurocs));
    assert_true(fabs(f.log_loss - 52 * log(2)) < 1e-9); /* a double's rounding error is 2^-52 */
}

static void labels_by_hand(void **state) {
    (void)state;
    const double labels[] = {1, 0, 0, 0, NAN, 0, 1, NAN, 0},
                 probabilities[] = {0.9, 0.1, 0.2, 0.5, 0.9, 0.1, 0.2, 0.3, 0.4};
    MultilabelFigures f;
    double aurocs[3];
    assert_fine(multilabel_measure(labels, probabilities, 3, 3, &f, aurocs));
    assert_near(aurocs[0], 0.5);
    assert_true(isnan(aurocs[1]) && isnan(aurocs[2]) && isnan(f.auroc_macro) && isnan(f.auprc_macro));
    /* Label 0: one hit, one false alarm, one miss; the others are never positive. 0.5 is positive. */
    assert_near(f.f1_macro, (2. / 4 + 0 + 0) / 3);
    assert_near(f.hamming, 2. / 7);
    const double unknown[] = {NAN, NAN, NAN};
    assert_fine(multilabel_measure(unknown, probabilities, 1, 3, &f, aurocs));
    assert_true(isnan(f.f1_macro) && isnan(f.hamming));
}

static void numbers_by_hand(void **state) {
    (void)state;
    const double labels[] = {1, 2, NAN, 4}, predictions[] = {1, 3, 100, 3};
    RegressionFigures f;
    assert_fine(regression_measure(labels, predictions, 4, &f));
    assert_near(f.mae, 2. / 3);
    assert_near(f.rmse, sqrt(2. / 3));
    /* Labels 1 2 4 about 7/3: squares 14/3; predictions 1 3 3 about 7/3: squares 8/3; products 10/3 - 2/3. */
    assert_near(f.r2, 1 - 2 / (14. / 3));
    const double products = 1 * 1 + 2 * 3 + 4 * 3 - 3 * (7. / 3) * (7. / 3);
    assert_near(f.pearson, products / sqrt(14. / 3 * 8 / 3));
    assert_near(f.spearman, 1.5 / sqrt(2 * 1.5)); /* ranks 1 2 3 and 1 2.5 2.5 */
    assert_near(f.calibration_slope, products / (8. / 3));
    assert_near(f.calibration_intercept, 7. / 3 - f.calibration_slope * 7 / 3);
    assert_near(f.spread, sqrt(8. / 14));
}

static void correlations_have_their_laws(void **state) {
    (void)state;
    double labels[ROWS], predictions[ROWS], bent[ROWS];
    Random random;
    random_start(&random, 2, RANDOM_TEST, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        labels[i] = random_normal(&random);
        predictions[i] = labels[i] + random_normal(&random);
        bent[i] = 3 - 2 * predictions[i];
    }
    RegressionFigures f, b;
    assert_fine(regression_measure(labels, predictions, ROWS, &f));
    assert_fine(regression_measure(labels, bent, ROWS, &b));
    assert_near(b.pearson, -f.pearson);
    assert_near(b.spearman, -f.spearman);
    assert_near(b.spread, 2 * f.spread);
    for (int i = 0; i < ROWS; i++)
        bent[i] = exp(predictions[i]);
    assert_fine(regression_measure(labels, bent, ROWS, &b));
    assert_near(b.spearman, f.spearman);
    assert_fine(regression_measure(labels, labels, ROWS, &f));
    assert_near(f.pearson, 1);
    assert_true(f.r2 == 1 && f.mae == 0);
}

/* 0.1 ten times has a mean that rounding takes off 0.1, and still no spread. */
static void constants_have_no_spread(void **state) {
    (void)state;
    double constant[10], varied[10];
    for (int i = 0; i < 10; i++) {
        constant[i] = 0.1;
        varied[i] = i;
    }
    RegressionFigures f;
    assert_fine(regression_measure(constant, varied, 10, &f));
    assert_true(isnan(f.r2) && isnan(f.pearson) && isnan(f.spearman) && isnan(f.spread));
    assert_true(f.calibration_slope == 0);
    assert_fine(regression_measure(varied, constant, 10, &f));
    assert_true(isnan(f.pearson) && isnan(f.calibration_slope) && isnan(f.calibration_intercept) && f.spread == 0);
    const double infinite[] = {INFINITY};
    assert_refused(regression_measure(varied, infinite, 1, &f), EXIT_DATA, "row 0 has the label 0 and the prediction");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_by_hand),
        cmocka_unit_test(two_classes_by_hand),
        cmocka_unit_test(rows_may_come_in_any_order),
        cmocka_unit_test(classes_may_have_other_numbers),
        cmocka_unit_test(classes_without_rows),
        cmocka_unit_test(certain_mistakes_are_finite),
        cmocka_unit_test(labels_by_hand),
        cmocka_unit_test(numbers_by_hand),
        cmocka_unit_test(correlations_have_their_laws),
        cmocka_unit_test(constants_have_no_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
