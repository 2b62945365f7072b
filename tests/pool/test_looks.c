/* SPDX-License-Identifier: Apache-2.0 */
/* Two looks decide: only what is idle in both is idle, and what a GPU does not report is not 0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/pool/gpu_node.h"

typedef struct {
    LookRound last;
    int count;
} Rounds;

static Status take_round(void *context, const LookRound *round) {
    Rounds *rounds = context;
    rounds->last = *round;
    rounds->count++;
    return NULL;
}

static Rounds rounds_of(const GpuNode *node) {
    Rounds rounds = {0};
    assert_fine(store_each_look(node->store, take_round, &rounds));
    return rounds;
}

typedef enum {
    IDLE,
    WORKS,
    SMALL_WORK,
    PROCESS,
    MEMORY,
    NO_UTIL,
    NO_LIST,
    NO_MEMORY,
    SILENT,
    UNIFIED,
    UNIFIED_WORKS
} Sight;

static Observation sight_of(Sight kind) {
    Observation seen = idle_sight();
    switch (kind) {
    case WORKS:
        seen.sample.util = 98;
        break;
    case SMALL_WORK:
        seen.sample.util = 1;
        break;
    case PROCESS:
        return foreign_sight(77, NODE_GIB / 2);
    case MEMORY:
        seen.sample.memory_used = 3 * NODE_GIB;
        break;
    case NO_UTIL:
        seen.sample.util = NAN;
        break;
    case NO_LIST:
        seen.sample.process_count = -1;
        break;
    case NO_MEMORY:
        seen.sample.memory_used = seen.sample.memory_total = -1;
        seen.sample.memory_failed = true;
        break;
    case SILENT:
        gauges_unknown(&seen.sample, 0, "timed out");
        break;
    case UNIFIED_WORKS:
        seen.sample.util = 5;
        seen.sample.memory_used = seen.sample.memory_total = -1;
        break;
    case UNIFIED:
        seen.sample.memory_used = seen.sample.memory_total = -1;
        break;
    default:
        break;
    }
    return seen;
}

static void verdicts(void **state) {
    static const struct {
        Sight first, second;
        LookVerdict verdict;
        const char *why;
    } rows[] = {
        {IDLE, IDLE, LOOK_IDLE, ""},
        {IDLE, WORKS, LOOK_BUSY, "the second look shows 98 %"},
        {WORKS, IDLE, LOOK_BUSY, "the first look shows 98 %"},
        {IDLE, SMALL_WORK, LOOK_BUSY, "the second look shows 1 %"},
        {IDLE, PROCESS, LOOK_BUSY, "the second look shows 1 process"},
        {PROCESS, IDLE, LOOK_BUSY, "the first look shows 1 process"},
        {IDLE, MEMORY, LOOK_BUSY, "the second look shows 3.0 GiB of memory without a process"},
        {MEMORY, IDLE, LOOK_BUSY, "the first look shows 3.0 GiB"},
        {IDLE, NO_UTIL, LOOK_UNKNOWN, "utilisation is not reported"},
        {NO_UTIL, IDLE, LOOK_UNKNOWN, "utilisation is not reported"},
        {IDLE, NO_LIST, LOOK_UNKNOWN, "the list of processes is not reported"},
        {NO_LIST, IDLE, LOOK_UNKNOWN, "the list of processes is not reported"},
        {IDLE, NO_MEMORY, LOOK_UNKNOWN, "its memory cannot be read"},
        {NO_MEMORY, IDLE, LOOK_UNKNOWN, "its memory cannot be read"},
        {IDLE, SILENT, LOOK_UNKNOWN, "the GPU does not answer: timed out"},
        {SILENT, IDLE, LOOK_UNKNOWN, "the GPU did not answer the first look"},
        {SILENT, WORKS, LOOK_BUSY, "the second look shows 98 %"},
        {UNIFIED, UNIFIED, LOOK_IDLE, ""},
        {UNIFIED, UNIFIED_WORKS, LOOK_BUSY, "the second look shows 5 %"},
    };
    GpuNode *node = *state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        node->now += 10;
        node_see(node, 2, sight_of(rows[i].first));
        assert_int_equal(rounds_of(node).count, (int)i);
        node->now += 2;
        node_see(node, 2, sight_of(rows[i].second));
        const Rounds rounds = rounds_of(node);
        assert_int_equal(rounds.count, (int)i + 1);
        if (rounds.last.verdict != rows[i].verdict || !strstr(rounds.last.why, rows[i].why))
            fail_msg("row %zu: %s, \"%s\"", i, look_verdict_name(rounds.last.verdict), rounds.last.why);
        assert_true(gpus_idle_twice(node->schedule, 2) == (rows[i].verdict == LOOK_IDLE));
        assert_true(rounds.last.first.time == node->now - 2 && rounds.last.second.time == node->now);
    }
}

static double next_look(const GpuNode *node, int index) {
    bool wanted[NODE_GPUS];
    double next;
    schedule_wants_looks(node->schedule, node->now, wanted, &next);
    return wanted[index] ? node->now : next;
}

static void a_round_is_two_looks_a_gap_apart(void **state) {
    GpuNode *node = *state;
    bool wanted[NODE_GPUS];
    double next;
    /* All but the slot, at once. */
    assert_int_equal(schedule_wants_looks(node->schedule, node->now, wanted, &next), NODE_GPUS - 1);
    assert_false(wanted[6]);
    assert_true(isinf(next));
    node_see_idle(node);
    assert_int_equal(schedule_wants_looks(node->schedule, node->now, wanted, &next), 0);
    assert_true(next == 1002);
    /* What is seen before the gap is over is no look. */
    node->now = 1001;
    node_see(node, 2, idle_sight());
    assert_int_equal(rounds_of(node).count, 0);
    node->now = 1002;
    node_see(node, 2, idle_sight());
    assert_int_equal(rounds_of(node).count, 1);
    for (int i = 0; i < NODE_GPUS - 1; i++)
        if (i != 2)
            node_see(node, i, idle_sight());
    assert_true(next_look(node, 2) == 1007);
    /* Rounds of GPUs in lanes of jobs are kept: 1 to 4. */
    assert_int_equal(rounds_of(node).count, 4);
}

static void without_a_gap_both_looks_are_due_at_once(void **state) {
    GpuNode *node = *state;
    node->rule.look_gap = 0;
    node_see(node, 3, idle_sight());
    assert_true(next_look(node, 3) == node->now);
    assert_false(gpus_idle_twice(node->schedule, 3));
    node_see(node, 3, idle_sight());
    assert_true(gpus_idle_twice(node->schedule, 3));
}

static void a_lease_ends_what_looks_said(void **state) {
    GpuNode *node = *state;
    node_idle_twice(node);
    assert_true(gpus_idle_twice(node->schedule, 2));
    const int64_t job = node_run(node, 2, "pool");
    assert_false(gpus_idle_twice(node->schedule, 2));
    const int count = rounds_of(node).count;
    for (int i = 0; i < 10; i++) {
        node->now += 5;
        node_see(node, 2, busy_sight());
    }
    assert_int_equal(rounds_of(node).count, count);
    node_end(node, job, 0);
    assert_false(gpus_idle_twice(node->schedule, 2));
    /* That which shows it clear is the first look of the next round. */
    node_see(node, 2, idle_sight());
    assert_state(node, 2, GPU_FREE, "");
    assert_false(gpus_idle_twice(node->schedule, 2));
    node->now += 2;
    node_see(node, 2, idle_sight());
    assert_true(gpus_idle_twice(node->schedule, 2));
    assert_true(rounds_of(node).last.first.time == node->now - 2);
}

static void slots_need_no_looks(void **state) {
    GpuNode *node = *state;
    assert_true(gpus_idle_twice(node->schedule, 6));
    assert_state(node, 6, GPU_FREE, "no job waits");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(verdicts, node_open, node_close),
        cmocka_unit_test_setup_teardown(a_round_is_two_looks_a_gap_apart, node_open, node_close),
        cmocka_unit_test_setup_teardown(without_a_gap_both_looks_are_due_at_once, node_open, node_close),
        cmocka_unit_test_setup_teardown(a_lease_ends_what_looks_said, node_open, node_close),
        cmocka_unit_test_setup_teardown(slots_need_no_looks, node_open, node_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
