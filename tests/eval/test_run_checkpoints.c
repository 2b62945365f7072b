/* SPDX-License-Identifier: Apache-2.0 */
/* Which checkpoints of a run a budget curve shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checkpoint/directory.h"
#include "eval/budget/run_checkpoints.h"
#include "tests/fixtures/short_run.h"

/* A run of four of eight steps; its path is the caller's. */
static char *make_run(const char *root, const char *name, const char *sets) {
    const TrainOptions options = {.config_path = "short.ini", .until = 4};
    Config config;
    char *all = printed_path("train.steps=8 checkpoint.every=1 checkpoint.keep=3 data.val= monitor.every=0 "
                             "log.every=50 run.dir=@/%s %s",
                             name, sets);
    short_run_config(root, all, &config);
    free(all);
    assert_ok(train_run(&config, &options));
    return scratch_path(root, name);
}

/* "STEP SHARE" of each, in their order; the caller's. */
static char *list_of(const char *run) {
    RunCheckpoints found;
    assert_ok(run_checkpoints_open(run, &found));
    char *text = printed_path("%s", "");
    for (int i = 0; i < found.count; i++) {
        char *longer = printed_path("%s%d %g; ", text, (int)found.list[i].step, found.list[i].share);
        free(text);
        text = longer;
        char *wanted = printed_path("%s/ckpt/step-%d", run, (int)found.list[i].step);
        assert_string_equal(found.list[i].path, wanted);
        assert_true(files_exists(wanted));
        free(wanted);
    }
    run_checkpoints_close(&found);
    return text;
}

/* The share of 100 % has not been passed. */
static void shares_that_were_passed(void **state) {
    char *run = make_run(*state, "shares", "checkpoint.keep_at=12.5,20,25,100 checkpoint.every=3"),
         *list = list_of(run);
    assert_string_equal(list, "1 0.125; 2 0.25; ");
    free(list);
    free(run);
}

static void all_where_none_were_asked_for(void **state) {
    char *run = make_run(*state, "all", "checkpoint.keep_at=12.5,25,37.5,50"), *list;
    TrainOptions options = {.config_path = "short.ini", .resume = true, .until = 5};
    Config config;
    short_run_config(*state, "train.steps=8 checkpoint.keep=4 data.val= monitor.every=0 log.every=50 run.dir=@/all",
                     &config);
    assert_ok(train_run(&config, &options));
    list = list_of(run);
    assert_string_equal(list, "2 0.25; 3 0.375; 4 0.5; 5 0.625; ");
    free(list);
    free(run);
}

static void what_cannot_be_shown_is_refused(void **state) {
    RunCheckpoints found;
    char *none = scratch_path(*state, "train");
    assert_fails(run_checkpoints_open(none, &found), EXIT_DATA, "is no run directory");
    run_checkpoints_close(&found);
    free(none);
    char *run = make_run(*state, "refused", "checkpoint.keep_at=80");
    assert_fails(run_checkpoints_open(run, &found), EXIT_DATA,
                 "of step 4, is before the first share of checkpoint.keep_at = 80");
    run_checkpoints_close(&found);
    free(run);
    run = make_run(*state, "damaged", "checkpoint.keep_at=50");
    scratch_write(run, "ckpt/step-4/" CHECKPOINT_WEIGHTS, "damaged", 7);
    assert_fails(run_checkpoints_open(run, &found), EXIT_DATA, "step-4/" CHECKPOINT_WEIGHTS);
    run_checkpoints_close(&found);
    char *checkpoints = scratch_path(run, "ckpt");
    assert_ok(files_remove(checkpoints));
    assert_fails(run_checkpoints_open(run, &found), EXIT_DATA, "ckpt has no checkpoint");
    run_checkpoints_close(&found);
    scratch_write(run, "run.json", "{}", 2);
    assert_fails(run_checkpoints_open(run, &found), EXIT_DATA, "run.json: does not say how many steps");
    run_checkpoints_close(&found);
    free(checkpoints);
    free(run);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(shares_that_were_passed),
                                       cmocka_unit_test(all_where_none_were_asked_for),
                                       cmocka_unit_test(what_cannot_be_shown_is_refused)};
    return cmocka_run_group_tests(tests, short_run_open, short_run_close);
}
