/* SPDX-License-Identifier: Apache-2.0 */
/* What probes are solved with. Products, tridiagonal matrices and losses against their definitions; at a solution the
 * objective, computed here from its definition, does not fall along any axis; and laws. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/logistic.h"
#include "stats/probe.h"
#include "stats/probe/loss.h"
#include "stats/probe/product.h"
#include "stats/probe/standardise.h"
#include "stats/probe/tridiagonal.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <string.h>

/* --- Parts -------------------------------------------------------------------------------------------------------- */

/* Deeper than what a tile keeps in the first cache at a time. */
static void products_are_sums(void **state) {
    (void)state;
    enum { DEEP = 268, STRIDE = 280, WIDE = 2 * PANEL, FROM = 8 };
    static double block[BLOCK * STRIDE], panel[DEEP * PANEL], out[BLOCK * WIDE], sums[DEEP * PANEL];
    Random random;
    random_start(&random, 2, RANDOM_TEST, 0, 0);
    assert_true(product_stride(DEEP) == STRIDE && product_stride(768) == 776 && product_stride(8) == 8);
    for (int i = 0; i < BLOCK * STRIDE; i++)
        block[i] = random_normal(&random);
    for (int i = 0; i < DEEP * PANEL; i++) {
        panel[i] = random_normal(&random);
        sums[i] = 1;
    }
    product_project(block, STRIDE, DEEP, panel, out, WIDE);
    product_gather(block, STRIDE, FROM, DEEP, out, WIDE, sums);
    for (int i = 0; i < BLOCK; i++)
        for (int k = 0; k < PANEL; k++) {
            double sum = 0;
            for (int j = 0; j < DEEP; j++)
                sum += block[i * STRIDE + j] * panel[j * PANEL + k];
            assert_true(fabs(out[i * WIDE + k] - sum) < 1e-12); /* 268 products of about 1 */
        }
    for (int j = 0; j < DEEP; j++)
        for (int k = 0; k < PANEL; k++) {
            double sum = 1;
            for (int i = 0; i < BLOCK && j >= FROM; i++)
                sum += block[i * STRIDE + j] * out[i * WIDE + k];
            assert_true(fabs(sums[j * PANEL + k] - sum) < 1e-11); /* 48 products of about 16 */
        }
    double sum = 0;
    for (int i = 0; i < 37; i++)
        sum += block[i] * panel[i];
    assert_true(fabs(product_dot(block, panel, 37) - sum) < 1e-13 && product_dot(block, panel, 0) == 0);
}

enum { MOST_SIZE = 210 };

/* A, a sum of `rank` squares, is Q T Q' with Q orthogonal, and (3 T + I) x = y is solved; with 2 threads to the bit. */
static void check_tridiagonal(int size, int rank) {
    static double matrix[MOST_SIZE * MOST_SIZE], copy[MOST_SIZE * MOST_SIZE], turn[2][MOST_SIZE * MOST_SIZE];
    static double shape[2][2 * MOST_SIZE], vector[MOST_SIZE], pivots[MOST_SIZE], x[MOST_SIZE], y[MOST_SIZE];
    Random random;
    random_start(&random, 3, RANDOM_TEST, (uint32_t)size, (uint64_t)rank);
    memset(matrix, 0, sizeof matrix);
    for (int r = 0; r < rank; r++) {
        for (int i = 0; i < size; i++)
            vector[i] = random_normal(&random);
        for (int i = 0; i < size * size; i++)
            matrix[i] += vector[i / size] * vector[i % size];
    }
    for (int threads = 1; threads <= 2; threads++) {
        memcpy(copy, matrix, sizeof copy);
        tridiagonal_reduce(copy, size, threads, turn[threads - 1], shape[threads - 1], shape[threads - 1] + size);
    }
    assert_memory_equal(turn[0], turn[1], (size_t)(size * size) * sizeof *turn[0]);
    assert_memory_equal(shape[0], shape[1], (size_t)(2 * size) * sizeof *shape[0]);
    const double *diagonal = shape[0], *next = shape[0] + size, *q = turn[0];
    assert_true(next[size - 1] == 0);
    for (int i = 0; i < size; i++)
        for (int j = 0; j < size; j++) {
            double same = 0, product = 0;
            for (int k = 0; k < size; k++) {
                double column = diagonal[k] * q[j * size + k]; /* T Q' */
                column += k ? next[k - 1] * q[j * size + k - 1] : 0;
                column += k + 1 < size ? next[k] * q[j * size + k + 1] : 0;
                same += q[i * size + k] * q[j * size + k];
                product += q[i * size + k] * column;
            }
            assert_true(fabs(same - (i == j)) < 1e-13);
            assert_true(fabs(product - matrix[i * size + j]) < 1e-12 * (rank + 1) * size);
        }
    for (int i = 0; i < size; i++)
        x[i] = y[i] = random_normal(&random);
    tridiagonal_factor(diagonal, next, size, 3, pivots);
    tridiagonal_solve(next, pivots, size, 3, x);
    for (int i = 0; i < size; i++) {
        double sum = x[i] + 3 * diagonal[i] * x[i];
        sum += (i ? 3 * next[i - 1] * x[i - 1] : 0) + (i + 1 < size ? 3 * next[i] * x[i + 1] : 0);
        assert_true(fabs(sum - y[i]) < 1e-11 * (rank + 1));
    }
}

static void tridiagonal_matrices(void **state) {
    (void)state;
    check_tridiagonal(1, 1);
    check_tridiagonal(2, 2);
    check_tridiagonal(5, 0);
    check_tridiagonal(9, 30);
    check_tridiagonal(24, 3);
    check_tridiagonal(MOST_SIZE, MOST_SIZE + 9); /* large enough for a second thread */
}

/* Central differences of step 1e-5: the third derivative takes some 1e-10, rounding 1e-11; 1e-8 leaves room. */
static void check_loss(LossKind kind, int logits, const double *targets, int count) {
    enum { MOST = 80 };
    double z[4 * MOST], slopes[4 * MOST], change[4 * MOST], moved[4 * MOST];
    Loss loss = {.kind = kind, .logits = logits, .targets = targets};
    Random random;
    random_start(&random, 4, RANDOM_TEST, (uint32_t)kind, (uint64_t)logits);
    assert_fine(loss_open(&loss, count));
    for (int i = 0; i < count * logits; i++)
        z[i] = 2 * random_normal(&random);
    for (int i = 0; i < count * logits; i++) {
        const double step = 1e-5;
        double sums[2][MOST + 1] = {{0}}, own[MOST + 1] = {0};
        for (int side = 0; side < 2; side++) {
            memcpy(moved, z, sizeof moved);
            moved[i] += side ? step : -step;
            loss_measure(&loss, 0, count, moved, logits, sums[side]);
        }
        memcpy(slopes, z, sizeof slopes);
        loss_measure(&loss, 0, count, slopes, logits, own);
        assert_true(fabs((sums[1][0] - sums[0][0]) / (2 * step) - slopes[i]) < 1e-8);
        /* What a change of this logit does to the derivatives, all others among them. */
        memset(change, 0, sizeof change);
        change[i] = 1;
        loss_bend(&loss, 0, count, change, logits);
        memcpy(moved, z, sizeof moved);
        moved[i] += step;
        double *above = moved, below[4 * MOST];
        memcpy(below, z, sizeof below);
        below[i] -= step;
        loss_measure(&loss, 0, count, above, logits, own);
        loss_measure(&loss, 0, count, below, logits, own);
        for (int j = 0; j < count * logits; j++)
            assert_true(fabs((above[j] - below[j]) / (2 * step) - change[j]) < 1e-8);
    }
    loss_close(&loss);
}

static void losses_have_their_derivatives(void **state) {
    (void)state;
    check_loss(LOSS_LOGISTIC, 1, (double[]){0, 1, NAN, 1}, 4);
    check_loss(LOSS_SQUARE, 1, (double[]){0.3, -2, NAN, 7}, 4);
    check_loss(LOSS_SOFTMAX, 3, (double[]){0, 2, NAN, 1}, 4);
    double many[80];
    for (int i = 0; i < 80; i++)
        many[i] = i % 2 ? i : 0;
    check_loss(LOSS_SOFTMAX, 80, many, 2); /* too many for axes */
}

/* The axes are orthonormal, one has all logits alike, and at probabilities equal to the shares the second derivatives
 * along them, diag(p) - p p', do not mix. */
static void axes_of_a_softmax(void **state) {
    (void)state;
    const double targets[] = {0, 1, 1, 2, NAN, 1, 3, 3, 1, 0}, shares[] = {2. / 9, 4. / 9, 1. / 9, 2. / 9};
    Loss loss = {.kind = LOSS_SOFTMAX, .logits = 4, .targets = targets};
    assert_fine(loss_open(&loss, 10));
    int alike = 0;
    double z[4], sums[5] = {0};
    for (int k = 0; k < 4; k++)
        z[k] = log(shares[k]);
    loss_measure(&loss, 0, 1, z, 4, sums);
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
            double same = 0, mixed = 0, mean[2] = {0};
            for (int k = 0; k < 4; k++) {
                same += loss.axes[4 * a + k] * loss.axes[4 * b + k];
                mixed += shares[k] * loss.axes[4 * a + k] * loss.axes[4 * b + k];
                mean[0] += shares[k] * loss.axes[4 * a + k];
                mean[1] += shares[k] * loss.axes[4 * b + k];
            }
            mixed -= mean[0] * mean[1];
            assert_true(fabs(same - (a == b)) < 1e-12 && (a == b || fabs(mixed) < 1e-9));
            assert_true(a != b || fabs(mixed - sums[1 + a]) < 1e-12);
            alike += a == b && fabs(fabs(loss.axes[4 * a]) - 0.5) < 1e-6 && fabs(mixed) < 1e-9;
        }
    assert_int_equal(alike, 1);
    loss_close(&loss);
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

/* A constant feature: a deviation of 1e-17, which rounding makes of 0.1 in a careless mean, would blow it up to 1. */
static void the_scale_of_features(void **state) {
    (void)state;
    const float features[] = {1, 0.1f, 3, 0.1f, 5, 0.1f, 100, 7};
    const uint8_t fit[] = {1, 1, 1, 0}, none[] = {0, 0, 0, 0};
    double mean[2], deviation[2];
    assert_fine(standardise_measure(features, 4, 2, fit, mean, deviation));
    assert_true(fabs(mean[0] - 3) < 1e-15 && fabs(deviation[0] - sqrt(8. / 3)) < 1e-15);
    assert_true(mean[1] == (double)0.1f && deviation[1] == 1);
    assert_refused(standardise_measure(features, 4, 2, none, mean, deviation), EXIT_DATA, "no row to fit");
    const float odd[] = {1, 2, NAN, 4};
    assert_refused(standardise_measure(odd, 2, 2, fit, mean, deviation), EXIT_DATA, "feature 0 of row 1 is");
}

/* --- Solutions ---------------------------------------------------------------------------------------------------- */

enum { TRAINS = 90, ROWS = TRAINS + 30, WIDTH = 7, MOST_CLASSES = 4, STRENGTHS = 3 };

typedef struct {
    float features[ROWS][WIDTH];
    double scaled[TRAINS][WIDTH]; /* standardised */
    double classes[ROWS], numbers[ROWS];
    int64_t split[ROWS];
    ProbeResult result;
} Drawn;

static void draw(int classes, Drawn *d) {
    Random random;
    random_start(&random, 1, RANDOM_TEST, 0, (uint64_t)classes);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < WIDTH; j++)
            d->features[i][j] = (float)random_normal(&random) + (j ? 0.8f * d->features[i][j - 1] : 0);
        d->numbers[i] = 3 + (double)d->features[i][0] - 2 * (double)d->features[i][2] + random_normal(&random);
        const double score = (double)d->features[i][0] - (double)d->features[i][3] + random_normal(&random);
        d->classes[i] = i % 60 < classes ? i % 60 : (int)fmin(fmax(score + classes / 2., 0), classes - 1);
        d->split[i] = i < TRAINS ? PROBE_TRAIN : PROBE_VAL;
    }
    for (int i = TRAINS; i < TRAINS + classes; i++)
        d->classes[i] = i - TRAINS;
    double mean[WIDTH], deviation[WIDTH];
    uint8_t fit[ROWS];
    for (int i = 0; i < ROWS; i++)
        fit[i] = i < TRAINS;
    assert_fine(standardise_measure(d->features[0], ROWS, WIDTH, fit, mean, deviation));
    for (int i = 0; i < TRAINS; i++)
        for (int j = 0; j < WIDTH; j++)
            d->scaled[i][j] = ((double)d->features[i][j] - mean[j]) / deviation[j];
}

static void solve(Drawn *d, ProbeTask task, int classes, const double *grid) {
    assert_fine(probe_run(&(ProbeInput){.task = task,
                                        .classes = classes,
                                        .features = d->features[0],
                                        .rows = ROWS,
                                        .width = WIDTH,
                                        .labels = task == PROBE_REGRESS ? d->numbers : d->classes,
                                        .outputs = 1,
                                        .split = d->split,
                                        .grid = grid,
                                        .strengths = STRENGTHS,
                                        .threads = 1},
                          &d->result));
}

/* The objective by its definition, of coefficients and intercepts at one strength, with one of them moved. */
static double find_objective(const Drawn *d, ProbeTask task, int s, double strength, int moved, double by) {
    const int logits = d->result.logits;
    double w[MOST_CLASSES * WIDTH], b[MOST_CLASSES], penalty = 0, losses = 0;
    memcpy(w, d->result.coefficients + s * logits * WIDTH, (size_t)(logits * WIDTH) * sizeof *w);
    memcpy(b, d->result.intercepts + s * logits, (size_t)logits * sizeof *b);
    *(moved < logits * WIDTH ? &w[moved] : &b[moved - logits * WIDTH]) += by;
    for (int i = 0; i < logits * WIDTH; i++)
        penalty += w[i] * w[i];
    for (int i = 0; i < TRAINS; i++) {
        double z[MOST_CLASSES], total = logits == 1;
        for (int k = 0; k < logits; k++) {
            z[k] = b[k];
            for (int j = 0; j < WIDTH; j++)
                z[k] += w[k * WIDTH + j] * d->scaled[i][j];
            total += exp(z[k]);
        }
        const int own = (int)d->classes[i];
        losses += task == PROBE_REGRESS ? (z[0] - d->numbers[i]) * (z[0] - d->numbers[i])
                  : logits == 1         ? log(total) - (own ? z[0] : 0)
                                        : log(total) - z[own];
    }
    return task == PROBE_REGRESS ? losses + strength * penalty : penalty / 2 + strength * losses;
}

/* Along each axis the objective is a parabola near the solution: by how much it falls on its way to the bottom follows
 * from three points. A fit may leave 1e-12 of the objective, which is also about what differences of it can tell at a
 * step of 1e-3; of ridge regression no more than the latter. */
static void check_solutions(const Drawn *d, ProbeTask task, const double *grid) {
    for (int s = 0; s < STRENGTHS; s++) {
        const double objective = find_objective(d, task, s, grid[s], 0, 0), step = 1e-3;
        assert_true(fabs(d->result.objectives[s] / objective - 1) < 1e-12);
        for (int i = 0; i < d->result.logits * (WIDTH + 1); i++) {
            const double above = find_objective(d, task, s, grid[s], i, step) - objective;
            const double below = find_objective(d, task, s, grid[s], i, -step) - objective;
            const double slope = (above - below) / (2 * step), bend = (above + below) / (step * step);
            assert_true(bend > 0 && slope * slope / (2 * bend) < 3e-12 * objective);
        }
    }
}

static void solutions_are_minima(void **state) {
    (void)state;
    const double strengths[] = {1e-4, 0.1, 30}, alphas[] = {1e-3, 1, 1e4};
    static Drawn d;
    for (int classes = 2; classes <= MOST_CLASSES; classes++) {
        draw(classes, &d);
        solve(&d, PROBE_MULTICLASS, classes, strengths);
        check_solutions(&d, PROBE_MULTICLASS, strengths);
        /* Only differences of intercepts matter, so their mean is 0; the weights' is, too, by the penalty. */
        for (int s = 0; s < STRENGTHS; s++)
            for (int j = 0; j <= WIDTH; j++) {
                double sum = 0;
                for (int k = 0; k < classes; k++)
                    sum += j < WIDTH ? d.result.coefficients[(s * classes + k) * WIDTH + j]
                                     : d.result.intercepts[s * classes + k];
                assert_true(fabs(sum) < 1e-9);
            }
        probe_free(&d.result);
    }
    draw(2, &d);
    solve(&d, PROBE_BINARY, 2, strengths);
    check_solutions(&d, PROBE_BINARY, strengths);
    probe_free(&d.result);
    solve(&d, PROBE_REGRESS, 1, alphas);
    check_solutions(&d, PROBE_REGRESS, alphas);
    /* The strongest penalty leaves next to nothing but the mean. */
    assert_true(fabs(d.result.coefficients[2 * WIDTH]) < 0.1 && d.result.coefficients[2] < -1);
    probe_free(&d.result);
}

/* The next strength starts where the one before ended: that leaves no trace but what a fit may leave. */
static void the_start_does_not_matter(void **state) {
    (void)state;
    const double up[] = {1e-3, 1, 10}, down[] = {100, 10, 1};
    static Drawn d, other;
    draw(3, &d);
    other = d;
    solve(&d, PROBE_MULTICLASS, 3, up);
    solve(&other, PROBE_MULTICLASS, 3, down);
    for (int i = 0; i < 3 * WIDTH; i++)
        assert_true(fabs(d.result.coefficients[3 * WIDTH + i] - other.result.coefficients[6 * WIDTH + i]) < 1e-5);
    probe_free(&d.result);
    probe_free(&other.result);
}

/* Labels turned around turn the logit around. */
static void classes_may_be_swapped(void **state) {
    (void)state;
    const double strengths[] = {0.01, 0.5, 5};
    static Drawn d, turned;
    draw(2, &d);
    turned = d;
    for (int i = 0; i < ROWS; i++)
        turned.classes[i] = 1 - d.classes[i];
    solve(&d, PROBE_BINARY, 2, strengths);
    solve(&turned, PROBE_BINARY, 2, strengths);
    for (int i = 0; i < STRENGTHS * WIDTH; i++)
        assert_true(fabs(d.result.coefficients[i] + turned.result.coefficients[i]) < 1e-9);
    probe_free(&d.result);
    probe_free(&turned.result);
}

/* Classes that a line separates have a minimum, thanks to the penalty alone, at any strength. */
static void separated_classes_have_a_solution(void **state) {
    (void)state;
    const double strengths[] = {1e-5, 1e-1, 1e5};
    static Drawn d;
    draw(2, &d);
    for (int i = 0; i < ROWS; i++)
        d.classes[i] = d.features[i][1] > 0;
    solve(&d, PROBE_BINARY, 2, strengths);
    check_solutions(&d, PROBE_BINARY, strengths);
    probe_free(&d.result);
}

/* More features than train rows, two that are the same and one that never changes: a penalty, however small, makes the
 * solution unique. Numbers that are all the same are met by the intercept. */
static void features_need_no_rank(void **state) {
    (void)state;
    const double alphas[] = {0.5, 1e-14, 1};
    static Drawn d;
    draw(2, &d);
    for (int i = 0; i < ROWS; i++) {
        d.features[i][1] = d.features[i][0];
        d.features[i][5] = 3;
        d.split[i] = i < 4 ? PROBE_TRAIN : PROBE_VAL;
    }
    solve(&d, PROBE_REGRESS, 1, alphas);
    for (int s = 0; s < STRENGTHS; s++) {
        const double *w = d.result.coefficients + s * WIDTH;
        assert_true(fabs(w[0] - w[1]) < 1e-12 && fabs(w[5]) < 1e-12 && isfinite(d.result.objectives[s]));
    }
    assert_true(d.result.objectives[1] < 1e-7);
    probe_free(&d.result);
    for (int i = 0; i < ROWS; i++)
        d.numbers[i] = 0.1;
    solve(&d, PROBE_REGRESS, 1, alphas);
    assert_true(fabs(d.result.intercepts[1] - 0.1) < 1e-15 && fabs(d.result.coefficients[0]) < 1e-15);
    probe_free(&d.result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_sums),
        cmocka_unit_test(tridiagonal_matrices),
        cmocka_unit_test(losses_have_their_derivatives),
        cmocka_unit_test(axes_of_a_softmax),
        cmocka_unit_test(probabilities_of_large_logits),
        cmocka_unit_test(the_scale_of_features),
        cmocka_unit_test(solutions_are_minima),
        cmocka_unit_test(the_start_does_not_matter),
        cmocka_unit_test(classes_may_be_swapped),
        cmocka_unit_test(separated_classes_have_a_solution),
        cmocka_unit_test(features_need_no_rank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
