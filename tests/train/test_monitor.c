/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.jsonl: what a line holds, what an interval is, what a restart drops. */
#include "tests/fixtures/train_fixture.h"

#include "train/monitor/monitor.h"

#include <cJSON.h>
#include <math.h>
#include <unistd.h>

static double number(const cJSON *line, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(line, key);
    if (!cJSON_IsNumber(item))
        fail_msg("%s is no number", key);
    return item->valuedouble;
}

/* Line `index` of the file, parsed; NULL beyond its end. The caller's. */
static cJSON *read_line(const char *path, int index) {
    char *text;
    size_t size;
    assert_fine(files_read(path, &text, &size));
    char *line = text;
    for (; index && line; index--) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    cJSON *object = line && *line ? cJSON_ParseWithLength(line, strcspn(line, "\n")) : NULL;
    free(text);
    return object;
}

static int count_lines(const char *path) {
    char *text;
    size_t size;
    assert_fine(files_read(path, &text, &size));
    int lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

static void a_line_holds_its_keys(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "line.jsonl", path);
    Metrics metrics;
    assert_fine(metrics_open(&metrics, path, 0));
    MetricsLine line = {.step = 1234567890123,
                        .epoch = 0.5,
                        .loss = 0.1234567894,
                        .loss_mean = 2,
                        .lr = 1e-5,
                        .grad_norm = NAN,
                        .images_per_s = 3,
                        .mfu = 0.5,
                        .data_wait = 0.25,
                        .checkpoint_wait = 0.125,
                        .queue = 1.5,
                        .read_rate = 1e9,
                        .copy_rate = 2e9,
                        .seconds = 4,
                        .bad_records = 5,
                        .checkpoints_skipped = 6};
    assert_fine(metrics_append(&metrics, &line));
    assert_fine(metrics_append_validation(&metrics, 7, 0.75, NULL, 0));
    metrics_close(&metrics);

    cJSON *object = read_line(path, 0);
    assert_non_null(object);
    assert_int_equal(cJSON_GetArraySize(object), 16);
    assert_true(number(object, "step") == 1234567890123.0);
    assert_true(fabs(number(object, "loss") - line.loss) < 5e-10); /* nine digits */
    assert_true(number(object, "loss_mean") == 2 && number(object, "epoch") == 0.5);
    assert_true(number(object, "lr") == 1e-5 && number(object, "images_per_s") == 3);
    assert_true(number(object, "data_wait") == 0.25 && number(object, "checkpoint_wait") == 0.125);
    assert_true(number(object, "seconds") == 4 && number(object, "mfu") == 0.5);
    assert_true(number(object, "queue") == 1.5 && number(object, "read_bytes_per_s") == 1e9);
    assert_true(number(object, "copy_bytes_per_s") == 2e9);
    assert_true(number(object, "bad_records") == 5 && number(object, "checkpoints_skipped") == 6);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(object, "grad_norm"))); /* NaN is no JSON */
    cJSON_Delete(object);
    object = read_line(path, 1);
    assert_int_equal(cJSON_GetArraySize(object), 2);
    assert_true(number(object, "step") == 7 && number(object, "val_loss") == 0.75);
    cJSON_Delete(object);
    assert_int_equal(count_lines(path), 2);
}

static void a_restart_drops_what_was_undone(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "restart.jsonl", path);
    static const char before[] = "{\"step\": 1, \"loss\": 3}\n"
                                 "no JSON\n"
                                 "{\"step\": 2, \"loss\": 2}\n{\"step\": 2, \"val_loss\": 2.5}\n"
                                 "{\"step\": 3, \"loss\": 1}\n{\"step\": 2}"; /* its end never came */
    assert_fine(files_write(path, before, sizeof before - 1));
    Metrics metrics;
    assert_fine(metrics_open(&metrics, path, 2));
    assert_fine(metrics_append_validation(&metrics, 3, 9, NULL, 0));
    char *text;
    size_t size;
    assert_fine(files_read(path, &text, &size));
    assert_string_equal(text, "{\"step\": 1, \"loss\": 3}\n{\"step\": 2, \"loss\": 2}\n"
                              "{\"step\": 2, \"val_loss\": 2.5}\n{\"step\": 3, \"val_loss\": 9}\n");
    free(text);
    /* Undone while the file is open: appended lines still arrive in it. */
    assert_fine(metrics_drop_after(&metrics, 1));
    assert_fine(metrics_append_validation(&metrics, 2, 8, NULL, 0));
    assert_int_equal(count_lines(path), 2);
    metrics_close(&metrics);
}

static void intervals_are_averaged(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "interval.jsonl", path);
    Monitor monitor;
    assert_fine(monitor_open(&monitor, path, 2, 5, 10, 0));
    for (int step = 1; step <= 5; step++) {
        StepFigures figures = {.step = step,
                               .epoch = step / 4.0,
                               .loss = step,
                               .lr = 0.5,
                               .grad_norm = 2,
                               .seconds = step,
                               .data_wait = 0.5,
                               .checkpoint_wait = step == 4 ? 0.7 : 0,
                               .queue = step,
                               .bytes_read = (uint64_t)step * 70,
                               .bytes_copied = (uint64_t)step * 35};
        assert_fine(monitor_step(&monitor, &figures));
    }
    monitor_close(&monitor);
    /* Steps 2 and 4 are due, 5 is the last. */
    assert_int_equal(count_lines(path), 3);
    cJSON *line = read_line(path, 1);
    assert_true(number(line, "step") == 4 && number(line, "epoch") == 1);
    assert_true(number(line, "loss") == 4 && number(line, "loss_mean") == 3.5);
    assert_true(number(line, "seconds") == 4);
    /* Steps 3 and 4: 2 x 10 images in 7 seconds, 1 of them waiting for data, 0.7 for a checkpoint; nine digits. */
    assert_true(fabs(number(line, "images_per_s") - 20.0 / 7) < 1e-8);
    assert_true(fabs(number(line, "data_wait") - 1.0 / 7) < 1e-9);
    assert_true(fabs(number(line, "checkpoint_wait") - 0.1) < 1e-9);
    assert_true(number(line, "queue") == 3.5 && number(line, "read_bytes_per_s") == 20); /* 140 bytes in 7 seconds */
    assert_true(number(line, "copy_bytes_per_s") == 10);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(line, "mfu"))); /* no peak was set */
    cJSON_Delete(line);
    line = read_line(path, 2);
    assert_true(number(line, "step") == 5 && number(line, "loss_mean") == 5);
    cJSON_Delete(line);
}

/* 10 images in half a second at 2.5 % for each image a second. */
static void mfu_is_the_rates(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "mfu.jsonl", path);
    Monitor monitor;
    assert_fine(monitor_open(&monitor, path, 1, 5, 10, 0));
    monitor.mfu_per_rate = 0.025;
    const StepFigures figures = {.step = 1, .seconds = 0.5};
    assert_fine(monitor_step(&monitor, &figures));
    monitor_close(&monitor);
    cJSON *line = read_line(path, 0);
    assert_true(fabs(number(line, "mfu") - 0.5) < 1e-9); /* nine digits */
    cJSON_Delete(line);
}

/* Step 3 of 13, each of two seconds, a quarter of them waiting: ten are left. Nobody knows the peak, so the line has no
 * MFU. */
static void the_line_shows_rate_and_time_left(void **state) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    temp_path(state, "shown.jsonl", path);
    Monitor monitor;
    assert_fine(monitor_open(&monitor, path, 3, 13, 10, 0));
    monitor.progress.out = open_memstream(&text, &size);
    assert_non_null(monitor.progress.out);
    monitor.progress.terminal = false;
    monitor.started -= 4000; /* began an hour ago */
    for (int step = 1; step <= 3; step++) {
        const StepFigures figures = {.step = step, .loss = 0.25, .lr = 1e-3, .seconds = 2, .data_wait = 0.5};
        assert_fine(monitor_step(&monitor, &figures));
    }
    assert_int_equal(fclose(monitor.progress.out), 0);
    monitor.progress.out = NULL;
    monitor_close(&monitor);
    assert_string_equal(text, "3/13 loss 0.2500 lr 1.00e-03 5 images/s data wait 25% 1:06:40 ETA 0:00:20\n");
    free(text);
}

static void undone_steps_leave_no_trace(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "undo.jsonl", path);
    Monitor monitor;
    assert_fine(monitor_open(&monitor, path, 2, 100, 10, 0));
    StepFigures figures = {.seconds = 1};
    for (int step = 1; step <= 5; step++) {
        figures.step = step;
        figures.loss = 100;
        assert_fine(monitor_step(&monitor, &figures));
    }
    assert_fine(monitor_undo(&monitor, 2));
    for (int step = 3; step <= 4; step++) {
        figures.step = step;
        figures.loss = 1;
        assert_fine(monitor_step(&monitor, &figures));
    }
    monitor_close(&monitor);
    assert_int_equal(count_lines(path), 2);
    cJSON *line = read_line(path, 1);
    assert_true(number(line, "step") == 4 && number(line, "loss_mean") == 1);
    cJSON_Delete(line);
}

/* Takes `count` steps of a second each, `wait` of it waiting for data; returns the step that was warned at. */
static int64_t warned_at(Monitor *monitor, int64_t *step, int count, double wait) {
    for (int i = 0; i < count; i++) {
        const StepFigures figures = {.step = ++*step, .seconds = 1, .data_wait = wait};
        assert_fine(monitor_step(monitor, &figures));
    }
    return monitor->starving.warned;
}

static void a_starving_device_is_reported(void **state) {
    char path[TEMP_PATH * 2];
    temp_path(state, "starving.jsonl", path);
    Monitor monitor;
    int64_t step = 0;
    assert_fine(monitor_open(&monitor, path, 100000, 100000, 10, 0));
    assert_int_equal(warned_at(&monitor, &step, 200, 0.0199), 0); /* 2 % is allowed */
    assert_int_equal(warned_at(&monitor, &step, 99, 0.021), 0);
    assert_int_equal(warned_at(&monitor, &step, 1, 0.021), 300);
    assert_int_equal(warned_at(&monitor, &step, 999, 0.5), 300); /* not again so soon */
    assert_int_equal(warned_at(&monitor, &step, 1, 0.5), 1300);
    monitor_close(&monitor);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_holds_its_keys),
        cmocka_unit_test(a_restart_drops_what_was_undone),
        cmocka_unit_test(intervals_are_averaged),
        cmocka_unit_test(mfu_is_the_rates),
        cmocka_unit_test(the_line_shows_rate_and_time_left),
        cmocka_unit_test(undone_steps_leave_no_trace),
        cmocka_unit_test(a_starving_device_is_reported),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
