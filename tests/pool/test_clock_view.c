/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of the loan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pool/job_node.h"

static const char RULE[] = "[node]\nname = n\n[gpus]\n0 = cpu\n1 = cpu\n2 = cpu\n[lanes]\npool = pool 0-1\n"
                           "aria = owner 2 ann\n[roles]\nadmin = root\nmember = *\n";

static ClockView clock_of(const JobNode *node) {
    ClockView clock;
    assert_fine(schedule_clock(node->schedule, node->now, &clock));
    /* Sums of a few doubles of some thousand: rounding is below a microsecond. */
    assert_true(fabs(clock.total - clock.busy - clock.held - clock.idle - clock.left) < 1e-6);
    return clock;
}

#define assert_seconds(value, wanted)                                                                                  \
    do {                                                                                                               \
        const double value_ = (value);                                                                                 \
        if (!(fabs(value_ - (wanted)) < 1e-6))                                                                         \
            fail_msg("%s is %.9g, but %.9g was expected", #value, value_, (double)(wanted));                           \
    } while (0)

static void the_loan_is_accounted_for(void **state) {
    (void)state;
    JobNode *node = node_new(RULE, -1);
    node->rule.loan_from = 900;
    node->rule.loan_to = 10900;
    ClockView clock = clock_of(node);
    assert_true(clock.on && clock.filler && !clock.paused);
    assert_seconds(clock.total, 20000);
    assert_seconds(clock.idle, 200); /* before the pool was there */
    assert_seconds(clock.left, 19800);
    assert_seconds(clock.dry_in, 0);
    JobWants wants = node_wants(1);
    node_submit(node, "ann", &wants);
    snprintf(wants.lane, sizeof wants.lane, "aria"); /* which is not the pool's */
    node_submit(node, "ann", &wants);
    node_pass(node, 1000);
    clock = clock_of(node);
    assert_int_equal(clock.running, 2);
    assert_seconds(clock.busy, 1000);
    assert_seconds(clock.held, 0);
    assert_seconds(clock.idle, 1200);
    assert_seconds(clock.left, 17800);
    node_end(node, 2, 0);
    node_submit(node, "ann", &wants);
    node_end(node, 1, 0);
    node_pass(node, 1000);
    clock = clock_of(node);
    assert_seconds(clock.busy, 1000);
    assert_seconds(clock.idle, 3200);
    node_pass(node, 20000);
    clock = clock_of(node);
    assert_seconds(clock.left, 0);
    assert_seconds(clock.total, 20000);
    assert_seconds(clock.busy, 1000);
    node_free(node);
}

/* A job that hangs on a GPU holds it; it is not busy. */
static void held_is_not_busy(void **state) {
    (void)state;
    JobNode *node = node_new("[node]\nname = n\nstall = 100000\n[gpus]\n0 = GPU-0\n1 = cpu\n2 = cpu\n[lanes]\n"
                             "pool = pool 0\naria = owner 1-2 ann\n[roles]\nadmin = root\nmember = *\n",
                             -1);
    JobWants wants = node_wants(1);
    node_submit(node, "ann", &wants);
    /* Work in another lane, of which one job ends, is not the pool's. */
    snprintf(wants.lane, sizeof wants.lane, "aria");
    node_submit(node, "ann", &wants);
    node_submit(node, "ann", &wants);
    node_pass(node, 5); /* its looks */
    node_pass(node, 1000);
    node->busy = false;
    node_pass(node, 1000);
    node_end(node, 1, 0);
    node_end(node, 2, 0);
    node_tick(node);
    const ClockView clock = clock_of(node);
    assert_false(clock.on);
    assert_seconds(clock.left, 0);
    /* What happens between two looks belongs to the later one, 5 s at most. */
    assert_true(fabs(clock.busy - 1000) <= 5);
    assert_seconds(clock.busy + clock.held, 2000);
    assert_seconds(clock.idle, 5);
    node_free(node);
}

static void the_queue_runs_dry(void **state) {
    (void)state;
    JobNode *node = node_new(RULE, -1);
    JobWants wants = node_wants(1);
    for (int i = 0; i < 3; i++)
        node_submit(node, "ann", &wants);
    node_tick(node);
    ClockView clock = clock_of(node);
    assert_true(isnan(clock.dry_in)); /* nobody knows how long they take */
    node_pass(node, 100);
    node_end(node, 1, 0);
    node_tick(node);
    node_submit(node, "ann", &wants);
    node_submit(node, "ann", &wants);
    clock = clock_of(node);
    assert_int_equal(clock.waiting, 2);
    /* Jobs take 100 s as the first did: number 2 ends now, 3 in 100 s; 4 starts now, 5 when both are busy until then.
     */
    assert_seconds(clock.dry_in, 100);
    wants.time_limit = 500;
    node_submit(node, "ann", &wants);
    assert_seconds(clock_of(node).dry_in, 100);
    node_submit(node, "ann", &wants);
    assert_seconds(clock_of(node).dry_in, 200);
    wants.gpus = 2;
    node_submit(node, "ann", &wants);
    assert_seconds(clock_of(node).dry_in, 700);
    node_filler(node, false);
    assert_true(isnan(clock_of(node).dry_in));
    node_free(node);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loan_is_accounted_for),
        cmocka_unit_test(held_is_not_busy),
        cmocka_unit_test(the_queue_runs_dry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
