/* Gradients by micro-batches, masks, and the validation loss. */
#include "train_fixture.h"

#include "../../src/train/step.h"
#include "../../src/train/validate.h"

#include <math.h>

typedef struct {
    Ops ops;
    Mae *mae;
    Masks masks;
} Model;

static void open_model(Model *model, int batch) {
    ModelShape shape = tiny_shape(batch);
    model->mae = tiny_mae(&model->ops, &shape);
    assert_fine(masks_open(&model->masks, batch, PATCHES));
}

static void close_model(Model *model) {
    mae_close(model->mae);
    masks_close(&model->masks);
}

static double gradients(Model *model, const Pictures *pictures, uint64_t seed, uint32_t epoch) {
    Step step = {.mae = model->mae,
                 .ops = &model->ops,
                 .masks = &model->masks,
                 .seed = seed,
                 .global_batch = pictures->count,
                 .micro_batch = mae_shape(model->mae)->batch};
    PrefetchBatch batch = {.samples = pictures->pixels, .records = pictures->records};
    double loss;
    assert_fine(step_gradients(&step, &batch, epoch, &loss));
    return loss;
}

static void micro_batches_add_up(void **state) {
    (void)state;
    Pictures pictures = drawn_pictures(6);
    Model whole, parts;
    open_model(&whole, 6);
    open_model(&parts, 2);
    double loss = gradients(&whole, &pictures, 5, 2);
    /* Twice, so that what was there before would show. */
    gradients(&parts, &pictures, 5, 3);
    double sum = gradients(&parts, &pictures, 5, 2);
    /* The same sums in another order: a few units of FP32's last place, of values near 1. */
    assert_true(fabs(sum - loss) < 1e-6);
    const Params *a = mae_params(whole.mae), *b = mae_params(parts.mae);
    double most = 0, largest = 0;
    for (size_t i = 0; i < a->trainable; i++) {
        most = fmax(most, fabs((double)a->grad[i] - b->grad[i]));
        largest = fmax(largest, fabs(a->grad[i]));
    }
    assert_true(largest > 1e-2);
    assert_true(most < 1e-5 * largest);
    close_model(&whole);
    close_model(&parts);
    pictures_close(&pictures);
}

static void masks_hang_on_seed_epoch_and_record(void **state) {
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
    masks_close(&masks);
}

/* The micro-batch that fails stays in the model, so that the guard can look at it. */
static void stops_at_a_loss_that_is_not_finite(void **state) {
    (void)state;
    Pictures pictures = drawn_pictures(4);
    Model model;
    open_model(&model, 2);
    const Params *params = mae_params(model.mae);
    params->value[params_find(params, "cls_token")->offset] = NAN;
    params->grad[0] = 123;
    assert_false(isfinite(gradients(&model, &pictures, 5, 2)));
    assert_true(params->grad[0] == 123);
    close_model(&model);
    pictures_close(&pictures);
}

/* Seven pictures two at a time: each counts the same, the last part is a single one. */
static void validation_is_the_mean_over_pictures(void **state) {
    (void)state;
    Pictures pictures = drawn_pictures(7);
    Model model;
    open_model(&model, 2);
    double all, one, sum = 0, five;
    assert_fine(validate_loss(model.mae, &model.masks, &pictures, 7, &all));
    assert_fine(validate_loss(model.mae, &model.masks, &pictures, 5, &five));
    for (int i = 0; i < 7; i++) {
        assert_fine(validate_forward(model.mae, &model.masks, &pictures, i, 1, &one));
        sum += one / 7;
    }
    /* Sums in double; a picture's loss may differ by FP32 rounding between batches. */
    assert_true(fabs(all - sum) < 1e-6);
    assert_true(fabs(five - all) > 1e-6);
    close_model(&model);
    pictures_close(&pictures);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(micro_batches_add_up),
        cmocka_unit_test(masks_hang_on_seed_epoch_and_record),
        cmocka_unit_test(stops_at_a_loss_that_is_not_finite),
        cmocka_unit_test(validation_is_the_mean_over_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
