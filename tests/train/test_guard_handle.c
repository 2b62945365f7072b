/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs that go wrong: a weight that is not a number in the checkpoint, an image unlike all others. */
#include "checkpoint/read.h"
#include "checkpoint/state.h"
#include "checkpoint/write.h"
#include "image/encode.h"
#include "tests/fixtures/train_fixture.h"

#include "rundir/run_directory.h"
#include "tests/fixtures/printed_path.h"
#include "train/train.h"

#include <cJSON.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

enum { COUNT = 16, ODD = 11 };

typedef struct {
    Temp *temp;
    Config config;
    TrainOptions options;
    char run[TEMP_PATH * 2], checkpoints[TEMP_PATH * 3], record[TEMP_PATH * 3];
} Setting;

/* Fifteen smooth images, one of noise: its loss stays near 1 while the others' falls. */
static void draw_data(const char *dir) {
    uint8_t pixels[IMAGE_BYTES];
    assert_fine(files_make_directory(dir));
    for (int i = 0; i < COUNT; i++) {
        Random random;
        random_start(&random, 3, RANDOM_TEST, 0, 0);
        draw_smooth(pixels, 0);
        for (int j = 0; i == ODD && j < IMAGE_BYTES; j++)
            pixels[j] = (uint8_t)random_u32(&random);
        char path[TEMP_PATH * 3];
        snprintf(path, sizeof path, "%s/%02d%s.png", dir, i, i == ODD ? "-noise" : "");
        assert_fine(image_write_png(path, pixels, SIDE, SIDE));
    }
}

static int setting_open(void **state) {
    Setting *setting = calloc(1, sizeof *setting);
    assert_non_null(setting);
    if (temp_open((void **)&setting->temp))
        return -1;
    char data[TEMP_PATH * 2], path[TEMP_PATH * 2];
    snprintf(data, sizeof data, "%s/data", setting->temp->root);
    draw_data(data);
    snprintf(path, sizeof path, "%s/run.ini", setting->temp->root);
    snprintf(setting->run, sizeof setting->run, "%s/run", setting->temp->root);
    snprintf(setting->checkpoints, sizeof setting->checkpoints, "%s/ckpt", setting->run);
    snprintf(setting->record, sizeof setting->record, "%s/run.json", setting->run);
    char *text = printed_path("[model]\nimage_size = 16\npatch_size = 4\ndim = 16\ndepth = 2\nheads = 2\n"
                              "decoder_dim = 12\ndecoder_depth = 1\ndecoder_heads = 2\n"
                              "[data]\ntrain = %s\nring = 1\nworkers = 1\ncrop_scale_min = 1\nflip = 0\n"
                              "[train]\nsteps = 60\nglobal_batch = 2\nthreads = 1\n"
                              "[optim]\nbase_lr = 1\nwarmup_epochs = 0\n[checkpoint]\nevery = 10\n"
                              "[log]\nevery = 1\nrecon_images = 1\n[run]\ndir = %s\n",
                              data, setting->run);
    assert_non_null(text);
    assert_fine(files_write(path, text, strlen(text)));
    free(text);
    assert_fine(config_load(&train_config, &setting->config, path, NULL, 0, NULL));
    setting->options = (TrainOptions){.config_path = "run.ini"};
    *state = setting;
    return 0;
}

static int setting_close(void **state) {
    Setting *setting = *state;
    int failed = temp_close((void **)&setting->temp);
    free(setting);
    return failed;
}

static cJSON *read_json(const char *path) {
    char *text;
    size_t size;
    assert_fine(files_read(path, &text, &size));
    cJSON *object = cJSON_ParseWithLength(text, size);
    assert_non_null(object);
    free(text);
    return object;
}

static bool mentions(const cJSON *list, const char *part) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (strstr(item->valuestring, part)) return true;
    return false;
}

static double number(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

typedef void (*Damage)(const Params *params, TrainState *state);

/* Runs `until` steps, then writes a checkpoint one step further, damaged. */
static void plant(Setting *setting, int64_t until, Damage damage) {
    setting->options.until = until;
    assert_fine(train_run(&setting->config, &setting->options));
    setting->options.until = 0;
    setting->options.resume = true;

    ModelShape shape = tiny_shape(1);
    Ops ops;
    Mae *mae = tiny_mae(&ops, &shape);
    Params *params = mae_params(mae);
    TrainState saved;
    bool found;
    char *note;
    assert_fine(checkpoint_read(setting->checkpoints, params, &saved, &found, &note));
    assert_true(found);
    saved.step++;
    saved.next_batch++;
    damage(params, &saved);
    CheckpointWriter *writer;
    assert_fine(checkpoint_writer_open(setting->checkpoints, params, &(CheckpointKeep){.newest = 3}, &writer));
    assert_fine(checkpoint_writer_begin(writer, &saved, false, &found));
    assert_fine(checkpoint_writer_wait(writer));
    checkpoint_writer_close(writer);
    mae_close(mae);
}

static void fill_tensor(const Params *params, const char *name, float factor, float term) {
    const Param *param = params_find(params, name);
    for (size_t i = 0; i < param->count; i++)
        params->value[param->offset + i] = params->value[param->offset + i] * factor + term;
}

static void no_number_in_mlp(const Params *params, TrainState *state) {
    (void)state;
    params->value[params_find(params, "blocks.1.mlp.fc2.weight")->offset + 5] = NAN;
}

static void no_number_in_positions(const Params *params, TrainState *state) {
    (void)state;
    params->value[params_find(params, "pos_embed")->offset + 5] = NAN;
}

static void mean_near_zero(const Params *params, TrainState *state) {
    (void)params;
    state->loss_mean = 1e-6;
}

/* The forward pass multiplies by 1e-33, then by 1e38; the backward pass meets the 1e38 first. */
static void steep(const Params *params, TrainState *state) {
    (void)state;
    fill_tensor(params, "decoder_norm.weight", 1e-33f, 0);
    fill_tensor(params, "decoder_norm.bias", 0, 0);
    fill_tensor(params, "decoder_pred.weight", 1e38f, 0);
}

static void a_planted_weight_is_named(void **state) {
    Setting *setting = *state;
    plant(setting, 10, no_number_in_mlp);
    assert_refused(train_run(&setting->config, &setting->options), EXIT_DIVERGED,
                   "diverged at step 12: the loss is not finite, first in parameter blocks.1.mlp.fc2.weight");
    cJSON *record = read_json(setting->record);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(record, "status")->valuestring, "failed");
    assert_true(number(record, "exit_code") == 77);
    const cJSON *event = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(record, "guard_events"), 0);
    assert_true(number(event, "step") == 12);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(event, "tensor")->valuestring, "blocks.1.mlp.fc2.weight");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(event, "records")), 2);
    cJSON_Delete(record);
    /* Nothing was written over what is good. */
    char path[TEMP_PATH * 4];
    snprintf(path, sizeof path, "%s/step-10", setting->checkpoints);
    assert_true(files_exists(path));
}

static void skipping_cannot_mend_a_weight(void **state) {
    Setting *setting = *state;
    plant(setting, 10, no_number_in_positions);
    setting->config.guard.action = GUARD_SKIP;
    assert_refused(train_run(&setting->config, &setting->options), EXIT_DIVERGED,
                   "pos_embed (guard.action = skip cannot repair parameters)");
}

static void rolling_back_for_ever_ends(void **state) {
    Setting *setting = *state;
    plant(setting, 10, no_number_in_mlp);
    setting->config.guard.action = GUARD_ROLLBACK;
    setting->config.guard.max_events = 3;
    alarm(60); /* a run that rolls back for ever fails the test */
    assert_refused(train_run(&setting->config, &setting->options), EXIT_DIVERGED, "(more than guard.max_events)");
    alarm(0);
}

static void without_a_checkpoint_rolling_back_stops(void **state) {
    Setting *setting = *state;
    setting->config.optim.base_lr = 1e25; /* the first update already overflows */
    setting->config.checkpoint.every = 0;
    setting->config.guard.action = GUARD_ROLLBACK;
    assert_refused(
        train_run(&setting->config, &setting->options), EXIT_DIVERGED,
        "(no checkpoint to return to); last good checkpoint: none; lower optim.base_lr or set optim.clip; batch");
}

static void a_gradient_is_named(void **state) {
    Setting *setting = *state;
    plant(setting, 10, steep);
    assert_refused(train_run(&setting->config, &setting->options), EXIT_DIVERGED,
                   "diverged at step 12: the gradient norm is not finite, first in gradient decoder_norm.");
}

/* A checkpoint would be due after the step that breaks the weights: it is not written. */
static void a_broken_state_is_not_kept(void **state) {
    Setting *setting = *state;
    setting->config.optim.base_lr = 1e38;
    setting->config.optim.weight_decay = 1e6;
    setting->config.checkpoint.every = 1;
    assert_refused(train_run(&setting->config, &setting->options), EXIT_DIVERGED, "parameter");
    char path[TEMP_PATH * 4];
    snprintf(path, sizeof path, "%s/latest", setting->checkpoints);
    assert_false(files_exists(path));
}

/* The one noisy image lifts its batch's loss over the running mean. */
static void check_spikes(Setting *setting, const char *action) {
    setting->config.guard.spike = 1.3;
    setting->config.guard.max_events = 1000;
    assert_fine(train_run(&setting->config, &setting->options));
    cJSON *record = read_json(setting->record);
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(record, "status")->valuestring, "finished");
    assert_true(number(record, "steps") == 60);
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(record, "guard_events"), *event;
    assert_true(cJSON_GetArraySize(events) > 0);
    double last = -1;
    cJSON_ArrayForEach(event, events) {
        assert_string_equal(cJSON_GetObjectItemCaseSensitive(event, "kind")->valuestring, "spike");
        assert_string_equal(cJSON_GetObjectItemCaseSensitive(event, "action")->valuestring, action);
        assert_true(mentions(cJSON_GetObjectItemCaseSensitive(event, "records"), "noise"));
        assert_true(number(event, "step") > 20);
        assert_true(number(event, "batch") > last); /* a skipped batch does not come back */
        last = number(event, "batch");
    }
    /* Each step's line is there once, in order. */
    char path[TEMP_PATH * 4], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/metrics.jsonl", setting->run);
    assert_fine(files_read(path, &text, &size));
    int step = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        cJSON *object = cJSON_ParseWithLength(line, strcspn(line, "\n"));
        assert_true(number(object, "step") == ++step);
        cJSON_Delete(object);
    }
    assert_int_equal(step, 60);
    free(text);
    cJSON_Delete(record);
}

/* After 20 applied steps a loss above 1.3 times the running mean is a spike, and no other loss is: the mean is followed
 * here from the losses in metrics.jsonl, which has the applied steps, and in run.json, which has the spikes. */
static void follow_the_mean(const Setting *setting) {
    cJSON *record = read_json(setting->record);
    const cJSON *event = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(record, "guard_events"), 0);
    char path[TEMP_PATH * 4], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/metrics.jsonl", setting->run);
    assert_fine(files_read(path, &text, &size));
    double mean = 0;
    int step = 0, skipped = 0;
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        for (step++; event && number(event, "step") == step; event = event->next) {
            assert_true(number(event, "loss") > 1.3 * mean);
            assert_true(number(event, "batch") == step - 1 + skipped++); /* batches count from 0 */
        }
        cJSON *object = cJSON_ParseWithLength(line, strcspn(line, "\n"));
        const double loss = number(object, "loss");
        assert_true(step <= 20 || loss <= 1.3 * mean);
        mean = step == 1 ? loss : 0.98 * mean + 0.02 * loss;
        cJSON_Delete(object);
    }
    assert_null(event);
    free(text);
    cJSON_Delete(record);
}

static void a_spike_is_skipped(void **state) {
    Setting *setting = *state;
    setting->config.guard.action = GUARD_SKIP;
    check_spikes(setting, "skip");
    follow_the_mean(setting);
}

static void a_spike_is_rolled_back(void **state) {
    ((Setting *)*state)->config.guard.action = GUARD_ROLLBACK;
    check_spikes(*state, "rollback");
}

static void a_spike_is_not_applied(void **state) {
    Setting *setting = *state;
    setting->config.guard.spike = 1.3;
    assert_refused(train_run(&setting->config, &setting->options), EXIT_DIVERGED, "times its running mean");
    cJSON *record = read_json(setting->record);
    const cJSON *event = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(record, "guard_events"), 0);
    assert_true(number(event, "step") == number(record, "steps") + 1);
    cJSON_Delete(record);
}

/* Every batch is a spike to this mean, so no step is ever applied; the signal that waits is heeded all the same. */
static void a_signal_ends_a_run_that_cannot_step(void **state) {
    Setting *setting = *state;
    setting->config.guard.spike = 1000;
    plant(setting, 25, mean_near_zero);
    setting->config.guard.action = GUARD_SKIP;
    setting->config.guard.max_events = 100;
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &term, &before), 0);
    raise(SIGTERM);
    assert_refused(train_run(&setting->config, &setting->options), EXIT_STOPPED, "stopped by SIGTERM at step 26");
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_planted_weight_is_named, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(skipping_cannot_mend_a_weight, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(rolling_back_for_ever_ends, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(without_a_checkpoint_rolling_back_stops, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(a_gradient_is_named, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(a_broken_state_is_not_kept, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(a_signal_ends_a_run_that_cannot_step, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(a_spike_is_skipped, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(a_spike_is_rolled_back, setting_open, setting_close),
        cmocka_unit_test_setup_teardown(a_spike_is_not_applied, setting_open, setting_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
