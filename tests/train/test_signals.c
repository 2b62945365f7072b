/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that ask a run to stop are polled; a second SIGINT is let through. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "train/monitor/signals.h"

static bool is_blocked(int number) {
    sigset_t now;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &now), 0);
    return sigismember(&now, number) == 1;
}

static void signals_wait_to_be_asked_for(void **state) {
    (void)state;
    static const int numbers[] = {SIGTERM, SIGUSR1, SIGINT, SIGHUP};
    static const char *const names[] = {"SIGTERM", "SIGUSR1", "SIGINT", "SIGHUP"};
    for (int i = 0; i < 4; i++) {
        Signals signals;
        signals_block(&signals);
        assert_int_equal(signals_poll(&signals), 0);
        assert_true(is_blocked(SIGINT));
        raise(numbers[i]);
        int number = signals_poll(&signals);
        assert_int_equal(number, numbers[i]);
        assert_string_equal(signals_name(number), names[i]);
        assert_false(is_blocked(SIGINT));
        assert_true(is_blocked(SIGTERM));
        raise(SIGTERM); /* comes too late: dropped at the end, not delivered */
        signals_release(&signals);
        assert_false(is_blocked(SIGTERM));
        assert_false(is_blocked(SIGUSR1));
    }
}

static void a_run_under_nohup_goes_on(void **state) {
    (void)state;
    Signals signals;
    signal(SIGHUP, SIG_IGN);
    signals_block(&signals);
    assert_false(is_blocked(SIGHUP));
    raise(SIGHUP);
    assert_int_equal(signals_poll(&signals), 0);
    raise(SIGTERM); /* the others still stop it */
    assert_int_equal(signals_poll(&signals), SIGTERM);
    signals_release(&signals);
    signal(SIGHUP, SIG_DFL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_wait_to_be_asked_for),
        cmocka_unit_test(a_run_under_nohup_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
