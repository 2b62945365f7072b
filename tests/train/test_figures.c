/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of metrics.jsonl and run.json obey their laws, whatever the machine's speed: times add up to no more than
 * passed, rates times seconds are images and bytes, epochs follow from steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/fixtures/short_run.h"
#include "train/pipeline.h"
#include "train/run/run_open.h"
#include "train/run/throughput_check.h"

#include <math.h>
#include <time.h>

static const TrainOptions fresh = {.config_path = "short.ini", .force = true};

/* Files have nine digits. */
static void assert_near(const char *what, double got, double wanted) {
    if (!(fabs(got - wanted) <= 1e-7 * fabs(wanted)))
        fail_msg("%s: %.9g, not %.9g", what, got, wanted);
}

static void assert_share(const cJSON *line, const char *key) {
    const double share = short_run_number(line, key);
    if (!(share >= 0 && share <= 1))
        fail_msg("%s is %g", key, share);
}

/* Training lines from step `first` on, made in `wall` seconds by a run with a checkpoint after each step. */
static void check_lines(const char *run, int first, int count, double wall) {
    cJSON *lines = short_run_lines(run, "loss");
    double seconds = 0;
    assert_int_equal(cJSON_GetArraySize(lines), first - 1 + count);
    for (int i = first - 1; i < first - 1 + count; i++) {
        const cJSON *line = cJSON_GetArrayItem(lines, i);
        const double step = short_run_number(line, "step"), own = short_run_number(line, "seconds");
        assert_true(step == i + 1);
        assert_true(own > 0);
        seconds += own;
        assert_near("images", short_run_number(line, "images_per_s") * own, SHORT_BATCH);
        assert_near("epoch", short_run_number(line, "epoch"), step * SHORT_BATCH / SHORT_IMAGES);
        assert_near("loss_mean", short_run_number(line, "loss_mean"), short_run_number(line, "loss"));
        assert_share(line, "data_wait");
        assert_share(line, "checkpoint_wait");
        assert_share(line, "queue"); /* of a ring of one batch */
        /* The ring's batch is not decoded before the step before has used its own. */
        assert_true(short_run_number(line, "data_wait") > 0);
        assert_true(i == first - 1 || short_run_number(line, "checkpoint_wait") > 0);
        assert_true(short_run_number(line, "read_bytes_per_s") == 0 && short_run_number(line, "copy_bytes_per_s") == 0);
    }
    assert_true(seconds <= wall * (1 + 1e-8));
    cJSON_Delete(lines);
}

static void lines_obey_their_laws_across_a_resume(void **state) {
    TrainOptions options = fresh;
    Config config;
    short_run_config(*state, "data.prefetch_batches=1 checkpoint.every=1 train.steps=9", &config);
    options.until = 5;
    double start = clock_now();
    assert_ok(train_run(&config, &options));
    check_lines(config.run.dir, 1, 5, clock_now() - start);
    options = (TrainOptions){.config_path = "short.ini", .resume = true};
    start = clock_now();
    assert_ok(train_run(&config, &options));
    check_lines(config.run.dir, 6, 4, clock_now() - start);
}

/* Opens a run that the test drives by itself. */
static void open_run(Run *run, const Config *config) {
    assert_ok(run_open(run, config, &fresh));
}

static void finish_step(Run *run) {
    bool applied;
    assert_ok(pipeline_finish(run, &applied));
    assert_true(applied);
}

static cJSON *last_line(const Run *run) {
    cJSON *lines = short_run_lines(run->directory.path, "loss");
    cJSON *line = cJSON_DetachItemFromArray(lines, cJSON_GetArraySize(lines) - 1);
    assert_non_null(line);
    cJSON_Delete(lines);
    return line;
}

/* A step that seems to have taken 600 s, of them 200 waiting for data and 100 for a checkpoint, after a checkpoint of
 * 400 s. */
static void a_line_has_what_its_step_took(void **state) {
    Config config;
    Run run;
    short_run_config(*state, "", &config);
    open_run(&run, &config);
    assert_ok(pipeline_start(&run));
    finish_step(&run);

    double start = clock_now();
    assert_ok(pipeline_start(&run));
    PendingStep *pending = &run.pending_steps[run.first_pending];
    assert_true(pending->data_wait > 0 && pending->checkpoint_wait > 0); /* the clock moves from call to call */
    run.last_step_end -= 600;
    run.checkpoint_seconds = 400;
    pending->data_wait = 200;
    pending->checkpoint_wait = 100;
    pending->batch.ready = 2;
    finish_step(&run);
    cJSON *line = last_line(&run);
    double seconds = short_run_number(line, "seconds");
    assert_true(seconds >= 1000 * (1 - 1e-8) && seconds <= (1000 + clock_now() - start) * (1 + 1e-8));
    assert_near("images", short_run_number(line, "images_per_s") * seconds, SHORT_BATCH);
    assert_near("data_wait", short_run_number(line, "data_wait") * seconds, 200);
    assert_near("checkpoint_wait", short_run_number(line, "checkpoint_wait") * seconds, 100 + 400);
    assert_true(short_run_number(line, "queue") == 2);
    cJSON_Delete(line);

    /* Nothing of it stays for the next step. */
    start = clock_now();
    assert_ok(pipeline_start(&run));
    run.pending_steps[run.first_pending].batch.ready = 0;
    finish_step(&run);
    line = last_line(&run);
    seconds = short_run_number(line, "seconds");
    assert_true(seconds <= (clock_now() - start) * (1 + 1e-8));
    assert_share(line, "checkpoint_wait");
    assert_true(short_run_number(line, "queue") == 0);
    cJSON_Delete(line);
    run_close(&run);
}

/* Captures of each run's device. */
static int captures;
static Status (*begin_capture)(const Device *device);
static Status count_capture(const Device *device) {
    captures++;
    return begin_capture(device);
}

/* Under emulation a step starts before the one before has ended: their times must not count twice. */
static void drive_overlapping_steps(const char *root, const char *sets, bool captured) {
    enum { STEPS = 6 };
    Config config;
    Run run;
    short_run_config(root, sets, &config);
    open_run(&run, &config);
    begin_capture = run.device->capture_begin;
    run.device->capture_begin = count_capture;
    captures = 0;
    assert_true(pipeline_ahead(&run) > 0);
    const double start = clock_now();
    double seconds = 0, copied = 0;
    for (int begun = 0, ended = 0; ended < STEPS; ended++) {
        for (; begun < STEPS && step_pending(run.step) <= pipeline_ahead(&run); begun++)
            assert_ok(pipeline_start(&run));
        finish_step(&run);
        cJSON *line = last_line(&run);
        const double own = short_run_number(line, "seconds");
        seconds += own;
        copied += short_run_number(line, "copy_bytes_per_s") * own;
        assert_true(seconds <= (clock_now() - start) * (1 + 1e-8));
        assert_share(line, "data_wait");
        cJSON_Delete(line);
    }
    /* Pixels, and an int32 for each of 16 patches, of each image. */
    assert_near("bytes copied", copied, STEPS * SHORT_BATCH * (SHORT_SIDE * SHORT_SIDE * 3 + 16 * 4.0));
    assert_int_equal(captures > 0, captured);
    run_close(&run);
}

static void times_of_overlapping_steps_add_up(void **state) {
    drive_overlapping_steps(*state, "train.device=emu train.deterministic=on data.prefetch_batches=3", true);
    drive_overlapping_steps(*state, "train.device=emu train.deterministic=on data.prefetch_batches=3 train.capture=off",
                            false);
}

static bool pretended; /* of every event: it is done */
static Status pretend_done(const Device *device, const Event *event, bool *done) {
    (void)device, (void)event;
    *done = pretended;
    return NULL;
}

/* What the next step waits for its data while the device seems to be `done` with those before. */
static double wait_of_next(Run *run, bool done) {
    const int next = (run->first_pending + step_pending(run->step)) % STEP_MAX_IN_FLIGHT;
    pretended = done;
    assert_ok(pipeline_start(run));
    return run->pending_steps[next].data_wait;
}

/* Waiting for a batch counts only when the device has nothing left to do meanwhile. */
static void a_busy_device_does_not_wait_for_data(void **state) {
    Config config;
    Run run;
    short_run_config(*state, "train.device=emu train.deterministic=on data.prefetch_batches=3", &config);
    open_run(&run, &config);
    run.device->event_done = pretend_done;
    assert_true(wait_of_next(&run, false) > 0); /* nothing is pending */
    assert_true(wait_of_next(&run, false) == 0);
    finish_step(&run);
    assert_true(wait_of_next(&run, true) > 0);
    finish_step(&run);
    finish_step(&run);
    run_close(&run);
}

/* A batch held and handed back says how many are full. */
static void the_ring_has_the_batches_of_its_key(void **state) {
    enum { DEPTH = 5, PATIENCE = 10 };
    Config config;
    Run run;
    PrefetchBatch batch = {0};
    short_run_config(*state, "data.prefetch_batches=5", &config);
    open_run(&run, &config);
    for (const double end = clock_now() + PATIENCE; batch.ready != DEPTH && clock_now() < end;) {
        assert_ok(loader_next(run.loader, &batch));
        loader_rewind(run.loader);
        assert_in_range(batch.ready, 0, DEPTH);
    }
    assert_int_equal(batch.ready, DEPTH);
    run_close(&run);
}

/* Steps 101 to 200 have taken 50 s, of them 10 waiting: 100 steps of 4 images, though 2 are computed at a time. */
static void throughput_counts_whole_batches(void **state) {
    Config config;
    Run run;
    short_run_config(*state, "train.micro_batch=2", &config);
    open_run(&run, &config);
    run.watch = (ThroughputWatch){.steps = 199, .seconds = 49, .data_wait = 9.5};
    const StepFigures last = {.step = 200, .seconds = 1, .data_wait = 0.5};
    assert_ok(throughput_check(&run, &last));
    /* Another process of the run is slower: the best stays. */
    run.watch = (ThroughputWatch){.steps = 199, .seconds = 99, .data_wait = 9.5};
    assert_ok(throughput_check(&run, &last));
    cJSON *record = short_run_json(run.directory.path, "run.json");
    const cJSON *throughput = cJSON_GetObjectItemCaseSensitive(record, "throughput");
    assert_near("images_per_s", short_run_number(throughput, "images_per_s"), 8);
    assert_near("data_wait", short_run_number(throughput, "data_wait"), 0.2);
    assert_true(short_run_number(throughput, "micro_batch") == 2);
    cJSON_Delete(record);
    run_close(&run);
}

static double loss_at(const char *run, const char *key, double step) {
    cJSON *lines = short_run_lines(run, key), *line;
    double loss = NAN;
    cJSON_ArrayForEach(line, lines) {
        if (short_run_number(line, "step") == step)
            loss = short_run_number(line, key);
    }
    cJSON_Delete(lines);
    return loss;
}

/* Validated after steps 2, 4, 6, 8, with checkpoints after 6 and 9, where a process ends: only 6 can be the best. */
static void run_json_has_the_losses_of_its_steps(void **state) {
    enum { PARAMETERS = 24200 };
    TrainOptions options = fresh;
    Config config;
    short_run_config(*state, "train.steps=12 val.every=2 checkpoint.every=0 train.micro_batch=2", &config);
    const char *run = config.run.dir;
    options.until = 6;
    assert_ok(train_run(&config, &options));
    options = (TrainOptions){.config_path = "short.ini", .resume = true, .until = 9};
    const time_t before = time(NULL);
    assert_ok(train_run(&config, &options));
    const time_t after = time(NULL);
    cJSON *record = short_run_json(run, "run.json"), *saved = short_run_json(run, "ckpt/latest/state.json");
    const double losses[] = {loss_at(run, "val_loss", 6), loss_at(run, "val_loss", 8), loss_at(run, "loss", 9)};
    assert_true(short_run_number(record, "best_step") == 6 && short_run_number(saved, "best_step") == 6);
    assert_near("best_val_loss", short_run_number(record, "best_val_loss"), losses[0]);
    assert_near("best_val_loss", short_run_number(saved, "best_val_loss"), losses[0]);
    assert_near("val_loss", short_run_number(record, "val_loss"), losses[1]);
    assert_near("val_loss", short_run_number(saved, "val_loss"), losses[1]);
    assert_near("final_loss", short_run_number(record, "final_loss"), losses[2]);
    assert_true(short_run_number(record, "steps") == 9 && short_run_number(record, "total_steps") == 12);
    assert_true(short_run_number(record, "resumed_step") == 6);
    assert_true(short_run_number(saved, "step") == 9 && short_run_number(saved, "next_batch") == 9);
    assert_true(short_run_number(record, "data_count") == SHORT_IMAGES);
    assert_true(short_run_number(record, "micro_batch") == 2 && short_run_number(record, "threads") == 1);
    assert_true(short_run_number(record, "parameters") == PARAMETERS);
    char *best = scratch_path(run, "ckpt/best"), target[64] = "", host[256] = "";
    assert_true(readlink(best, target, sizeof target - 1) > 0);
    assert_string_equal(target, "step-6");
    free(best);
    assert_int_equal(gethostname(host, sizeof host - 1), 0);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(record, "host")->valuestring, host);
    for (int i = 0; i < 2; i++) { /* between the test's own looks at the clock */
        struct tm time = {0};
        const cJSON *text = cJSON_GetObjectItemCaseSensitive(record, i ? "ended" : "started");
        assert_non_null(strptime(text->valuestring, "%Y-%m-%dT%H:%M:%SZ", &time));
        assert_in_range(timegm(&time), before, after);
    }
    cJSON_Delete(saved);
    cJSON_Delete(record);
}

/* Losses of other images say nothing about the best so far: step 6 was it, and 9 is not validated. */
static void another_validation_set_has_its_own_best(void **state) {
    TrainOptions options = fresh;
    Config config;
    short_run_config(*state, "train.steps=12 val.every=2 checkpoint.every=0", &config);
    options.until = 6;
    assert_ok(train_run(&config, &options));
    short_run_config(*state, "train.steps=12 val.every=2 checkpoint.every=0 data.val=@/val2", &config);
    options = (TrainOptions){.config_path = "short.ini", .resume = true, .until = 9};
    assert_ok(train_run(&config, &options));
    cJSON *record = short_run_json(config.run.dir, "run.json");
    assert_true(short_run_number(record, "best_step") == -1);
    assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(record, "best_val_loss")));
    assert_near("val_loss", short_run_number(record, "val_loss"), loss_at(config.run.dir, "val_loss", 8));
    cJSON_Delete(record);
}

/* Of a pack, whose records are read ahead of their steps by at most the ring. */
static void bytes_read_are_the_records(void **state) {
    enum { RECORD = 20 * 20 * 3, DEPTH = 2 };
    static const PackSpec spec = {"one", "t", 20, SHORT_IMAGES, 100, 1};
    free(fixture_pack(*state, "pack", &spec));
    Config config;
    short_run_config(*state, "data.train=@/pack data.val=", &config);
    assert_ok(train_run(&config, &fresh));
    cJSON *lines = short_run_lines(config.run.dir, "loss"), *line;
    double bytes = 0;
    cJSON_ArrayForEach(line, lines) bytes +=
        short_run_number(line, "read_bytes_per_s") * short_run_number(line, "seconds");
    assert_true(bytes >= SHORT_STEPS * SHORT_BATCH * RECORD * (1 - 1e-8));
    assert_true(bytes <= (SHORT_STEPS + DEPTH) * SHORT_BATCH * RECORD * (1 + 1e-8));
    cJSON_Delete(lines);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_obey_their_laws_across_a_resume, short_run_open, short_run_close),
        cmocka_unit_test_setup_teardown(a_line_has_what_its_step_took, short_run_open, short_run_close),
        cmocka_unit_test_setup_teardown(times_of_overlapping_steps_add_up, short_run_open, short_run_close),
        cmocka_unit_test_setup_teardown(a_busy_device_does_not_wait_for_data, short_run_open, short_run_close),
        cmocka_unit_test_setup_teardown(the_ring_has_the_batches_of_its_key, short_run_open, short_run_close),
        cmocka_unit_test_setup_teardown(throughput_counts_whole_batches, short_run_open, short_run_close),
        cmocka_unit_test_setup_teardown(run_json_has_the_losses_of_its_steps, short_run_open, short_run_close),
        cmocka_unit_test_setup_teardown(another_validation_set_has_its_own_best, short_run_open, short_run_close),
        cmocka_unit_test_setup_teardown(bytes_read_are_the_records, short_run_open, short_run_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
