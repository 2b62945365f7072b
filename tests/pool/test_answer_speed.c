/* SPDX-License-Identifier: Apache-2.0 */
/* How fast jobs are: from their metrics, which may be anything that a user names, and compared with each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pool/answer/answer_history.h"
#include "pool/answer/answer_speed.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static const char line[] = "{\"step\": 40, \"lr\": 0.1, \"images_per_s\": 512.5, \"mfu\": null, \"data_wait\": 0.25}\n";

static void metrics_of_a_run_are_read(void **state) {
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 2];
    Job job = {.uid = getuid(), .run_dir = (char *)temp_path(state, "run", folder)};
    JobSpeed speed;
    answer_read_speed(&job, &speed);
    assert_false(speed.known);
    assert_true(isnan(speed.images_per_s));
    assert_fine(files_make_directory(folder));
    assert_fine(files_write(temp_path(state, "run/metrics.jsonl", path), line, sizeof line - 1));
    answer_read_speed(&job, &speed);
    assert_true(speed.known && speed.step == 40 && speed.images_per_s == 512.5 && speed.data_wait == 0.25);
    assert_true(isnan(speed.mfu));
    job.run_dir = "run"; /* the daemon's folder is not the job's */
    answer_read_speed(&job, &speed);
    assert_false(speed.known);
    job.run_dir = NULL;
    answer_read_speed(&job, &speed);
    assert_false(speed.known);
}

/* The daemon is root: it reads no file of another user for this one, and nothing that would make it wait. */
static void what_is_no_file_of_the_user_is_not_read(void **state) {
    char folder[TEMP_PATH * 2], path[TEMP_PATH * 2], other[TEMP_PATH * 2];
    Job job = {.uid = getuid() + 1, .run_dir = (char *)temp_path(state, "bad", folder)};
    JobSpeed speed;
    assert_fine(files_make_directory(folder));
    assert_fine(files_write(temp_path(state, "bad/metrics.jsonl", path), line, sizeof line - 1));
    answer_read_speed(&job, &speed);
    assert_false(speed.known);
    job.uid = getuid();
    answer_read_speed(&job, &speed);
    assert_true(speed.known);
    assert_int_equal(rename(path, temp_path(state, "bad/other", other)), 0);
    assert_int_equal(symlink(other, path), 0);
    answer_read_speed(&job, &speed);
    assert_false(speed.known);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    answer_read_speed(&job, &speed); /* returns */
    assert_false(speed.known);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    answer_read_speed(&job, &speed);
    assert_false(speed.known);
}

static void a_job_is_compared_with_its_siblings(void **state) {
    (void)state;
    JobSpeed speeds[] = {{true, 1, 100, NAN, 0}, {true, 1, 60, NAN, 0}, {true, 1, 104, NAN, 0}, {true, 1, 96, NAN, 0}};
    assert_true(answer_others_per_s(speeds, 4, 1) == 100);
    assert_true(answer_others_per_s(speeds, 4, 2) == 96);
    assert_true(isnan(answer_others_per_s(speeds, 2, 1))); /* one other may be the fast one */
    speeds[3].images_per_s = NAN;
    assert_true(isnan(answer_others_per_s(speeds, 4, 1)));
    /* a larger model: fewer images at the same share of the peak */
    const JobSpeed sizes[] = {{true, 1, 100, 0.40, 0}, {true, 1, 60, 0.41, 0}, {true, 1, 104, 0.42, 0}};
    assert_true(isnan(answer_others_per_s(sizes, 3, 1)));
    const JobSpeed slow[] = {{true, 1, 100, 0.40, 0}, {true, 1, 60, 0.24, 0}, {true, 1, 104, 0.42, 0}};
    assert_true(answer_others_per_s(slow, 3, 1) == 102);
}

static void the_newest_samples_are_kept(void **state) {
    (void)state;
    AnswerHistory *history = calloc(1, sizeof *history);
    assert_non_null(history);
    const AnswerSamples *samples = &history->gpus[3];
    assert_true(isinf(answer_samples_from(samples)));
    for (int i = 1; i <= ANSWER_SAMPLES + 2; i++) {
        answer_history_add(history, 3, &(GaugeSample){.time = i});
        assert_int_equal(samples->count, i < ANSWER_SAMPLES ? i : ANSWER_SAMPLES);
    }
    assert_true(answer_samples_from(samples) == 3);
    assert_int_equal(history->gpus[2].count, 0);
    free(history);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_of_a_run_are_read),
        cmocka_unit_test(what_is_no_file_of_the_user_is_not_read),
        cmocka_unit_test(a_job_is_compared_with_its_siblings),
        cmocka_unit_test(the_newest_samples_are_kept),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
