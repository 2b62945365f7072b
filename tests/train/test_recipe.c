/* SPDX-License-Identifier: Apache-2.0 */
/* What a run computes, against its parts called one by one and against numbers written out by hand: which image, crop
 * and mask the seed gives to each sample, the schedule, which tensors decay, and how it validates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "checkpoint/read.h"
#include "data/evaluation_view.h"
#include "data/records.h"
#include "image/decode.h"
#include "image/resize.h"
#include "model/mae.h"
#include "tests/fixtures/short_run.h"
#include "train/objective/masks.h"

#include <math.h>

enum { PATCHES = 16, IMAGE_BYTES = SHORT_SIDE * SHORT_SIDE * 3, EPOCH_STEPS = SHORT_IMAGES / SHORT_BATCH };

/* Keys beside short.ini. FP32, so that only sums in another order could differ; no learning, so that every step meets
 * the initial weights. */
#define UNLEARNT "train.precision=fp32 optim.base_lr=0 train.seed=5"
static const uint64_t SEED = 5;

/* The run's model. */
static ModelShape shape_of(const Config *config) {
    return (ModelShape){.image_size = SHORT_SIDE,
                        .patch_size = 4,
                        .dim = 16,
                        .depth = (int)config->model.depth,
                        .heads = 2,
                        .decoder_dim = 24,
                        .decoder_depth = (int)config->model.decoder_depth,
                        .decoder_heads = 3,
                        .mlp_ratio = 4,
                        .activation = ACTIVATION_GELU_ERF,
                        .norm_eps = 1e-6,
                        .mask_ratio = 0.75,
                        .norm_pix_loss = true,
                        .batch = SHORT_BATCH};
}

static Mae *open_model(const Config *config, Ops *ops, uint64_t seed) {
    const ModelShape shape = shape_of(config);
    Mae *mae;
    ops_cpu(ops, 1);
    assert_ok(mae_open(&shape, ops, &mae));
    assert_ok(mae_init(mae, seed));
    return mae;
}

static void run(const Config *config, int64_t until) {
    const TrainOptions options = {.config_path = "short.ini", .force = true, .until = until};
    assert_ok(train_run(config, &options));
}

static void resume(const Config *config) {
    const TrainOptions options = {.config_path = "short.ini", .resume = true};
    assert_ok(train_run(config, &options));
}

typedef struct {
    double loss, norm; /* of the gradient */
} Outcome;

/* Loss of `count` images under `ids`, and the norm of its gradient, added up here in double. */
static Outcome compute(Mae *mae, Ops *ops, const uint8_t *pixels, const int32_t *ids, int count) {
    const ModelInput host = {.pixels = pixels, .ids = ids, .batch = count};
    ModelInput input;
    Outcome outcome;
    assert_ok(mae_upload(mae, 0, NULL, &host, &input));
    mae_forward(mae, &input);
    assert_ok(mae_loss(mae, &outcome.loss));
    mae_backward(mae, &input, 1, false);
    assert_ok(ops_error(ops));
    double squares = 0;
    for (size_t i = 0; i < mae_params(mae)->trained; i++)
        squares += (double)mae_params(mae)->grad[i] * mae_params(mae)->grad[i];
    outcome.norm = sqrt(squares);
    return outcome;
}

/* The seeds that the parts of a step get: all the run's. */
typedef struct {
    uint64_t weights, order, crops, masks;
} Seeds;

/* A record's sample in `epoch`, cropped as the published recipe says. */
static void draw_sample(const Records *records, uint64_t seed, uint32_t epoch, int64_t key, uint8_t *out) {
    static const CropRange recipe = {
        .scale_min = 0.2, .scale_max = 1, .ratio_min = 3.0 / 4, .ratio_max = 4.0 / 3, .flip = 0.5};
    char *path = scratch_path(records_root(records, key), records_path(records, key));
    Image image;
    Random random;
    assert_ok(image_read(path, &image));
    random_start(&random, seed, RANDOM_CROP, epoch, (uint64_t)key);
    const Crop crop = random_resized_crop(&random, &recipe, image.height, image.width);
    assert_ok(resize_pixels(image.pixels, image.height, image.width, crop, SHORT_SIDE, SHORT_SIDE, out));
    image_free(&image);
    free(path);
}

/* Step `step`, from 0, of a run that does not learn. */
static Outcome step_by_hand(const Config *config, const Seeds *seeds, int step) {
    Ops ops;
    Mae *mae = open_model(config, &ops, seeds->weights);
    Records records;
    Masks masks;
    uint8_t pixels[SHORT_BATCH * IMAGE_BYTES];
    int64_t keys[SHORT_BATCH];
    const uint32_t epoch = (uint32_t)(step / EPOCH_STEPS);
    assert_ok(records_open(config->data.train, "", RECORDS_TRAIN, &records));
    assert_ok(masks_open(&masks, SHORT_BATCH, PATCHES));
    for (int i = 0; i < SHORT_BATCH; i++) {
        const int position = step % EPOCH_STEPS * SHORT_BATCH + i;
        keys[i] = records_at(&records, seeds->order, epoch, (uint64_t)position);
        draw_sample(&records, seeds->crops, epoch, keys[i], pixels + i * IMAGE_BYTES);
    }
    masks_draw(&masks, seeds->masks, epoch, keys, SHORT_BATCH);
    const Outcome outcome = compute(mae, &ops, pixels, masks.ids, SHORT_BATCH);
    masks_close(&masks);
    records_close(&records);
    mae_close(mae);
    return outcome;
}

/* Sums in another order would differ by some 1e-7 of them. */
static bool is_near(double a, double b) {
    return fabs(a - b) <= 1e-5 * fabs(b);
}

/* The run's six steps: one of each place in an epoch, and some of the next epoch. */
static void check_steps(const Config *config) {
    cJSON *lines = short_run_lines(config->run.dir, "loss");
    assert_int_equal(cJSON_GetArraySize(lines), SHORT_STEPS);
    const Seeds seeds = {SEED, SEED, SEED, SEED};
    for (int step = 0; step < SHORT_STEPS; step++) {
        const Outcome wanted = step_by_hand(config, &seeds, step);
        const cJSON *line = cJSON_GetArrayItem(lines, step);
        const double loss = short_run_number(line, "loss"), norm = short_run_number(line, "grad_norm");
        if (!is_near(loss, wanted.loss) || !is_near(norm, wanted.norm))
            fail_msg("step %d: loss %g and gradient norm %g, not %g and %g", step + 1, loss, norm, wanted.loss,
                     wanted.norm);
    }
    cJSON_Delete(lines);
}

static void the_seed_reaches_weights_order_crops_and_masks(void **state) {
    Config config;
    short_run_config(*state, UNLEARNT, &config);
    run(&config, 0);
    check_steps(&config);
    /* Each of the four alone makes another step. */
    const double loss = step_by_hand(&config, &(Seeds){SEED, SEED, SEED, SEED}, 0).loss;
    assert_false(is_near(step_by_hand(&config, &(Seeds){SEED + 1, SEED, SEED, SEED}, 0).loss, loss));
    assert_false(is_near(step_by_hand(&config, &(Seeds){SEED, SEED + 1, SEED, SEED}, 0).loss, loss));
    assert_false(is_near(step_by_hand(&config, &(Seeds){SEED, SEED, SEED + 1, SEED}, 0).loss, loss));
    assert_false(is_near(step_by_hand(&config, &(Seeds){SEED, SEED, SEED, SEED + 1}, 0).loss, loss));
}

/* Resumed in the middle of an epoch. */
static void a_resumed_run_takes_the_same_steps(void **state) {
    Config config;
    short_run_config(*state, UNLEARNT, &config);
    run(&config, 2);
    resume(&config);
    check_steps(&config);
}

static void micro_batches_make_the_same_steps(void **state) {
    Config config;
    short_run_config(*state, UNLEARNT " train.micro_batch=2", &config);
    run(&config, 0);
    check_steps(&config);
}

/* By the GPU's kernels under emulation, of whose steps several are pending at a time. */
static void so_does_a_gpu(void **state) {
    Config config;
    short_run_config(*state, UNLEARNT " train.device=emu train.deterministic=on data.prefetch_batches=3", &config);
    run(&config, 0);
    check_steps(&config);
}

/* Whole images, resized and cut at the centre, under masks that no key changes. */
static void validation_shows_the_evaluation_view(void **state) {
    enum { COUNT = 3 };
    Config config;
    short_run_config(*state, UNLEARNT, &config);
    run(&config, 0);
    Ops ops;
    Mae *mae = open_model(&config, &ops, SEED);
    Records records;
    Masks masks;
    uint8_t pixels[COUNT * IMAGE_BYTES];
    assert_ok(records_open(config.data.val, "", RECORDS_VAL, &records));
    assert_ok(masks_open(&masks, COUNT, PATCHES));
    for (int i = 0; i < COUNT; i++) {
        char *path = scratch_path(records_root(&records, i), records_path(&records, i));
        Image image;
        assert_ok(image_read(path, &image));
        assert_ok(evaluation_view(&image, SHORT_SIDE, VIEW_CENTER, pixels + i * IMAGE_BYTES));
        image_free(&image);
        free(path);
    }
    masks_draw(&masks, 0x666f766561 /* "fovea" */, 0, (const int64_t[]){0, 1, 2}, COUNT);
    const double wanted = compute(mae, &ops, pixels, masks.ids, COUNT).loss;
    cJSON *lines = short_run_lines(config.run.dir, "val_loss"), *line;
    assert_int_equal(cJSON_GetArraySize(lines), 2);
    cJSON_ArrayForEach(line, lines) {
        if (!is_near(short_run_number(line, "val_loss"), wanted))
            fail_msg("validation loss %g, not %g", short_run_number(line, "val_loss"), wanted);
    }
    cJSON_Delete(lines);
    masks_close(&masks);
    records_close(&records);
    mae_close(mae);
}

/* The rates of the run's six steps: the peak is 0.64 * 4 / 256 = 0.01, after half an epoch of 4 steps; then half a
 * cosine over the other 4. The first step's is 0. */
static void the_schedule_is_the_recipes(void **state) {
    static const struct {
        const char *sets;
        double rates[SHORT_STEPS];
    } cases[] = {
        {"", {0, 0.005, 0.01, 0.00853553391, 0.005, 0.00146446609}},
        {"optim.min_lr=0.001", {0, 0.005, 0.01, 0.00868198052, 0.0055, 0.00231801948}},
        {"optim.warmup_epochs=0", {0.01, 0.00933012702, 0.0075, 0.005, 0.0025, 0.000669872981}},
        {"train.global_batch=8", {0, 0.02, 0.0180901699, 0.0130901699, 0.00690983006, 0.00190983006}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Config config;
        short_run_config(*state, cases[i].sets, &config);
        run(&config, 0);
        cJSON *lines = short_run_lines(config.run.dir, "lr");
        for (int step = 0; step < SHORT_STEPS; step++) {
            const double rate = short_run_number(cJSON_GetArrayItem(lines, step), "lr");
            if (fabs(rate - cases[i].rates[step]) > 1e-11) /* nine digits */
                fail_msg("\"%s\", step %d: rate %.9g, not %.9g", cases[i].sets, step + 1, rate, cases[i].rates[step]);
        }
        cJSON_Delete(lines);
    }
}

/* 1.4 epochs of 4 steps. */
static void epochs_are_cut_off_to_whole_steps(void **state) {
    Config config;
    short_run_config(*state, "train.steps=0 train.epochs=1.4", &config);
    run(&config, 0);
    cJSON *lines = short_run_lines(config.run.dir, "loss"), *record = short_run_json(config.run.dir, "run.json");
    assert_int_equal(cJSON_GetArraySize(lines), 5);
    assert_true(short_run_number(record, "total_steps") == 5);
    cJSON_Delete(record);
    cJSON_Delete(lines);
}

/* Trained tensors of one block each in encoder and decoder. */
static const char *const decayed[] = {"cls_token",
                                      "mask_token",
                                      "patch_embed.proj.weight",
                                      "blocks.0.attn.qkv.weight",
                                      "blocks.0.attn.proj.weight",
                                      "blocks.0.mlp.fc1.weight",
                                      "blocks.0.mlp.fc2.weight",
                                      "decoder_embed.weight",
                                      "decoder_blocks.0.attn.qkv.weight",
                                      "decoder_blocks.0.attn.proj.weight",
                                      "decoder_blocks.0.mlp.fc1.weight",
                                      "decoder_blocks.0.mlp.fc2.weight",
                                      "decoder_pred.weight"};
static const char *const spared[] = {"patch_embed.proj.bias",
                                     "blocks.0.norm1.weight",
                                     "blocks.0.norm1.bias",
                                     "blocks.0.attn.qkv.bias",
                                     "blocks.0.attn.proj.bias",
                                     "blocks.0.norm2.weight",
                                     "blocks.0.norm2.bias",
                                     "blocks.0.mlp.fc1.bias",
                                     "blocks.0.mlp.fc2.bias",
                                     "norm.weight",
                                     "norm.bias",
                                     "decoder_embed.bias",
                                     "decoder_blocks.0.norm1.weight",
                                     "decoder_blocks.0.norm1.bias",
                                     "decoder_blocks.0.attn.qkv.bias",
                                     "decoder_blocks.0.attn.proj.bias",
                                     "decoder_blocks.0.norm2.weight",
                                     "decoder_blocks.0.norm2.bias",
                                     "decoder_blocks.0.mlp.fc1.bias",
                                     "decoder_blocks.0.mlp.fc2.bias",
                                     "decoder_norm.weight",
                                     "decoder_norm.bias",
                                     "decoder_pred.bias"};
enum { DECAYED = sizeof decayed / sizeof *decayed, SPARED = sizeof spared / sizeof *spared };

/* The model after the first step, whose rate is 0.01. */
static Mae *take_step(const char *root, Ops *ops, const char *decay) {
    Config config;
    TrainState saved;
    bool found;
    char *note, *sets = printed_path("model.depth=1 model.decoder_depth=1 optim.warmup_epochs=0 %s", decay);
    short_run_config(root, sets, &config);
    run(&config, 1);
    Mae *mae = open_model(&config, ops, 1);
    char *checkpoints = scratch_path(config.run.dir, "ckpt");
    assert_ok(checkpoint_read(checkpoints, mae_params(mae), &saved, &found, &note));
    assert_true(found && saved.step == 1);
    free(checkpoints);
    free(sets);
    return mae;
}

/* The largest distance of the tensor from what decay leaves of it: p - lr * decay * initial. */
static double measure_decay(Mae *const models[3], const char *name, double decay) {
    const Param *param = params_find(mae_params(models[0]), name);
    double most = 0;
    assert_non_null(param);
    assert_true(param->trainable);
    for (size_t i = param->offset; i < param->offset + param->count; i++) {
        const double with = mae_params(models[0])->value[i], without = mae_params(models[1])->value[i];
        const double error = fabs(with - (without - 0.01 * decay * mae_params(models[2])->value[i]));
        most = error > most ? error : most;
    }
    return most;
}

static void pretraining_decays_matrices_and_tokens_but_no_vector(void **state) {
    Config config;
    Ops ops[3];
    short_run_config(*state, "model.depth=1 model.decoder_depth=1", &config);
    Mae *models[] = {take_step(*state, &ops[0], "optim.weight_decay=2"),
                     take_step(*state, &ops[1], "optim.weight_decay=0"), open_model(&config, &ops[2], 1)};
    for (int i = 0; i < DECAYED; i++) {
        const double with = measure_decay(models, decayed[i], 2), without = measure_decay(models, decayed[i], 0);
        /* FP32 values below 0.7: a unit in the last place is 6e-8. */
        if (with > 1.2e-7 || without < 1e-4)
            fail_msg("%s does not decay: %g off, %g moved", decayed[i], with, without);
    }
    for (int i = 0; i < SPARED; i++)
        if (measure_decay(models, spared[i], 0) != 0)
            fail_msg("%s decays", spared[i]);
    int trained = 0;
    for (int i = 0; i < mae_params(models[0])->count; i++)
        trained += mae_params(models[0])->list[i].trainable;
    assert_int_equal(trained, DECAYED + SPARED);
    for (int i = 0; i < 3; i++)
        mae_close(models[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seed_reaches_weights_order_crops_and_masks),
        cmocka_unit_test(a_resumed_run_takes_the_same_steps),
        cmocka_unit_test(micro_batches_make_the_same_steps),
        cmocka_unit_test(so_does_a_gpu),
        cmocka_unit_test(validation_shows_the_evaluation_view),
        cmocka_unit_test(the_schedule_is_the_recipes),
        cmocka_unit_test(epochs_are_cut_off_to_whole_steps),
        cmocka_unit_test(pretraining_decays_matrices_and_tokens_but_no_vector),
    };
    return cmocka_run_group_tests(tests, short_run_open, short_run_close);
}
