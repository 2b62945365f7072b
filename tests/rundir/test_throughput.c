/* SPDX-License-Identifier: Apache-2.0 */
/* Images/s compared with those of the runs beside this one: which of them count, when a run is slow, and what is named.
 */
#include "tests/fixtures/train_fixture.h"

#include "rundir/run_record.h"

#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static const ThroughputKey key = {.config_hash = 0xabc, .device = "NVIDIA H200, 139.8 GiB", .threads = 1};

static Throughput figure(double images_per_s) {
    Throughput figure = {
        .images_per_s = images_per_s, .data_wait = 0.05, .micro_batch = 8, .host = "one", .run = "fast"};
    figure.versions = (Versions){2, {{"compiler", "gcc 12"}, {"cudnn", "9.19.0"}}};
    return figure;
}

/* A run directory in the test's own, with a run.json as the record writes it. */
static void plant(void **state, const char *name, const ThroughputKey *of, double images_per_s) {
    char directory[TEMP_PATH * 2], path[TEMP_PATH * 2 + 16];
    assert_fine(files_make_directory(temp_path(state, name, directory)));
    snprintf(path, sizeof path, "%s/run.json", directory);
    RunRecord record;
    run_record_begin(&record);
    record.run_dir = directory;
    record.backend = "cuda";
    record.config_hash = of->config_hash;
    record.threads = of->threads;
    snprintf(record.device, sizeof record.device, "%s", of->device);
    record.throughput = figure(images_per_s);
    assert_fine(run_record_write(&record, path));
    run_record_close(&record);
}

static void the_best_of_those_alike(void **state) {
    char run_dir[TEMP_PATH * 2], link[TEMP_PATH * 2], path[TEMP_PATH * 2];
    ThroughputKey other = key;
    plant(state, "here", &key, 9000); /* this run itself */
    plant(state, "good", &key, 500);
    plant(state, "better", &key, 600);
    plant(state, "none", &key, 0);
    other.config_hash++;
    plant(state, "other-config", &other, 1000);
    other = key;
    other.device = "NVIDIA H200 NVL, 139.8 GiB";
    plant(state, "other-device", &other, 1000);
    other = key;
    other.threads = 2;
    plant(state, "other-threads", &other, 1000);
    assert_fine(files_make_directory(temp_path(state, "broken", path)));
    assert_fine(files_write(temp_path(state, "broken/run.json", path), "{\"config_hash\": \"00", 19));
    assert_fine(files_make_directory(temp_path(state, "empty", path)));
    assert_fine(files_write(temp_path(state, "a-file", path), "no directory", 12));

    temp_path(state, "here", run_dir);
    Throughput best = {0};
    throughput_best_beside(run_dir, &key, &best);
    assert_true(best.images_per_s == 600 && best.micro_batch == 8 && best.data_wait == 0.05);
    assert_string_equal(best.run, "better");
    assert_string_equal(best.host, "one");
    assert_int_equal(best.versions.count, 2);
    assert_string_equal(best.versions.list[1].text, "9.19.0");

    /* What was better already stays. */
    best = figure(700);
    throughput_best_beside(run_dir, &key, &best);
    assert_true(best.images_per_s == 700);

    /* Under another name it is still this run. */
    assert_int_equal(symlink(run_dir, temp_path(state, "link", link)), 0);
    best = (Throughput){0};
    throughput_best_beside(run_dir, &key, &best);
    assert_true(best.images_per_s == 600);
    temp_path(state, "nowhere", run_dir);
    throughput_best_beside(run_dir, &key, &best);
}

static void assert_warns(const Throughput *now, const Throughput *best, const char *const *texts) {
    char *warning;
    assert_fine(throughput_warning(now, best, &warning));
    assert_non_null(warning);
    for (; *texts; texts++)
        if (!strstr(warning, *texts))
            fail_msg("\"%s\" is not in \"%s\"", *texts, warning);
    assert_null(strchr(warning, '\n'));
    free(warning);
}

static void slow_is_under_nine_tenths(void **state) {
    (void)state;
    char *warning;
    Throughput best = figure(1000), now = figure(901);
    assert_fine(throughput_warning(&now, &best, &warning));
    assert_null(warning);
    now.images_per_s = 2000;
    assert_fine(throughput_warning(&now, &best, &warning));
    assert_null(warning);
    const Throughput none = {0};
    assert_fine(throughput_warning(&now, &none, &warning));
    assert_null(warning);

    now.images_per_s = 750;
    now.data_wait = 0.5;
    assert_warns(&now, &best,
                 (const char *[]){"750 images/s are 75% of the 1000 that the run fast reached",
                                  "no version differs: look", "5% there, 50% here", NULL});
    snprintf(now.versions.list[1].text, sizeof now.versions.list[1].text, "9.20.0");
    now.versions.list[now.versions.count++] = (Version){"driver", "580.1"};
    now.micro_batch = 4;
    snprintf(now.host, sizeof now.host, "two");
    *best.run = '\0';
    assert_warns(&now, &best,
                 (const char *[]){"that this run once reached",
                                  "versions differ: cudnn 9.19.0 there, 9.20.0 here; driver none there, 580.1 here",
                                  "micro-batch 8 there, 4 here", "host one there, two here", NULL});
}

static void the_second_hundred_steps_count(void **state) {
    (void)state;
    ThroughputWatch watch = {0};
    int calls = 0;
    for (int step = 1; step <= 400; step++)
        if (throughput_count(&watch, step <= 100 ? 1000 : step <= 200 ? 2 : 3000, step > 150 && step <= 200 ? 1 : 0)) {
            assert_int_equal(step, 200);
            assert_true(watch.seconds == 200 && watch.data_wait == 50);
            calls++;
        }
    assert_int_equal(calls, 1);
    assert_true(watch.seconds == 200);
}

/* What run.json keeps over a restart, and only for what it can be compared with. */
static void a_restart_keeps_the_figure(void **state) {
    char path[TEMP_PATH * 2];
    plant(state, "restart", &key, 400);
    temp_path(state, "restart/run.json", path);
    for (int same = 0; same < 2; same++) {
        RunRecord record;
        run_record_begin(&record);
        record.config_hash = key.config_hash;
        record.threads = key.threads;
        snprintf(record.device, sizeof record.device, "%s", same ? key.device : "another");
        assert_fine(run_record_continue(&record, path, 5, 5));
        assert_true(record.throughput.images_per_s == (same ? 400 : 0));
        assert_string_equal(record.throughput.run, "");
        run_record_close(&record);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_of_those_alike),
        cmocka_unit_test(slow_is_under_nine_tenths),
        cmocka_unit_test(the_second_hundred_steps_count),
        cmocka_unit_test(a_restart_keeps_the_figure),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
