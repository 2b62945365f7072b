/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.keep_at: which steps a run writes and keeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/short_run.h"
#include "train/keep_at.h"

static void shares_are_the_nearest_steps(void **state) {
    Config config;
    short_run_config(*state, "checkpoint.keep_at=0.01,5,12.5,50,100 checkpoint.keep=4", &config);
    static const struct {
        int64_t total, steps[5];
    } cases[] = {{1000, {1, 50, 125, 500, 1000}},
                 {4, {1, 1, 1, 2, 4}},
                 {1000000000000, {100000000, 50000000000, 125000000000, 500000000000, 1000000000000}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const CheckpointKeep keep = keep_at_steps(&config, cases[i].total);
        assert_int_equal(keep.newest, 4);
        assert_int_equal(keep.step_count, 5);
        assert_memory_equal(keep.steps, cases[i].steps, sizeof cases[i].steps);
        assert_true(keep_at_due(&keep, cases[i].steps[3]) && !keep_at_due(&keep, cases[i].steps[3] + 1));
    }
}

/* Runs with `sets` beside what makes steps short, and compares the steps in ckpt/. */
static void run_keeping(const char *root, bool resume, const char *sets, const char *wanted) {
    const TrainOptions options = {.config_path = "short.ini", .resume = resume};
    Config config;
    char *all = printed_path("checkpoint.every=0 checkpoint.keep=1 data.val= monitor.every=0 log.every=50 %s", sets);
    short_run_config(root, all, &config);
    free(all);
    assert_ok(train_run(&config, &options));
    CheckpointEntry *entries;
    int count;
    char *folder = printed_path("%s/ckpt", config.run.dir), steps[256] = "";
    assert_ok(checkpoint_list(folder, &entries, &count));
    for (int i = count - 1; i >= 0; i--)
        snprintf(steps + strlen(steps), sizeof steps - strlen(steps), "%s%d", *steps ? " " : "", (int)entries[i].step);
    free(entries);
    free(folder);
    assert_string_equal(steps, wanted);
}

/* Shares are of the length that the run has: an extended run keeps of earlier ones those that are nearest now. */
static void a_run_keeps_its_shares(void **state) {
    run_keeping(*state, false, "train.steps=20 checkpoint.keep_at=5,10,25,50,100 run.dir=@/shares", "1 2 5 10 20");
    run_keeping(*state, true, "train.steps=40 checkpoint.keep_at=5,10,25,50,100 run.dir=@/shares", "2 5 10 20 40");
    run_keeping(*state, true, "train.steps=41 run.dir=@/shares", "41");
}

/* The key may be new in a resumed run, and stands beside an interval. */
static void a_resumed_run_begins_to_keep(void **state) {
    run_keeping(*state, false, "train.steps=8 checkpoint.every=3 run.dir=@/later", "8");
    run_keeping(*state, true, "train.steps=16 checkpoint.every=5 checkpoint.keep_at=25,75 run.dir=@/later", "8 12 16");
}

/* A step takes less time than a write here: none is left out nevertheless. */
static void a_kept_step_waits_for_the_writer(void **state) {
    run_keeping(*state, false, "train.steps=10 checkpoint.keep_at=10,20,30,40,50,60,70,80,90 run.dir=@/each",
                "1 2 3 4 5 6 7 8 9 10");
}

static void a_run_may_wait_at_every_checkpoint(void **state) {
    const TrainOptions options = {.config_path = "short.ini", .waits = true};
    Config config;
    short_run_config(*state, "train.steps=10 checkpoint.every=1 checkpoint.keep=10 val.every=0 run.dir=@/waits",
                     &config);
    assert_ok(train_run(&config, &options));
    cJSON *record = short_run_json(config.run.dir, "run.json");
    assert_true(short_run_number(record, "checkpoints_skipped") == 0);
    cJSON_Delete(record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_are_the_nearest_steps), cmocka_unit_test(a_run_keeps_its_shares),
        cmocka_unit_test(a_resumed_run_begins_to_keep), cmocka_unit_test(a_kept_step_waits_for_the_writer),
        cmocka_unit_test(a_run_may_wait_at_every_checkpoint)};
    return cmocka_run_group_tests(tests, short_run_open, short_run_close);
}
