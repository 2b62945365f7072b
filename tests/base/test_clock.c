/* SPDX-License-Identifier: Apache-2.0 */
/* Time: the clock goes forward, the date is today's, deadlines are in the future, durations read as hours, minutes and
 * seconds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void the_clock_goes_forward(void **state) {
    (void)state;
    const double start = clock_now(), busy = clock_processor();
    double end = start;
    for (volatile int i = 0; i < 1000000 || end == start; i++)
        end = i % 1000 ? end : clock_now();
    assert_true(end > start && end - start < 3600);
    assert_true(clock_processor() > busy);
}

static void the_date_is_the_systems(void **state) {
    (void)state;
    const time_t before = time(NULL);
    const double date = clock_date();
    assert_true(date >= (double)before && date < (double)before + 60);
}

static double seconds_of(struct timespec time) {
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void a_deadline_is_that_far_away(void **state) {
    (void)state;
    const double waits[] = {0, 0.25, 0.999999999, 1, 2.5};
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        const struct timespec deadline = clock_deadline(waits[i]);
        assert_true(deadline.tv_nsec >= 0 && deadline.tv_nsec < 1000000000);
        const double away = seconds_of(deadline) - seconds_of(now);
        assert_true(away > waits[i] - 1e-3 && away < waits[i] + 60);
    }
}

static void durations_read_as_a_clock_does(void **state) {
    (void)state;
    const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0:00:00"},  {0.4, "0:00:00"},    {0.5, "0:00:01"},     {59.6, "0:01:00"},
                 {61, "0:01:01"}, {3723.2, "1:02:03"}, {360000, "100:00:00"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[CLOCK_TEXT];
        clock_text(cases[i].seconds, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_goes_forward),
        cmocka_unit_test(the_date_is_the_systems),
        cmocka_unit_test(a_deadline_is_that_far_away),
        cmocka_unit_test(durations_read_as_a_clock_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
