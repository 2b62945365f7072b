/* SPDX-License-Identifier: Apache-2.0 */
/* Ridge and logistic regression: at the solution the objective, computed here from its definition, does not fall in any
 * direction; the objective is that; and laws. Bits do not depend on the number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/dense.h"
#include "stats/logistic.h"
#include "stats/ridge.h"
#include "stats/standardise.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <string.h>

enum { ROWS = 90, WIDTH = 7, MOST_CLASSES = 4, STRIDE = WIDTH + 1 };

typedef struct {
    double features[ROWS][WIDTH], numbers[ROWS];
    int classes[ROWS];
} Drawn;

static Drawn draw(int classes) {
    Drawn d;
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, (uint64_t)classes);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < WIDTH; j++)
            d.features[i][j] = random_normal(&random) + (j ? 0.8 * d.features[i][j - 1] : 0);
        d.numbers[i] = 3 + d.features[i][0] - 2 * d.features[i][2] + random_normal(&random);
        const double score = d.features[i][0] - d.features[i][3] + random_normal(&random);
        d.classes[i] = i < classes ? i : (int)fmin(fmax(score + classes / 2., 0), classes - 1);
    }
    return d;
}

/* Its definition, by sums over all. */
static double logistic_objective(const Drawn *d, int logits, double c, const double *weights) {
    double objective = 0;
    for (int k = 0; k < logits; k++)
        for (int j = 0; j < WIDTH; j++)
            objective += weights[k * STRIDE + j] * weights[k * STRIDE + j] / 2;
    for (int i = 0; i < ROWS; i++) {
        double z[MOST_CLASSES], total = logits == 1;
        for (int k = 0; k < logits; k++) {
            z[k] = weights[k * STRIDE + WIDTH];
            for (int j = 0; j < WIDTH; j++)
                z[k] += weights[k * STRIDE + j] * d->features[i][j];
            total += exp(z[k]);
        }
        const double own = logits == 1 ? (d->classes[i] ? z[0] : 0) : z[d->classes[i]];
        objective += c * (log(total) - own);
    }
    return objective;
}

static double fit_logistic(const Drawn *d, int logits, double c, int threads, double *weights) {
    double objective;
    assert_fine(logistic_fit(&(LogisticInput){.features = d->features[0],
                                              .labels = d->classes,
                                              .rows = ROWS,
                                              .width = WIDTH,
                                              .logits = logits,
                                              .threads = threads},
                             c, weights, &objective));
    return objective;
}

/* Central differences of step 1e-5: the third derivative takes some 1e-10 of the objective, rounding 1e-11 of it; 1e-8
 * leaves room. The gradient of a solution that is off by 1e-6 of its weights would be about 1e-6. */
static void the_logistic_gradient_is_zero(void **state) {
    (void)state;
    const double strengths[] = {1e-4, 0.1, 30}, step = 1e-5;
    for (int logits = 1; logits <= MOST_CLASSES; logits++)
        for (int s = 0; s < 3; s++) {
            const Drawn d = draw(logits == 1 ? 2 : logits);
            double weights[MOST_CLASSES * STRIDE] = {0};
            const double objective = fit_logistic(&d, logits, strengths[s], 1, weights);
            assert_true(fabs(objective / logistic_objective(&d, logits, strengths[s], weights) - 1) < 1e-12);
            for (int i = 0; i < logits * STRIDE; i++) {
                const double kept = weights[i];
                weights[i] = kept + step;
                const double above = logistic_objective(&d, logits, strengths[s], weights);
                weights[i] = kept - step;
                const double below = logistic_objective(&d, logits, strengths[s], weights);
                weights[i] = kept;
                assert_true(fabs(above - below) / (2 * step) < 1e-8 * fmax(1, objective));
            }
        }
}

static void the_start_does_not_matter(void **state) {
    (void)state;
    const Drawn d = draw(3);
    double from_zero[3 * STRIDE] = {0}, from_far[3 * STRIDE];
    for (int i = 0; i < 3 * STRIDE; i++)
        from_far[i] = i % 5 - 2;
    fit_logistic(&d, 3, 1, 1, from_zero);
    fit_logistic(&d, 3, 1, 1, from_far);
    for (int i = 0; i < 3 * STRIDE; i++)
        assert_true(fabs(from_far[i] - from_zero[i]) < 1e-6);
    /* Only differences of intercepts matter, so their mean is 0; the weights' is, too, by the penalty. */
    for (int j = 0; j < STRIDE; j++)
        assert_true(fabs(from_zero[j] + from_zero[STRIDE + j] + from_zero[2 * STRIDE + j]) < 1e-9);
}

/* Labels turned around turn the logit around. */
static void classes_may_be_swapped(void **state) {
    (void)state;
    Drawn d = draw(2);
    double weights[STRIDE] = {0}, turned[STRIDE] = {0};
    fit_logistic(&d, 1, 0.5, 1, weights);
    for (int i = 0; i < ROWS; i++)
        d.classes[i] = 1 - d.classes[i];
    fit_logistic(&d, 1, 0.5, 1, turned);
    for (int i = 0; i < STRIDE; i++)
        assert_true(fabs(turned[i] + weights[i]) < 1e-9);
}

/* Classes that a line separates have a minimum, thanks to the penalty alone, at any strength. */
static void separated_classes_have_a_solution(void **state) {
    (void)state;
    Drawn d = draw(2);
    for (int i = 0; i < ROWS; i++)
        d.classes[i] = d.features[i][1] > 0;
    double weights[STRIDE] = {0};
    for (double c = 1e-5; c < 2e5; c *= 100) {
        const double objective = fit_logistic(&d, 1, c, 1, weights);
        assert_true(isfinite(objective) && isfinite(weights[0]));
    }
}

static void probabilities_of_large_logits(void **state) {
    (void)state;
    const double logits[] = {-800, 0, 800};
    double one[6], three[3];
    logistic_probabilities(logits, 3, 1, one);
    assert_true(one[0] == 1 && one[1] == 0 && one[2] == 0.5 && one[4] == 0 && one[5] == 1);
    logistic_probabilities(logits, 1, 3, three);
    assert_true(three[0] == 0 && three[2] == 1);
}

static void ridge_solves_its_equations(void **state) {
    (void)state;
    const Drawn d = draw(2);
    const double alphas[] = {1e-3, 1, 1e4};
    double weights[3][STRIDE], objectives[3];
    assert_fine(ridge_fit(&(RidgeInput){.features = d.features[0],
                                        .labels = d.numbers,
                                        .rows = ROWS,
                                        .width = WIDTH,
                                        .alphas = alphas,
                                        .count = 3,
                                        .threads = 1},
                          weights[0], objectives));
    for (int a = 0; a < 3; a++) {
        double gradient[STRIDE] = {0}, objective = 0;
        for (int i = 0; i < ROWS; i++) {
            double miss = weights[a][WIDTH] - d.numbers[i];
            for (int j = 0; j < WIDTH; j++)
                miss += weights[a][j] * d.features[i][j];
            for (int j = 0; j < WIDTH; j++)
                gradient[j] += miss * d.features[i][j];
            gradient[WIDTH] += miss;
            objective += miss * miss;
        }
        for (int j = 0; j < WIDTH; j++) {
            gradient[j] += alphas[a] * weights[a][j];
            objective += alphas[a] * weights[a][j] * weights[a][j];
        }
        for (int j = 0; j < STRIDE; j++)
            assert_true(fabs(gradient[j]) < 1e-10);
        assert_true(fabs(objectives[a] / objective - 1) < 1e-12);
    }
    /* The strongest penalty leaves next to nothing but the mean. */
    assert_true(fabs(weights[2][0]) < 0.1 && fabs(weights[0][2] + 2) < 0.5);
}

/* More features than rows, and two that are the same: the penalty alone makes the solution unique. */
static void ridge_needs_no_rank(void **state) {
    (void)state;
    double features[3][WIDTH] = {{1, 1, 2, 0, 3, 0, 0}, {0, 0, 1, 0, 1, 2, 0}, {2, 2, 0, 0, 1, 1, 0}};
    const double labels[] = {1, 2, 4}, alphas[] = {0.5};
    double weights[STRIDE], objective;
    assert_fine(ridge_fit(&(RidgeInput){.features = features[0],
                                        .labels = labels,
                                        .rows = 3,
                                        .width = WIDTH,
                                        .alphas = alphas,
                                        .count = 1,
                                        .threads = 1},
                          weights, &objective));
    assert_true(fabs(weights[0] - weights[1]) < 1e-12 && weights[3] == 0 && weights[6] == 0);
}

/* Large enough that threads start: rows * width * count above 200,000. */
static void threads_do_not_change_bits(void **state) {
    (void)state;
    enum { TALL = 700, WIDE = 150, VECTORS = 3 };
    static double a[TALL * WIDE], vectors[VECTORS * (WIDE + 1)], weights[TALL * VECTORS];
    static double products[2][TALL * VECTORS], sums[2][VECTORS * (WIDE + 1)];
    Random random;
    random_start(&random, 2, RANDOM_TEST, 0, 0);
    for (int i = 0; i < TALL * WIDE; i++)
        a[i] = random_normal(&random);
    for (int i = 0; i < VECTORS * (WIDE + 1); i++)
        vectors[i] = random_normal(&random);
    for (int i = 0; i < TALL * VECTORS; i++)
        weights[i] = random_normal(&random);
    for (int run = 0; run < 2; run++) {
        dense_project(a, TALL, WIDE, vectors, VECTORS, run ? 3 : 1, products[run]);
        dense_gather(a, TALL, WIDE, weights, VECTORS, run ? 3 : 1, sums[run]);
    }
    assert_memory_equal(products[0], products[1], sizeof products[0]);
    assert_memory_equal(sums[0], sums[1], sizeof sums[0]);
    /* And they are the sums. */
    double product = vectors[2 * (WIDE + 1) + WIDE], sum = 0, ones = 0;
    for (int j = 0; j < WIDE; j++)
        product += a[5 * WIDE + j] * vectors[2 * (WIDE + 1) + j];
    for (int i = 0; i < TALL; i++) {
        sum += a[i * WIDE + 140] * weights[i * VECTORS + 1];
        ones += weights[i * VECTORS + 1];
    }
    assert_true(fabs(products[0][5 * VECTORS + 2] - product) < 1e-12);
    assert_true(fabs(sums[0][WIDE + 1 + 140] - sum) < 1e-12 && fabs(sums[0][WIDE + 1 + WIDE] - ones) < 1e-12);
}

/* A constant feature: a deviation of 1e-17, which rounding makes of 0.1 in a careless mean, would blow it up to 1. */
static void standardised_features(void **state) {
    (void)state;
    const float features[] = {1, 0.1f, 3, 0.1f, 5, 0.1f, 100, 7};
    const uint8_t fit[] = {1, 1, 1, 0}, none[] = {0, 0, 0, 0};
    double out[8];
    assert_fine(standardise(features, 4, 2, fit, out));
    const double deviation = sqrt(8. / 3);
    assert_true(fabs(out[0] + 2 / deviation) < 1e-15 && out[2] == 0 && fabs(out[6] - 97 / deviation) < 1e-12);
    assert_true(out[1] == 0 && out[3] == 0 && out[5] == 0 && out[7] == (double)7 - (double)0.1f);
    assert_refused(standardise(features, 4, 2, none, out), EXIT_DATA, "no row to fit");
    const float odd[] = {1, 2, NAN, 4};
    assert_refused(standardise(odd, 2, 2, fit, out), EXIT_DATA, "feature 0 of row 1 is");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_logistic_gradient_is_zero), cmocka_unit_test(the_start_does_not_matter),
        cmocka_unit_test(classes_may_be_swapped),        cmocka_unit_test(separated_classes_have_a_solution),
        cmocka_unit_test(probabilities_of_large_logits), cmocka_unit_test(ridge_solves_its_equations),
        cmocka_unit_test(ridge_needs_no_rank),           cmocka_unit_test(threads_do_not_change_bits),
        cmocka_unit_test(standardised_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
