/* SPDX-License-Identifier: Apache-2.0 */
/* The main metric: which there are, what chance gives, and which rows it sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/score/main_metric.h"
#include "tests/fixtures/check.h"

#include <math.h>

#define assert_near(got, want) assert_true(fabs((got) - (want)) < 1e-12)

enum { ROWS = 10 };
static const int64_t split[ROWS] = {0, 0, 1, 1, 1, 1, 2, 2, 2, 2};
static const int64_t person[ROWS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
static const double labels[ROWS] = {0, 1, 0, 0, 1, 1, 0, 1, 0, 1};
static const double guesses[ROWS] = {NAN, NAN, 0.1, 0.2, 0.3, 0.9, 0.25, 0.6, 0.4, 0.35};

static EvalRows make_rows(EvalKind kind, int classes, int outputs) {
    return (EvalRows){.kind = kind,
                      .classes = classes,
                      .outputs = outputs,
                      .count = ROWS / outputs,
                      .labels = labels,
                      .split = split,
                      .person = person};
}

static double measure(const EvalRows *rows, const char *name, const double *values, ProbeSplit on) {
    MainMetric metric;
    double value;
    assert_fine(main_metric_find(rows, name, &metric));
    assert_fine(main_metric_measure(&metric, rows, rows->labels, values, on, &value));
    return value;
}

/* Test rows: 0.25 and 0.4 are negative, 0.6 and 0.35 positive. Val rows: 0.1 and 0.2 against 0.3 and 0.9. */
static void binary_by_hand(void **state) {
    (void)state;
    const EvalRows rows = make_rows(EVAL_BINARY, 2, 1);
    assert_near(measure(&rows, "auroc", guesses, PROBE_TEST), 0.75);
    assert_near(measure(&rows, "auroc", guesses, PROBE_VAL), 1);
    assert_near(measure(&rows, "accuracy", guesses, PROBE_TEST), 0.75); /* only 0.6 is over 0.5 */
    assert_near(measure(&rows, "balanced_accuracy", guesses, PROBE_TEST), 0.75);
    assert_near(measure(&rows, "brier", guesses, PROBE_TEST), (0.25 * 0.25 + 0.4 * 0.4 + 0.4 * 0.4 + 0.65 * 0.65) / 4);
}

/* Val's best threshold is 0.3, which no test row would choose; both positives and one of two negatives pass it. */
static void thresholds_are_chosen_on_val(void **state) {
    (void)state;
    const EvalRows rows = make_rows(EVAL_BINARY, 2, 1);
    assert_near(measure(&rows, "sensitivity_youden", guesses, PROBE_TEST), 1);
    assert_near(measure(&rows, "specificity_youden", guesses, PROBE_TEST), 0.5);
    assert_near(measure(&rows, "balanced_accuracy_youden", guesses, PROBE_TEST), 0.75);
    /* Rows of val below every test row: everyone is called positive. */
    double lower[ROWS];
    for (int i = 0; i < ROWS; i++)
        lower[i] = split[i] == PROBE_VAL ? guesses[i] / 10 : guesses[i];
    assert_near(measure(&rows, "specificity_youden", lower, PROBE_TEST), 0);
    assert_near(measure(&rows, "auroc", lower, PROBE_TEST), 0.75);
}

static void unknown_labels_are_left_out(void **state) {
    (void)state;
    EvalRows rows = make_rows(EVAL_BINARY, 2, 1);
    double some[ROWS];
    for (int i = 0; i < ROWS; i++)
        some[i] = i == 9 ? NAN : labels[i];
    rows.labels = some;
    assert_near(measure(&rows, "auroc", guesses, PROBE_TEST), 1);
    for (int i = 0; i < ROWS; i++)
        some[i] = 0;
    assert_true(isnan(measure(&rows, "auroc", guesses, PROBE_TEST))); /* one class */
}

static void other_kinds_by_hand(void **state) {
    (void)state;
    const EvalRows numbers = make_rows(EVAL_REGRESSION, 1, 1);
    assert_near(measure(&numbers, "mae", guesses, PROBE_TEST), (0.25 + 0.4 + 0.4 + 0.65) / 4);
    /* Two labels of five rows; the last three are 0 1 | 0 1, 0 1 as rows (0, 1). */
    const int64_t halves[] = {0, 1, 1, 2, 2};
    EvalRows several = make_rows(EVAL_MULTILABEL, 2, 2);
    several.split = halves;
    assert_near(measure(&several, "hamming", guesses, PROBE_TEST), 1. / 4); /* 0.35 for a 1 */
    EvalRows classes = make_rows(EVAL_ORDINAL, 3, 1);
    double each[ROWS][3] = {{0}};
    for (int i = 6; i < ROWS; i++)
        each[i][i == 9 ? 2 : (int)labels[i]] = 1;
    assert_near(measure(&classes, "accuracy", *each, PROBE_TEST), 0.75);
    /* One row of class 1 is called 2: observed 1; expected (2 (1 + 4) + 2 (2 + 1)) / 4. */
    assert_near(measure(&classes, "kappa_quadratic", *each, PROBE_TEST), 1 - 1 / 4.);
}

static void what_chance_gives(void **state) {
    (void)state;
    static const struct {
        EvalKind kind;
        const char *name;
        double chance;
        int sign;
    } wanted[] = {{EVAL_BINARY, "auroc", 0.5, 1},
                  {EVAL_BINARY, "balanced_accuracy", 0.5, 1},
                  {EVAL_BINARY, "balanced_accuracy_youden", 0.5, 1},
                  {EVAL_BINARY, "auprc", NAN, 1},
                  {EVAL_BINARY, "log_loss", NAN, -1},
                  {EVAL_BINARY, "mcc", 0, 1},
                  {EVAL_MULTICLASS, "auroc_macro_ovr", 0.5, 1},
                  {EVAL_MULTICLASS, "balanced_accuracy", 0.25, 1},
                  {EVAL_ORDINAL, "kappa_quadratic", 0, 1},
                  {EVAL_MULTILABEL, "auroc_macro", 0.5, 1},
                  {EVAL_MULTILABEL, "hamming", NAN, -1},
                  {EVAL_REGRESSION, "r2", 0, 1},
                  {EVAL_REGRESSION, "spearman", 0, 1},
                  {EVAL_REGRESSION, "mae", NAN, -1}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        MainMetric metric;
        const EvalRows rows = make_rows(wanted[i].kind, wanted[i].kind == EVAL_BINARY ? 2 : 4, 1);
        assert_fine(main_metric_find(&rows, wanted[i].name, &metric));
        assert_string_equal(metric.name, wanted[i].name);
        assert_int_equal(metric.sign, wanted[i].sign);
        assert_true(isnan(wanted[i].chance) ? isnan(metric.chance) : metric.chance == wanted[i].chance);
    }
}

static void what_is_no_metric(void **state) {
    (void)state;
    MainMetric metric = {"auroc", 0.5, 1};
    EvalRows rows = make_rows(EVAL_BINARY, 2, 1);
    double value;
    assert_refused(main_metric_measure(&metric, &rows, labels, guesses, PROBE_TRAIN, &value), EXIT_DATA,
                   "row 0 has the prediction nan");
    assert_refused(main_metric_find(&rows, "AUC", &metric), EXIT_USAGE,
                   "no metric AUC of this kind of task; choose one of accuracy, balanced_accuracy,");
    assert_refused(main_metric_find(&rows, "threshold_youden", &metric), EXIT_USAGE, "specificity_spec90");
    assert_refused(main_metric_find(&rows, "mae", &metric), EXIT_USAGE, "no metric mae");
    rows = make_rows(EVAL_MULTICLASS, 3, 1);
    assert_refused(main_metric_find(&rows, "auroc", &metric), EXIT_USAGE, "auroc_macro_ovr");
    assert_refused(main_metric_find(&rows, "sensitivity_youden", &metric), EXIT_USAGE, "no metric sens");
    rows = make_rows(EVAL_REGRESSION, 1, 1);
    assert_refused(main_metric_find(&rows, "spread", &metric), EXIT_USAGE, "choose one of mae, rmse, r2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_by_hand),      cmocka_unit_test(thresholds_are_chosen_on_val),
        cmocka_unit_test(other_kinds_by_hand), cmocka_unit_test(unknown_labels_are_left_out),
        cmocka_unit_test(what_chance_gives),   cmocka_unit_test(what_is_no_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
