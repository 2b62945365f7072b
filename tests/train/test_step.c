/* SPDX-License-Identifier: Apache-2.0 */
/* Gradients by micro-batches, masks, and the validation loss. */
#include "tests/fixtures/train_fixture.h"

#include "device/open.h"
#include "model/fp8.h"
#include "train/objective/masks.h"
#include "train/objective/validate.h"
#include "train/step/step.h"

#include <math.h>

enum { LINEARS = 4 }; /* in FP8, of the second of two blocks */

typedef struct {
    Device *device;
    Ops ops;
    Objective *objective;
    Mae *mae; /* its model */
    Optimizer *optimizer;
    Masks masks;
    Step *step;
} Model;

/* `cached`: records that the device caches; NULL: batches have samples. */
static void open_step(Model *model, int global_batch, bool capture, const uint8_t *cached, int64_t cached_count) {
    const OptimizerOptions options = {
        .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.05, .layer_decay = 1, .decay_tokens = true};
    const int micro_batch = mae_shape(model->mae)->batch;
    assert_fine(optimizer_open(&options, mae_params(model->mae), &model->ops, &model->optimizer));
    assert_fine(masks_open(&model->masks, micro_batch, PATCHES));
    const StepOptions step = {.objective = model->objective,
                              .optimizer = model->optimizer,
                              .ops = &model->ops,
                              .global_batch = global_batch,
                              .micro_batch = micro_batch,
                              .spike = 3,
                              .settled = 20,
                              .capture = capture,
                              .cached_records = cached,
                              .cached_count = cached_count};
    assert_fine(step_open(&step, &model->step));
}

static void open_model(Model *model, int global_batch, int micro_batch) {
    const ModelShape shape = tiny_shape(micro_batch);
    *model = (Model){0};
    ops_cpu(&model->ops, 1);
    model->objective = tiny_objective(&model->ops, &shape);
    model->mae = mae_objective_model(model->objective);
    open_step(model, global_batch, false, NULL, 0);
}

/* The same on the emulated GPU, in BF16 or FP8; skips the test where there is none. */
static void open_emulated_shape(Model *model, const ModelShape *shape) {
    char *note;
    *model = (Model){0};
    Status status = device_open(DEVICE_EMU, &model->device, &note);
    if (status_code(status) == EXIT_MISSING) {
        print_message("# %s\n", status_message(status));
        status_free(status);
        skip();
    }
    assert_fine(status);
    model->device->operations(model->device, 1, &model->ops);
    model->ops.type = REAL_BF16;
    model->objective = tiny_objective(&model->ops, shape);
    model->mae = mae_objective_model(model->objective);
}

static void open_emulated(Model *model, int global_batch, int micro_batch, bool fp8, int record, bool capture) {
    ModelShape shape = tiny_shape(micro_batch);
    shape.fp8 = fp8;
    shape.record = record;
    open_emulated_shape(model, &shape);
    open_step(model, global_batch, capture, NULL, 0);
}

static void close_model(Model *model) {
    step_close(model->step);
    optimizer_close(model->optimizer);
    model->objective->close(model->objective);
    masks_close(&model->masks);
    device_close(model->device);
}

enum { MOST_MASKS = 8 };

/* As the loader's workers draw them. */
static const int32_t *draw_masks(const int64_t *records, int count, uint32_t epoch, int32_t ids[MOST_MASKS * PATCHES]) {
    const MaskKey key = {.seed = 5, .patches = PATCHES};
    assert_true(count <= MOST_MASKS);
    for (int i = 0; i < count; i++)
        assert_fine(masks_draw_one(&key, epoch, records[i], ids + i * PATCHES));
    return ids;
}

static void start(Model *model, const EvaluationImages *images, uint32_t epoch, double lr, int64_t number) {
    int32_t ids[MOST_MASKS * PATCHES];
    const PrefetchBatch batch = {.samples = images->pixels,
                                 .records = images->records,
                                 .extras = draw_masks(images->records, images->count, epoch, ids)};
    assert_fine(step_gradients(model->step, &batch));
    assert_fine(step_update(model->step, lr, number));
}

static StepState settle(Model *model) {
    StepState outcome;
    assert_fine(step_wait_oldest(model->step, &outcome));
    return outcome;
}

/* Gradients alone: an update at the rate 0. */
static double gradients(Model *model, const EvaluationImages *images, uint32_t epoch, int64_t number) {
    start(model, images, epoch, 0, number);
    return settle(model).loss;
}

static void micro_batches_add_up(void **state) {
    (void)state;
    EvaluationImages images = drawn_images(6);
    Model whole, parts;
    open_model(&whole, 6, 6);
    open_model(&parts, 6, 2);
    double loss = gradients(&whole, &images, 2, 1);
    /* Twice, so that what was there before would show. */
    gradients(&parts, &images, 3, 1);
    double sum = gradients(&parts, &images, 2, 2);
    /* The same sums in another order: a few units of FP32's last place, of values near 1. */
    assert_true(fabs(sum - loss) < 1e-6);
    const Params *a = mae_params(whole.mae), *b = mae_params(parts.mae);
    double most = 0, largest = 0;
    for (size_t i = 0; i < a->trained; i++) {
        const double error = fabs((double)a->grad[i] - b->grad[i]), magnitude = fabs(a->grad[i]);
        most = error > most ? error : most; /* fmax() here breaks gcc 12.2 on Arm */
        largest = magnitude > largest ? magnitude : largest;
    }
    /* Six images' gradients in FP32, added in another order: some tens of units of 6e-8 of the largest. */
    assert_true(largest > 1e-2);
    assert_true(most < 1e-5 * largest);
    close_model(&whole);
    close_model(&parts);
    evaluation_images_close(&images);
}

static bool same_on_devices(const Params *a, const float *from_a, const Params *b, const float *from_b, size_t count) {
    float *left = malloc(count * sizeof *left), *right = malloc(count * sizeof *right);
    assert_true(left && right);
    assert_fine(device_read(a->device, left, from_a, count * sizeof *left));
    assert_fine(device_read(b->device, right, from_b, count * sizeof *right));
    const bool same = memcmp(left, right, count * sizeof *left) == 0;
    free(left);
    free(right);
    return same;
}

/* The same 20 steps, with another rate, other images and another key of the masks each time: plainly, waiting after
 * each, and as captured graphs with one step under way while the next one starts. In FP8 other operations are wanted
 * once the first step's scales are known, and after a layer was turned off. */
static void captured_steps_equal_plain_ones(void **state) {
    (void)state;
    enum { STEPS = 20, BATCH = 3 };
    for (int round = 0; round < 3; round++) {
        const int micro_batch = round == 1 ? BATCH : 1;
        const bool fp8 = round == 2;
        Model plain, captured;
        EvaluationImages images[STEPS];
        StepState outcomes[STEPS];
        open_emulated(&plain, BATCH, micro_batch, fp8, 0, false);
        open_emulated(&captured, BATCH, micro_batch, fp8, 0, true);
        for (int i = 0; i < STEPS; i++) {
            images[i] = drawn_images(BATCH);
            for (int j = 0; j < BATCH; j++)
                draw_smooth(images[i].pixels + j * IMAGE_BYTES, BATCH * i + j);
        }
        for (int i = 0; i < STEPS; i++) {
            if (fp8 && i == 12)
                fp8_turn_off(mae_params(plain.mae)->fp8, 3, true);
            start(&plain, &images[i], (uint32_t)i, 1e-3 * (1 + i % 3), i + 1);
            outcomes[i] = settle(&plain);
        }
        assert_int_equal(step_ahead(captured.step), 1);
        for (int i = 0; i <= STEPS; i++) {
            if (fp8 && i == 12)
                fp8_turn_off(mae_params(captured.mae)->fp8, 3, true);
            if (i < STEPS)
                start(&captured, &images[i], (uint32_t)i, 1e-3 * (1 + i % 3), i + 1);
            if (i == 0)
                continue;
            assert_int_equal(step_pending(captured.step), i < STEPS ? 2 : 1);
            bool busy;
            assert_fine(step_busy(captured.step, &busy));
            assert_true(busy); /* the emulator works only when somebody waits */
            const StepState outcome = settle(&captured);
            assert_fine(step_busy(captured.step, &busy));
            assert_int_equal(busy, i < STEPS);
            assert_true(outcome.loss == outcomes[i - 1].loss && outcome.norm == outcomes[i - 1].norm);
            assert_true(outcome.mean == outcomes[i - 1].mean);
            assert_int_equal(outcome.applied, i);
        }
        assert_true(outcomes[0].loss != outcomes[STEPS - 1].loss);
        const Params *a = mae_params(plain.mae), *b = mae_params(captured.mae);
        assert_true(same_on_devices(a, a->value, b, b->value, a->total));
        assert_true(same_on_devices(a, a->grad, b, b->grad, a->trained));
        assert_true(same_on_devices(a, a->m, b, b->m, a->trained));
        assert_true(same_on_devices(a, a->v, b, b->v, a->trained));
        assert_int_equal(fp8_linears(a->fp8), fp8 ? LINEARS : 0);
        Fp8Scale scales[LINEARS * FP8_TENSORS], others[LINEARS * FP8_TENSORS];
        assert_fine(fp8_read(a->fp8, scales));
        assert_fine(fp8_read(b->fp8, others));
        assert_true(!fp8 || (scales[0].position == STEPS && !memcmp(scales, others, sizeof scales)));
        for (int i = 0; i < STEPS; i++)
            evaluation_images_close(&images[i]);
        close_model(&plain);
        close_model(&captured);
    }
}

enum { RECORD = 23, RECORD_BYTES = RECORD * RECORD * 3 };

/* Records of noise, a crop of each, and the images that the crops make. */
static EvaluationImages drawn_records(int count, uint8_t *records, Crop *crops) {
    EvaluationImages images = drawn_images(count);
    Random random;
    random_start(&random, 21, RANDOM_TEST, 0, 0);
    for (int i = 0; i < count * RECORD_BYTES; i++)
        records[i] = (uint8_t)random_below(&random, 256);
    for (int i = 0; i < count; i++) {
        const int height = 5 + (int)random_below(&random, RECORD - 4),
                  width = 5 + (int)random_below(&random, RECORD - 4);
        crops[i] = (Crop){(int)random_below(&random, (uint32_t)(RECORD - height + 1)),
                          (int)random_below(&random, (uint32_t)(RECORD - width + 1)), height, width, i % 2 == 0};
        assert_fine(resize_pixels(records + i * RECORD_BYTES, RECORD, RECORD, crops[i], SIDE, SIDE,
                                  images.pixels + (size_t)i * IMAGE_BYTES));
    }
    return images;
}

/* To the bit, whether the host crops or the device, in micro-batches and as captured graphs, with a validation of whole
 * images in the same rooms between. */
static void devices_crop_records_as_the_host_does(void **state) {
    (void)state;
    enum { BATCH = 6, STEPS = 4 };
    static uint8_t records[BATCH * RECORD_BYTES];
    Crop crops[BATCH];
    EvaluationImages images = drawn_records(BATCH, records, crops);
    for (int micro_batch = 2; micro_batch <= BATCH; micro_batch += 4) {
        Model host, device;
        open_emulated(&host, BATCH, micro_batch, false, 0, true);
        open_emulated(&device, BATCH, micro_batch, false, RECORD, true);
        for (int i = 0; i < STEPS; i++) {
            int32_t ids[MOST_MASKS * PATCHES];
            const PrefetchBatch batch = {.samples = records,
                                         .crops = crops,
                                         .records = images.records,
                                         .extras = draw_masks(images.records, BATCH, (uint32_t)i, ids)};
            double left, right;
            start(&host, &images, (uint32_t)i, 1e-3, i + 1);
            assert_fine(step_gradients(device.step, &batch));
            assert_fine(step_update(device.step, 1e-3, i + 1));
            assert_true(settle(&host).loss == settle(&device).loss);
            assert_fine(validate_loss(host.mae, &host.masks, &images, BATCH, &left));
            assert_fine(validate_loss(device.mae, &device.masks, &images, BATCH, &right));
            assert_true(left == right);
        }
        const Params *a = mae_params(host.mae), *b = mae_params(device.mae);
        assert_true(same_on_devices(a, a->value, b, b->value, a->total));
        assert_true(same_on_devices(a, a->grad, b, b->grad, a->trained));
        close_model(&host);
        close_model(&device);
    }
    evaluation_images_close(&images);
}

/* To the bit, whether records come with the batch or the device has them: others than the batch shows, too, and one of
 * them twice. Only numbers, crops and masks are copied then. */
static void devices_hold_records(void **state) {
    (void)state;
    enum { BATCH = 4, HELD = 7, STEPS = 4 };
    static uint8_t records[HELD * RECORD_BYTES], shown[BATCH * RECORD_BYTES];
    Crop crops[HELD];
    EvaluationImages images = drawn_records(HELD, records, crops);
    Model brought, holding;
    ModelShape shape = tiny_shape(2);
    shape.record = RECORD;
    shape.cached = true;
    open_emulated(&brought, BATCH, 2, false, RECORD, true);
    open_emulated_shape(&holding, &shape);
    const Device *device = holding.device;
    void *memory;
    assert_fine(device->allocate(device, sizeof records, "records", &memory));
    assert_fine(device_write(device, memory, records, sizeof records));
    open_step(&holding, BATCH, true, memory, HELD);
    for (int i = 0; i < STEPS; i++) {
        /* Keys of several turns: records_at(). */
        const int64_t keys[BATCH] = {6, 0, (i + 3) % HELD + HELD, i + 2 * HELD};
        for (int k = 0; k < BATCH; k++)
            memcpy(shown + k * RECORD_BYTES, records + keys[k] % HELD * RECORD_BYTES, RECORD_BYTES);
        int32_t ids[MOST_MASKS * PATCHES];
        const int32_t *masks = draw_masks(keys, BATCH, (uint32_t)i, ids);
        const PrefetchBatch whole = {.samples = shown, .crops = crops, .records = keys, .extras = masks},
                            numbers = {.crops = crops, .records = keys, .extras = masks};
        const uint64_t copied = step_copied(holding.step);
        assert_fine(step_gradients(brought.step, &whole));
        assert_fine(step_update(brought.step, 1e-3, i + 1));
        assert_fine(step_gradients(holding.step, &numbers));
        assert_fine(step_update(holding.step, 1e-3, i + 1));
        assert_true(settle(&brought).loss == settle(&holding).loss);
        assert_int_equal(step_copied(holding.step) - copied, BATCH * (sizeof(int32_t) * (1 + PATCHES) + sizeof(Crop)));
        assert_int_equal(step_copied(brought.step),
                         (size_t)(i + 1) * BATCH * (RECORD_BYTES + sizeof(int32_t) * PATCHES + sizeof(Crop)));
        double left, right;
        assert_fine(validate_loss(brought.mae, &brought.masks, &images, HELD, &left));
        assert_fine(validate_loss(holding.mae, &holding.masks, &images, HELD, &right));
        assert_true(left == right);
    }
    const Params *a = mae_params(brought.mae), *b = mae_params(holding.mae);
    assert_true(same_on_devices(a, a->value, b, b->value, a->total));
    step_close(holding.step);
    holding.step = NULL;
    device->release(device, memory);
    close_model(&brought);
    close_model(&holding);
    evaluation_images_close(&images);
}

static void masks_depend_on_seed_epoch_and_record(void **state) {
    (void)state;
    Masks masks;
    assert_fine(masks_open(&masks, 3, PATCHES));
    masks_draw(&masks, 9, 4, (int64_t[]){8, 5, 8}, 3);
    assert_memory_equal(masks.ids, masks.ids + 2 * PATCHES, PATCHES * sizeof *masks.ids);
    assert_memory_not_equal(masks.ids, masks.ids + PATCHES, PATCHES * sizeof *masks.ids);
    int32_t first[PATCHES];
    memcpy(first, masks.ids, sizeof first);
    int seen[PATCHES] = {0};
    for (int i = 0; i < PATCHES; i++)
        seen[first[i]]++;
    for (int i = 0; i < PATCHES; i++)
        assert_int_equal(seen[i], 1);
    masks_draw(&masks, 9, 5, (int64_t[]){8}, 1);
    assert_memory_not_equal(masks.ids, first, sizeof first);
    masks_draw(&masks, 10, 4, (int64_t[]){8}, 1);
    assert_memory_not_equal(masks.ids, first, sizeof first);
    masks_draw(&masks, 9, 4, (int64_t[]){8}, 1);
    assert_memory_equal(masks.ids, first, sizeof first);
    const MaskKey key = {.seed = 9, .patches = PATCHES};
    assert_fine(masks_draw_one(&key, 4, 8, masks.ids));
    assert_memory_equal(masks.ids, first, sizeof first);
    masks_close(&masks);
}

/* A step that is not sound changes nothing, nor do those behind it, until the steps are restarted. */
static void a_bad_step_holds_back_those_behind_it(void **state) {
    (void)state;
    Model model;
    open_emulated(&model, 4, 2, true, 0, true);
    EvaluationImages images = drawn_images(4);
    const Params *params = mae_params(model.mae);
    const size_t bytes = params->total * sizeof(float), place = params_find(params, "cls_token")->offset;
    for (int i = 1; i <= 3; i++)
        start(&model, &images, (uint32_t)i, 1e-3, i), settle(&model);
    float *before = malloc(bytes), *after = malloc(bytes);
    Fp8Scale scales[LINEARS * FP8_TENSORS], others[LINEARS * FP8_TENSORS];
    assert_fine(fp8_read(params->fp8, scales));
    const float nan = NAN;
    assert_fine(device_read(model.device, before, params->value, bytes));
    assert_fine(device_write(model.device, params->value + place, &nan, sizeof nan));
    start(&model, &images, 4, 1e-3, 4);
    assert_fine(device_write(model.device, params->value + place, before + place, sizeof nan));
    start(&model, &images, 5, 1e-3, 5);
    StepState outcome = settle(&model);
    assert_int_equal(outcome.verdict, VERDICT_LOSS);
    assert_true(outcome.halted && isnan(outcome.loss) && outcome.applied == 3);
    outcome = settle(&model);
    assert_int_equal(outcome.verdict, VERDICT_SOUND); /* by itself */
    assert_true(outcome.halted && isfinite(outcome.loss) && outcome.applied == 3);
    assert_fine(device_read(model.device, after, params->value, bytes));
    assert_memory_equal(before, after, bytes);
    fp8_begin(params->fp8);
    assert_fine(fp8_read(params->fp8, others));
    for (int i = 0; i < LINEARS * FP8_TENSORS; i++)
        scales[i].amax = others[i].amax = 0; /* the weights' */
    assert_memory_equal(scales, others, sizeof scales);
    assert_fine(step_start(model.step, 3, outcome.mean));
    start(&model, &images, 5, 1e-3, 4);
    outcome = settle(&model);
    assert_false(outcome.halted);
    assert_int_equal(outcome.applied, 4);
    assert_fine(device_read(model.device, after, params->value, bytes));
    assert_memory_not_equal(before, after, bytes);
    free(before);
    free(after);
    close_model(&model);
    evaluation_images_close(&images);
}

static void a_loss_is_compared_with_the_mean(void **state) {
    (void)state;
    Model model;
    EvaluationImages images = drawn_images(2);
    open_model(&model, 2, 2);
    assert_fine(step_start(model.step, 19, 1e-3));
    start(&model, &images, 1, 0, 20);
    assert_int_equal(settle(&model).verdict, VERDICT_SOUND); /* the mean is young */
    assert_fine(step_start(model.step, 20, 1e-3));
    start(&model, &images, 1, 0, 21);
    const StepState outcome = settle(&model);
    assert_int_equal(outcome.verdict, VERDICT_SPIKE);
    assert_true(outcome.halted && outcome.mean == 1e-3 && outcome.applied == 20);
    close_model(&model);
    evaluation_images_close(&images);
}

/* The micro-batch that fails stays in the model, so that the guard can look at it. */
static void repeating_stops_at_a_loss_that_is_not_finite(void **state) {
    (void)state;
    EvaluationImages images = drawn_images(4);
    int32_t ids[MOST_MASKS * PATCHES];
    const PrefetchBatch batch = {
        .samples = images.pixels, .records = images.records, .extras = draw_masks(images.records, 4, 2, ids)};
    Model model;
    open_model(&model, 4, 2);
    const Params *params = mae_params(model.mae);
    assert_true(isfinite(gradients(&model, &images, 2, 1)));
    const float grad = params->grad[0];
    params->grad[0] = 123;
    assert_fine(step_repeat(model.step, &batch));
    assert_true(params->grad[0] == grad);
    params->value[params_find(params, "cls_token")->offset] = NAN;
    params->grad[0] = 123;
    assert_fine(step_repeat(model.step, &batch));
    assert_true(params->grad[0] == 123);
    close_model(&model);
    evaluation_images_close(&images);
}

/* The second micro-batch alone fails: the position of a patch that only its images show is no number. Its gradients are
 * not added to the first one's, and the step is held back. */
static void a_failure_in_a_later_micro_batch_is_met_there(void **state) {
    (void)state;
    EvaluationImages images = drawn_images(4);
    int32_t ids[MOST_MASKS * PATCHES];
    const PrefetchBatch batch = {
        .samples = images.pixels, .records = images.records, .extras = draw_masks(images.records, 4, 2, ids)};
    Model model;
    open_model(&model, 4, 2);
    const Params *params = mae_params(model.mae);
    const int keep = mae_keep(model.mae);
    bool shown[2][PATCHES] = {0}; /* by each micro-batch */
    int patch = 0;
    for (int i = 0; i < 4 * keep; i++)
        shown[i / keep / 2][batch.extras[i / keep * PATCHES + i % keep]] = true;
    while (shown[0][patch] || !shown[1][patch])
        assert_int_not_equal(++patch, PATCHES);
    const int dim = mae_shape(model.mae)->dim;
    params->value[params_find(params, "pos_embed")->offset + (size_t)(1 + patch) * dim] = NAN;
    assert_fine(step_repeat(model.step, &batch));
    for (size_t i = 0; i < params->trained; i++)
        assert_true(isfinite(params->grad[i]));
    start(&model, &images, 2, 0, 1);
    const StepState outcome = settle(&model);
    assert_int_equal(outcome.verdict, VERDICT_LOSS);
    assert_true(outcome.halted);
    close_model(&model);
    evaluation_images_close(&images);
}

/* Seven images two at a time: each counts the same, the last part is a single one. */
static void validation_is_the_mean_over_images(void **state) {
    (void)state;
    EvaluationImages images = drawn_images(7);
    Model model;
    open_model(&model, 2, 2);
    double all, one, sum = 0, five;
    assert_fine(validate_loss(model.mae, &model.masks, &images, 7, &all));
    assert_fine(validate_loss(model.mae, &model.masks, &images, 5, &five));
    for (int i = 0; i < 7; i++) {
        assert_fine(validate_forward(model.mae, &model.masks, &images, i, 1, &one));
        sum += one / 7;
    }
    /* Sums in double; an image's loss may differ by FP32 rounding between batches. */
    assert_true(fabs(all - sum) < 1e-6);
    assert_true(fabs(five - all) > 1e-6);
    close_model(&model);
    evaluation_images_close(&images);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micro_batches_add_up),
        cmocka_unit_test(captured_steps_equal_plain_ones),
        cmocka_unit_test(devices_crop_records_as_the_host_does),
        cmocka_unit_test(devices_hold_records),
        cmocka_unit_test(a_bad_step_holds_back_those_behind_it),
        cmocka_unit_test(a_loss_is_compared_with_the_mean),
        cmocka_unit_test(repeating_stops_at_a_loss_that_is_not_finite),
        cmocka_unit_test(a_failure_in_a_later_micro_batch_is_met_there),
        cmocka_unit_test(masks_depend_on_seed_epoch_and_record),
        cmocka_unit_test(validation_is_the_mean_over_images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
