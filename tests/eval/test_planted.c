/* SPDX-License-Identifier: Apache-2.0 */
/* The leakage control on procedures with planted mistakes, and on data with nothing to learn. With FOVEA_LONG 500 null
 * data sets give the distribution of p. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/adapt/linear.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/planted.h"

#include <stdlib.h>

static void choice_on_test_is_caught(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    static const struct {
        Procedure procedure;
        const char *metric;
        bool caught;
    } rows[] = {{BEST_ON_TEST, "auroc", true},
                {BEST_ON_TEST, "brier", true},
                {CUT_ON_TEST, "balanced_accuracy", true},
                {CUT_ON_TEST, "mcc", true},
                {CUT_ON_VAL, "balanced_accuracy", false},
                {CUT_ON_VAL, "kappa", false}};
    draw_set(&d, 120, 0, false, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ControlResult r;
        plant(&p, rows[i].procedure, &d);
        const ControlInput input = input_of(&d, &p.adapter, rows[i].metric, 99);
        assert_fine(control_run(&input, &r));
        assert_int_equal(r.verdict, rows[i].caught ? CONTROL_LEAKING : CONTROL_CLEAN);
        assert_int_equal(has_reason(&r, "scramble: "), rows[i].caught);
        assert_false(has_reason(&r, "people: ") || has_reason(&r, "copies: "));
        assert_int_equal(has_reason(&r, "nothing learnt: "), !rows[i].caught);
        control_free(&r);
    }
}

/* Both eyes of 200 people, one in train, the other in val or test; 256 columns tell who it is. */
static void split_eyes_are_caught(void **state) {
    (void)state;
    enum { PEOPLE = 200, COLUMNS = 256 };
    static Drawn d;
    static float features[2 * PEOPLE][COLUMNS];
    ControlResult r;
    Adapter *linear;
    Random random;
    draw_set(&d, PEOPLE, 0, false, 3);
    random_start(&random, 6, RANDOM_TEST, 3, 0);
    for (int row = 0; row < 2 * PEOPLE; row++) {
        d.split[row] = row % 2 == 0 ? PROBE_TRAIN : row % 8 == 1 ? PROBE_VAL : PROBE_TEST;
        for (int j = 0; j < COLUMNS; j++)
            features[row][j] = (float)random_normal(&random) * 0.3f + (row % 2 ? features[row - 1][j] : 0);
        for (int j = 0; j < COLUMNS && row % 2 == 0; j++)
            features[row][j] = (float)random_normal(&random);
    }
    assert_fine(linear_open(features[0], COLUMNS, 1, &linear));
    const ControlInput input = input_of(&d, linear, "auroc", 19);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_LEAKING);
    assert_true(has_reason(&r, "people: 200 are on two sides") && has_reason(&r, "scramble: "));
    assert_true(r.null_mean > 0.9 && fabs(r.null_chance - 0.5) < 0.05);
    control_free(&r);
    linear->close(linear);
}

static int compare_reals(const void *a, const void *b) {
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Nothing to learn: none is leaking, and p is as if drawn. The standard errors that a null set's mean is over chance by
 * are normal: of 500, one passes 3.4 in one of six runs, and 4 in one of 60. */
static void null_sets(void **state) {
    (void)state;
    enum { SETS = 500, FEW_SETS = 8 };
    static Drawn d;
    double p[SETS], farthest = -INFINITY, distance = 0;
    const int sets = getenv("FOVEA_LONG") ? SETS : FEW_SETS;
    int learnt = 0;
    for (int i = 0; i < sets; i++) {
        ControlResult r;
        Adapter *linear;
        draw_set(&d, 60, 0, false, 1000 + (uint64_t)i);
        assert_fine(linear_open(d.features[0], WIDTH, 1, &linear));
        ControlInput input = input_of(&d, linear, "auroc", sets == SETS ? 199 : 39);
        input.seed = (uint64_t)i;
        assert_fine(control_run(&input, &r));
        assert_int_not_equal(r.verdict, CONTROL_LEAKING);
        farthest = fmax(farthest, r.excess / r.excess_error);
        learnt += r.p <= 0.05;
        p[i] = r.p;
        control_free(&r);
        linear->close(linear);
    }
    qsort(p, (size_t)sets, sizeof *p, compare_reals);
    for (int i = 0; i < sets; i++)
        distance = fmax(distance, fmax((i + 1.0) / sets - p[i], p[i] - (double)i / sets));
    print_message("# %d null sets: p <= 0.05 in %.1f %%, KS distance %.3f, at most %.2f standard errors over chance\n",
                  sets, 100.0 * learnt / sets, distance, farthest);
    if (sets != SETS)
        return;
    /* Binomial, 5 +- 1 %; Kolmogorov's distance of 500 has 0.073 in one of a hundred. */
    assert_true(learnt >= 0.02 * SETS && learnt <= 0.08 * SETS);
    assert_true(distance < 0.073);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(choice_on_test_is_caught),
        cmocka_unit_test(split_eyes_are_caught),
        cmocka_unit_test(null_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
