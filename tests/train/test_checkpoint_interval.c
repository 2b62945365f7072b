/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint.every = auto: the interval from the times, and what a run makes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fixtures/short_run.h"
#include "train/run/checkpoint_interval.h"

static void an_interval_follows_from_the_times(void **state) {
    (void)state;
    static const struct {
        double write, step;
        int64_t validations, interval;
    } cases[] = {
        {11, 0.33, 0, 2000},       /* 550 s, 1,667 steps */
        {80, 0.5, 0, 10000},       /* 4,000 s, 8,000 steps */
        {1, 1, 0, 500},            /* five minutes */
        {6, 3, 0, 100},            /* just five minutes, 100 steps */
        {6.06, 3, 0, 200},         /* a little more */
        {0.5, 600, 0, 1},          /* a step is longer */
        {1e-3, 1e-5, 0, 50000000}, /* 3e7 steps */
        {1e30, 1, 0, 1000000000000},
        {11, 0.33, 300, 2100},  /* the next validation */
        {11, 0.33, 2000, 2000}, /* the same */
        {11, 1, 5000, 1000},    /* between validations, and at each */
        {11, 1, 3600, 1200},    /* of 1,000 and more, the first that divides them */
        {11, 1, 1999, 1999},    /* a prime: nothing else does */
        {1, 1, 999999999989, 999999999989},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int64_t interval = checkpoint_interval(cases[i].write, cases[i].step, cases[i].validations);
        if (interval != cases[i].interval)
            fail_msg("case %zu: %lld steps instead of %lld", i, (long long)interval, (long long)cases[i].interval);
    }
}

static bool is_kept(const char *run, const char *name) {
    char *path = printed_path("%s/ckpt/%s", run, name);
    const bool found = files_exists(path);
    free(path);
    return found;
}

/* The first is due at step 100. Once its write has been timed, nothing is due any more at step 300: five minutes are
 * thousands of these steps. A process that resumes has timed none at step 400. */
static void a_run_times_its_first_checkpoint(void **state) {
    TrainOptions options = {.config_path = "short.ini", .until = 302};
    Config config;
    short_run_config(*state, "train.steps=402 checkpoint.every=auto checkpoint.keep=9 data.val= log.every=50", &config);
    const char *run = config.run.dir;
    for (int resumed = 0; resumed < 2; resumed++) {
        assert_ok(train_run(&config, &options));
        cJSON *record = short_run_json(run, "run.json");
        assert_true(short_run_number(record, "checkpoint_every") > 100);
        cJSON_Delete(record);
        options = (TrainOptions){.config_path = "short.ini", .resume = true};
    }
    assert_true(is_kept(run, "step-100") && is_kept(run, "step-302"));
    assert_false(is_kept(run, "step-300"));
    assert_true(is_kept(run, "step-400") && is_kept(run, "step-402"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_interval_follows_from_the_times),
                                       cmocka_unit_test(a_run_times_its_first_checkpoint)};
    return cmocka_run_group_tests(tests, short_run_open, short_run_close);
}
