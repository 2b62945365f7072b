/* SPDX-License-Identifier: Apache-2.0 */
/* Tail probabilities: against values of mpmath with 40 digits (0.5 erfc(z / sqrt 2), and half the regularised betainc
 * of freedom / (freedom + t^2)), which scipy 1.17 gives, too; closed forms; laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/distribution.h"

#include <math.h>
#include <stdbool.h>

/* The header's promise is 1e-12, 1e-11 for beta; what is compared here is better, so that a lost term shows. */
static bool near(double got, double want, double relative) {
    return fabs(got - want) <= relative * fabs(want);
}

static void recorded_values(void **state) {
    (void)state;
    static const struct {
        double t, freedom, above;
    } students[] = {
        {2.998, 7, 0.0099993147886007637},   {0.5, 7, 0.31620356784464211},  {-1.5, 7, 0.91135075650501498},
        {4.5, 9.73, 0.00061210995259446704}, {3, 2.5, 0.036288047774515922}, {12, 7, 3.1791551890925501e-6},
        {1.96, 1000, 0.025136592477874359},  {2, 1e6, 0.022750266925659604}, {0.1, 0.3, 0.47723101760206795},
        {8, 1e6, 6.22753171660126e-16},
    };
    for (size_t i = 0; i < sizeof students / sizeof *students; i++)
        assert_true(near(student_above(students[i].t, students[i].freedom), students[i].above, 1e-13));
    assert_true(near(student_above(20, 1e4), 1.3823262932703867e-87, 1e-12));
    assert_true(near(normal_above(0.5), 0.3085375387259869, 1e-15));
    assert_true(near(normal_above(-1), 0.84134474606854295, 1e-15));
    assert_true(near(normal_above(6), 9.8658764503769814e-10, 1e-14));
    assert_true(near(normal_above(20), 2.7536241186062337e-89, 3e-14));
    static const struct {
        double a, b, x, below;
    } betas[] = {
        {2.5, 0.5, 0.3, 0.018927124071945652},     {0.2, 3, 0.75, 0.99837254319435885},
        {50, 60, 0.4375, 0.36194603045063193},     {3, 4, 0.0009765625, 1.858555619647928e-8},
        {800, 3, 0.9921875, 0.050492586370684257},
    };
    for (size_t i = 0; i < sizeof betas / sizeof *betas; i++)
        assert_true(near(beta_below(betas[i].a, betas[i].b, betas[i].x, 1 - betas[i].x), betas[i].below, 1e-13));
}

/* One degree of freedom is Cauchy's distribution, two have a root. */
static void closed_forms(void **state) {
    (void)state;
    for (double t = -6; t <= 6; t += 0.37) {
        assert_true(near(student_above(t, 1), 0.5 - atan(t) / M_PI, 2e-14));
        assert_true(near(student_above(t, 2), 0.5 - t / (2 * sqrt(2 + t * t)), 1e-13));
    }
    for (double x = 0.05; x < 1; x += 0.09)
        for (double a = 0.3; a < 40; a *= 2.1) {
            assert_true(near(beta_below(a, 1, x, 1 - x), pow(x, a), 1e-13));
            assert_true(near(beta_below(1, a, x, 1 - x), -expm1(a * log1p(-x)), 1e-13));
        }
}

static void laws(void **state) {
    (void)state;
    for (double freedom = 0.4; freedom < 1e7; freedom *= 3.7) {
        assert_true(student_above(0, freedom) == 0.5);
        double before = 1;
        for (double t = -30; t <= 30; t += 0.7) {
            const double above = student_above(t, freedom);
            assert_true(near(above + student_above(-t, freedom), 1, 1e-14));
            assert_true(above <= before && above > 0);
            before = above;
        }
    }
    for (double x = 0.01; x < 1; x += 0.07)
        for (double a = 0.3; a < 3e3; a *= 4.3)
            assert_true(fabs(beta_below(a, 17, x, 1 - x) + beta_below(17, a, 1 - x, x) - 1) < 1e-12);
    assert_true(beta_below(2, 3, 0, 1) == 0 && beta_below(2, 3, 1, 0) == 1);
}

/* Where the series takes over from the fraction, and where the freedom has no end. */
static void the_seams_do_not_show(void **state) {
    (void)state;
    for (double t = -9; t <= 9; t += 0.61) {
        assert_true(near(student_above(t, nextafter(1e4, 0)), student_above(t, 1e4), 1e-12));
        assert_true(near(student_above(t, 1e18), normal_above(t), 1e-12));
        assert_true(student_above(t, INFINITY) == normal_above(t));
    }
    assert_true(near(student_above(1e100, 1), 1 / (M_PI * 1e100), 1e-12));
    assert_true(student_above(1e200, 1) == 0); /* its square overflows; the tail of 3e-201 is given up */
    assert_true(student_above(INFINITY, 3) == 0 && student_above(-INFINITY, 3) == 1);
}

static void what_is_not_defined(void **state) {
    (void)state;
    assert_true(isnan(student_above(1, 0)) && isnan(student_above(1, -3)) && isnan(student_above(NAN, 3)));
    assert_true(isnan(student_above(1, NAN)) && isnan(normal_above(NAN)));
    assert_true(isnan(beta_below(0, 1, 0.5, 0.5)) && isnan(beta_below(1, 1, 0.5, 0.6)));
    assert_true(isnan(beta_below(1, 1, -0.5, 1.5)) && isnan(beta_below(1e5, 1, 0.5, 0.5)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_values),       cmocka_unit_test(closed_forms),        cmocka_unit_test(laws),
        cmocka_unit_test(the_seams_do_not_show), cmocka_unit_test(what_is_not_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
