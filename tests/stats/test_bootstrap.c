/* SPDX-License-Identifier: Apache-2.0 */
/* The bootstrap over people: who is drawn, and the interval that replicates give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/bootstrap.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>

enum { PEOPLE = 30, ROWS = 2 * PEOPLE, REPLICATES = 200 };

static const int64_t *make_people(void) {
    static int64_t people[ROWS];
    for (int row = 0; row < ROWS; row++)
        people[row] = 1000 - row / 2 * 7;
    return people;
}

/* People 0 to 9 have no positive row, 10 to 19 one, 20 to 29 two. */
static const uint8_t *make_positive(void) {
    static uint8_t positive[ROWS];
    for (int row = 0; row < ROWS; row++)
        positive[row] = row / 2 >= 20 || (row / 2 >= 10 && row % 2);
    return positive;
}

/* Rows drawn of each stratum; how often the first person was; whether a person's rows were together. */
static Status count_draw(const void *context, const int32_t *times, double *values) {
    (void)context;
    for (int i = 0; i < 5; i++)
        values[i] = 0;
    for (int row = 0; row < ROWS; row++)
        values[row / 2 / 10] += times[row];
    values[3] = times[0];
    for (int row = 0; row < ROWS; row += 2)
        values[4] += times[row] != times[row + 1];
    return NULL;
}

static Bootstrap make_bootstrap(bool strata) {
    return (Bootstrap){.people = make_people(),
                       .positive = strata ? make_positive() : NULL,
                       .rows = ROWS,
                       .replicates = REPLICATES,
                       .seed = 1,
                       .threads = 3};
}

static void people_are_drawn_with_all_their_rows(void **state) {
    (void)state;
    double values[5][REPLICATES];
    const Bootstrap free_draw = make_bootstrap(false);
    assert_fine(bootstrap_run(&free_draw, count_draw, NULL, 5, *values));
    double first = 0, other_sizes = 0, never = 0;
    for (int r = 0; r < REPLICATES; r++) {
        assert_true(values[0][r] + values[1][r] + values[2][r] == ROWS && values[4][r] == 0);
        first += values[3][r] / REPLICATES;
        never += values[3][r] == 0;
        other_sizes += values[0][r] != 20;
    }
    /* One draw on average, variance 1: 0.21 are 3 standard errors of 200; (29 / 30)^30 = 36 % are never drawn. */
    assert_true(fabs(first - 1) < 0.21 && fabs(never / REPLICATES - 0.362) < 0.11);
    assert_true(other_sizes > REPLICATES / 2);
    const Bootstrap within = make_bootstrap(true);
    assert_fine(bootstrap_run(&within, count_draw, NULL, 5, *values));
    for (int r = 0; r < REPLICATES; r++)
        assert_true(values[0][r] == 20 && values[1][r] == 20 && values[2][r] == 20 && values[4][r] == 0);
}

static void threads_change_nothing(void **state) {
    (void)state;
    double three[5][REPLICATES], one[5][REPLICATES];
    Bootstrap bootstrap = make_bootstrap(true);
    assert_fine(bootstrap_run(&bootstrap, count_draw, NULL, 5, *three));
    bootstrap.threads = 1;
    assert_fine(bootstrap_run(&bootstrap, count_draw, NULL, 5, *one));
    assert_memory_equal(one, three, sizeof one);
    bootstrap.seed = 2;
    assert_fine(bootstrap_run(&bootstrap, count_draw, NULL, 5, *one));
    assert_memory_not_equal(one[3], three[3], sizeof one[3]);
}

static Status fail_measure(const void *context, const int32_t *times, double *values) {
    (void)context;
    *values = times[0];
    return times[0] > 1 ? status_error(EXIT_DATA, "drawn twice") : NULL;
}

static void a_failure_is_passed_on(void **state) {
    (void)state;
    double values[REPLICATES];
    const Bootstrap bootstrap = make_bootstrap(false);
    assert_refused(bootstrap_run(&bootstrap, fail_measure, NULL, 1, values), EXIT_DATA, "drawn twice");
}

/* numpy 2.4.6: s = f(clip(v)).std(ddof=1); g(f(0.7) -+ 1.96 s), with f, g = log, exp and so on, and v clipped 0.02 from
 * the ends of the logit and of arctanh. */
static void intervals_as_numpy_gives(void **state) {
    (void)state;
    static const struct {
        FigureScale scale;
        double low, high, error;
    } wanted[] = {{FIGURE_PLAIN, 0.44209583175140416, 0.9579041682485958, 0.13158375931050806},
                  {FIGURE_LOG, 0.5019629320843344, 0.9761676982109816, 0.16967043803442375},
                  {FIGURE_LOGIT, 0.1982968201498034, 0.9565436385029842, 1.1450363775349124},
                  {FIGURE_FISHER, -0.16983850559809757, 0.9567567642055136, 0.530000456841079}};
    for (int i = 0; i < 4; i++) {
        double values[] = {0.62, 0.7, 0.66, 0.81, 0.74, 1.0, 0.69, 0.58};
        const BootstrapInterval b = bootstrap_interval(wanted[i].scale, 0.7, 0.02, values, 8);
        assert_true(fabs(b.low - wanted[i].low) < 1e-12 && fabs(b.high - wanted[i].high) < 1e-12);
        assert_true(fabs(b.scale_error - wanted[i].error) < 1e-12 && fabs(b.error - wanted[0].error) < 1e-12);
    }
}

static bool has_interval(FigureScale scale, double value, double first, double second, int undefined) {
    double values[40];
    for (int i = 0; i < 40; i++)
        values[i] = i < undefined ? NAN : i % 2 ? first : second;
    const BootstrapInterval b = bootstrap_interval(scale, value, 0.01, values, 40);
    assert_true(isnan(b.low) == isnan(b.high) && isnan(b.low) == isnan(b.error));
    return !isnan(b.low);
}

static void where_there_is_no_interval(void **state) {
    (void)state;
    assert_true(has_interval(FIGURE_LOGIT, 0.5, 0.4, 0.6, 0));
    assert_true(!has_interval(FIGURE_NONE, 0.5, 0.4, 0.6, 0));
    assert_true(has_interval(FIGURE_LOGIT, 0.5, 0.4, 0.6, 2) && !has_interval(FIGURE_LOGIT, 0.5, 0.4, 0.6, 3));
    assert_true(!has_interval(FIGURE_PLAIN, 0.5, 0.5, 0.5, 0)); /* no spread */
    assert_true(!has_interval(FIGURE_LOGIT, 1, 0.9, 1, 0) && !has_interval(FIGURE_FISHER, -1, -0.9, -1, 0));
    assert_true(!has_interval(FIGURE_LOG, 0, 0.1, 0, 0) && !has_interval(FIGURE_LOG, 0.1, 0.1, 0, 0));
    assert_true(has_interval(FIGURE_LOGIT, 0.5, 0, 1, 0) && has_interval(FIGURE_FISHER, 0.5, -1, 1, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_are_drawn_with_all_their_rows),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(a_failure_is_passed_on),
        cmocka_unit_test(intervals_as_numpy_gives),
        cmocka_unit_test(where_there_is_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
