/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of a model's outputs, against numbers worked out by hand, and which figure may choose the best checkpoint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/check.h"
#include "train/objective/scores.h"

#include <stdio.h>

enum { ROWS = 4 };

static const int64_t records[ROWS] = {3, 0, 1, 2};

/* The labels are the records', which the rows name in another order. */
static Targets make_targets(Task task, int classes, float *values, int columns) {
    static char first[] = "first", second[] = "second", *names[] = {first, second};
    static char text[] = "the test";
    return (Targets){.task = task,
                     .classes = classes,
                     .val = {.text = text, .names = names, .values = values, .count = ROWS, .columns = columns}};
}

static double figure(const Targets *targets, const float *logits, const char *name) {
    Validation validation = {0};
    assert_fine(scores_add_logits(targets, logits, records, ROWS, &validation));
    return validation_figure(&validation, name);
}

static void assert_near(double value, double wanted) {
    if (!(fabs(value - wanted) < 1e-6)) /* float outputs */
        fail_msg("%.9g instead of %.9g", value, wanted);
}

static void classes_are_scored_by_their_probabilities(void **state) {
    (void)state;
    float labels[ROWS] = {1, 2, NAN, 0};
    /* Of records 3, 0, 1, 2: right, right, wrong, not known. */
    const float logits[ROWS][3] = {{2, 1, 0}, {0, 1, 0}, {1, 0, 0}, {9, 9, 9}};
    const Targets targets = make_targets(TASK_CLASSIFY, 3, labels, 1);
    assert_near(figure(&targets, *logits, "accuracy"), 2.0 / 3);
    const double of_first = log(exp(2) + exp(1) + 1) - 2, of_second = log(2 + exp(1)) - 1, of_third = log(exp(1) + 2);
    assert_near(figure(&targets, *logits, "log_loss"), (of_first + of_second + of_third) / 3);
    assert_true(isnan(figure(&targets, *logits, "auroc")));
    assert_true(isnan(figure(&targets, *logits, "mae")));
}

/* Outputs far from 0: the probability of exceeding a class is 0 or 1. */
static void ordered_classes_follow_from_exceeding_each(void **state) {
    (void)state;
    float labels[ROWS] = {1, 2, 0, 0};
    const float logits[ROWS][2] = {{-40, -40}, {40, -40}, {40, 40}, {-40, 40}};
    const Targets targets = make_targets(TASK_ORDINAL, 3, labels, 1);
    /* Classes 0, 1, 2; the last row says "above 1, but not above 0": class 0 or 2 with the same share, of which the
     * first counts. */
    assert_near(figure(&targets, *logits, "accuracy"), 1);
    assert_near(figure(&targets, *logits, "kappa_quadratic"), 1);
    labels[0] = 2;
    assert_near(figure(&targets, *logits, "accuracy"), 0.75);
}

static void labels_are_scored_one_by_one(void **state) {
    (void)state;
    float labels[ROWS * 2] = {1, 0, 0, NAN, 0, 1, 1, 0};
    /* Rows of records 3, 0, 1, 2. */
    const float logits[ROWS][2] = {{3, -1}, {-1, -2}, {-2, 5}, {1, 4}};
    const Targets targets = make_targets(TASK_MULTILABEL, 2, labels, 2);
    assert_near(figure(&targets, *logits, "auroc_first"), 0.75); /* 3 and -1 above -2; -1 below 1 */
    assert_near(figure(&targets, *logits, "auroc_second"), 1);
    assert_near(figure(&targets, *logits, "auroc_macro"), 0.875);
    assert_near(figure(&targets, *logits, "hamming"), 2.0 / 7); /* of seven known cells -1 and 1 are wrong */
}

static void numbers_are_scored_in_their_own_unit(void **state) {
    (void)state;
    double mean[2] = {50, 1}, sd[2] = {10, 0.5};
    float labels[ROWS * 2] = {0, 1, 1, NAN, -1, 0, 2, 0}; /* of the first: 50, 60, 40, 70 */
    const float logits[ROWS][2] = {{2.1f, 0}, {0, 1}, {0.8f, 7}, {-1, 0.4f}};
    Targets targets = make_targets(TASK_REGRESS, 2, labels, 2);
    targets.mean = mean;
    targets.sd = sd;
    assert_near(figure(&targets, *logits, "mae_first"), 3.0 / 4);
    assert_near(figure(&targets, *logits, "mae_second"), 0.2 / 3);
    assert_near(figure(&targets, *logits, "mae"), (0.75 + 0.2 / 3) / 2);
    targets.classes = targets.val.columns = 1;
    float one[ROWS] = {0, 1, -1, 2};
    targets.val.values = one;
    const float single[ROWS] = {2.1f, 0, 0.8f, -1};
    assert_near(figure(&targets, single, "mae"), 0.75);
    assert_true(isnan(figure(&targets, single, "mae_first")));
}

static void a_metric_must_be_possible(void **state) {
    (void)state;
    static const struct {
        ObjectiveName objective;
        Task task;
        const char *metric, *message;
        float labels[ROWS];
        int classes;
        ExitCode code;
    } cases[] = {
        {OBJECTIVE_CLASSIFY, TASK_CLASSIFY, "", "", {0, 1, 0, 1}, 2, EXIT_OK},
        {OBJECTIVE_CLASSIFY, TASK_CLASSIFY, "auroc", "", {0, 1, 0, 1}, 2, EXIT_OK},
        {OBJECTIVE_CLASSIFY, TASK_CLASSIFY, "auroc", "is not defined for the first 3", {0, 0, 0, 1}, 2, EXIT_DATA},
        {OBJECTIVE_CLASSIFY, TASK_CLASSIFY, "auroc", "or it is for two classes alone", {0, 1, 2, 1}, 3, EXIT_DATA},
        {OBJECTIVE_CLASSIFY, TASK_CLASSIFY, "auroc_macro_ovr", "", {0, 1, 2, 1}, 3, EXIT_OK},
        {OBJECTIVE_CLASSIFY,
         TASK_CLASSIFY,
         "auroc_macro_ovr",
         "a class or label occurs in none",
         {0, 1, 1, 1},
         3,
         EXIT_DATA},
        {OBJECTIVE_CLASSIFY,
         TASK_CLASSIFY,
         "mae",
         "is no figure of train.objective = classify; it has accuracy,",
         {0, 1, 0, 1},
         2,
         EXIT_USAGE},
        {OBJECTIVE_ORDINAL, TASK_ORDINAL, "kappa_quadratic", "", {0, 1, 2, 1}, 3, EXIT_OK},
        {OBJECTIVE_REGRESS, TASK_REGRESS, "mae", "", {0, 1, 2, 1}, 1, EXIT_OK},
        {OBJECTIVE_REGRESS,
         TASK_REGRESS,
         "spread",
         "it has mae, rmse, r2, pearson, spearman",
         {0, 1, 2, 1},
         1,
         EXIT_USAGE},
        {OBJECTIVE_REGRESS, TASK_REGRESS, "r2", "they are all alike", {1, 1, 1, 2}, 1, EXIT_DATA},
        {OBJECTIVE_MULTILABEL, TASK_MULTILABEL, "auroc_macro", "occurs in none of them", {1, 1, NAN, 0}, 1, EXIT_DATA},
    };
    static Config config;
    double mean = 3, sd = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float labels[ROWS];
        memcpy(labels, cases[i].labels, sizeof labels);
        Targets targets = make_targets(cases[i].task, cases[i].classes, labels, 1);
        targets.mean = &mean;
        targets.sd = &sd;
        config.train.objective = cases[i].objective;
        config.val.every = 1;
        snprintf(config.data.val, sizeof config.data.val, "val");
        config.val.images = 3; /* the last one is not among them */
        snprintf(config.val.metric, sizeof config.val.metric, "%s", cases[i].metric);
        if (cases[i].code)
            assert_refused(scores_check(&config, &targets), cases[i].code, cases[i].message);
        else
            assert_fine(scores_check(&config, &targets));
    }
    const Targets planned = {.task = TASK_MULTILABEL, .classes = 2};
    assert_fine(scores_check(&config, &planned));
    config.data.val[0] = '\0';
    assert_refused(scores_check(&config, &planned), EXIT_USAGE, "needs validations: set data.val and val.every");
}

static void figures_fall_or_rise(void **state) {
    (void)state;
    static const struct {
        ObjectiveName objective;
        Task probe;
        const char *metric;
        bool falls;
    } cases[] = {{OBJECTIVE_REGRESS, TASK_CLASSIFY, "rmse", true},
                 {OBJECTIVE_REGRESS, TASK_CLASSIFY, "r2", false},
                 {OBJECTIVE_CLASSIFY, TASK_REGRESS, "log_loss", true},
                 {OBJECTIVE_ORDINAL, TASK_REGRESS, "kappa_quadratic", false},
                 {OBJECTIVE_MULTILABEL, TASK_REGRESS, "hamming", true},
                 {OBJECTIVE_MAE, TASK_REGRESS, "probe_mae", true},
                 {OBJECTIVE_MAE, TASK_CLASSIFY, "probe_auroc", false},
                 {OBJECTIVE_CLASSIFY, TASK_CLASSIFY, "", false}};
    static Config config;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        config.train.objective = cases[i].objective;
        config.probe.kind = cases[i].probe;
        snprintf(config.val.metric, sizeof config.val.metric, "%s", cases[i].metric);
        assert_true(scores_falls(&config) == cases[i].falls);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_scored_by_their_probabilities),
        cmocka_unit_test(ordered_classes_follow_from_exceeding_each),
        cmocka_unit_test(labels_are_scored_one_by_one),
        cmocka_unit_test(numbers_are_scored_in_their_own_unit),
        cmocka_unit_test(a_metric_must_be_possible),
        cmocka_unit_test(figures_fall_or_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
