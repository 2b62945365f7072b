/* SPDX-License-Identifier: Apache-2.0 */
/* A masked autoencoder's encoder on whole images, against a ViT of the same weights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "model/fp8.h"
#include "model/mae.h"
#include "model/vit.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 32, PATCHES = 16, PIXELS = SIDE * SIDE * 3, DIM = 48, IMAGES = 8 };

static ModelShape shape_of(int batch, Pool pool) {
    return (ModelShape){.image_size = SIDE,
                        .patch_size = 8,
                        .dim = DIM,
                        .depth = 3,
                        .heads = 4,
                        .decoder_dim = 32,
                        .decoder_depth = 1,
                        .decoder_heads = 4,
                        .mlp_ratio = 4,
                        .activation = ACTIVATION_GELU_ERF,
                        .norm_eps = 1e-6,
                        .mask_ratio = 0.75,
                        .whole = true,
                        .pool = pool,
                        .batch = batch};
}

static void draw_pixels(uint8_t *pixels) {
    Random random;
    random_start(&random, 7, RANDOM_TEST, 0, 0);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
}

static Mae *open_mae(const ModelShape *shape, Ops *ops) {
    Mae *mae;
    assert_fine(mae_open(shape, ops, &mae));
    assert_fine(mae_init(mae, 7));
    params_round(mae_params(mae), ops);
    return mae;
}

/* Features of all images, as many at a time as the model takes. */
static void encode_all(Mae *mae, Ops *ops, const uint8_t *pixels, float *features) {
    const int most = mae_whole_batch(mae_shape(mae));
    for (int first = 0; first < IMAGES; first += most) {
        const int batch = IMAGES - first < most ? IMAGES - first : most;
        fp8_begin(mae_params(mae)->fp8);
        const float *found = mae_encode(mae, &(ModelInput){.pixels = pixels + first * PIXELS, .batch = batch});
        assert_fine(ops_error(ops));
        memcpy(features + first * DIM, found, (size_t)batch * DIM * sizeof *found);
    }
}

/* The class token after the encoder's norm is what the head of a ViT of these weights sees. */
static void encodes_as_a_vit_does(void **state) {
    (void)state;
    static uint8_t pixels[IMAGES * PIXELS];
    float features[IMAGES * DIM];
    Ops ops;
    Vit *vit;
    ops_cpu(&ops, 2);
    draw_pixels(pixels);
    ModelShape shape = shape_of(3, POOL_CLS); /* a whole image has more tokens than the visible ones of 3 */
    assert_int_equal(mae_whole_batch(&shape), 1);
    Mae *mae = open_mae(&shape, &ops);
    encode_all(mae, &ops, pixels, features);
    shape.classes = 2;
    shape.batch = IMAGES;
    assert_fine(vit_open(&shape, &ops, &vit));
    const Params *from = mae_params(mae), *to = vit_params(vit);
    int copied = 0;
    for (int i = 0; i < to->count; i++) {
        const Param *own = params_find(from, to->list[i].name);
        if (!own)
            continue;
        memcpy(to->value + to->list[i].offset, from->value + own->offset, own->count * sizeof(float));
        copied++;
    }
    assert_int_equal(copied, to->count - 2); /* all but the head */
    params_round(to, &ops);
    vit_forward(vit, &(ModelInput){.pixels = pixels, .batch = IMAGES});
    for (int i = 0; i < IMAGES * DIM; i++) /* FP32 sums in another order, of values near 1 */
        assert_true(fabsf(features[i] - vit_features(vit)[i]) < 1e-5f);
    vit_close(vit);
    mae_close(mae);
}

/* The mean is that of the patches' tokens, the class token's row left out. */
static void the_mean_is_that_of_the_patches(void **state) {
    (void)state;
    static uint8_t pixels[IMAGES * PIXELS];
    Ops ops;
    ops_cpu(&ops, 2);
    draw_pixels(pixels);
    const ModelShape shape = shape_of(IMAGES, POOL_MEAN);
    assert_int_equal(mae_whole_batch(&shape), 2); /* 8 x 5 visible tokens, 17 of an image */
    Mae *mae = open_mae(&shape, &ops);
    const float *found = mae_encode(mae, &(ModelInput){.pixels = pixels, .batch = 2}), *tokens = mae_latent(mae);
    assert_fine(ops_error(&ops));
    for (int image = 0; image < 2; image++)
        for (int i = 0; i < DIM; i++) {
            double sum = 0;
            for (int token = 1; token <= PATCHES; token++)
                sum += (double)tokens[(image * (1 + PATCHES) + token) * DIM + i];
            assert_true(fabs((double)found[image * DIM + i] - sum / PATCHES) < 1e-6); /* rounding of FP32 */
        }
    mae_close(mae);
}

/* However many images are computed at a time, in each precision; training is as if there were none. */
static void whole_images_leave_no_trace(void **state) {
    (void)state;
    static uint8_t pixels[IMAGES * PIXELS];
    float apart[IMAGES * DIM], together[IMAGES * DIM];
    int32_t ids[IMAGES * PATCHES];
    draw_pixels(pixels);
    for (int i = 0; i < IMAGES * PATCHES; i++)
        ids[i] = i % PATCHES;
    for (int type = 0; type < 3; type++) { /* FP32, BF16, FP8 */
        ModelShape shape = shape_of(1, POOL_MEAN);
        Ops ops;
        double before, after;
        ops_cpu(&ops, 2);
        ops.type = type ? REAL_BF16 : REAL_FP32;
        shape.fp8 = type == 2;
        shape.recompute = type == 1 ? RECOMPUTE_BLOCKS : RECOMPUTE_NONE;
        Mae *mae = open_mae(&shape, &ops);
        encode_all(mae, &ops, pixels, apart);
        mae_close(mae);
        shape.batch = IMAGES;
        mae = open_mae(&shape, &ops);
        const ModelInput input = {.pixels = pixels, .ids = ids, .batch = IMAGES};
        for (int turn = 0; turn < 2; turn++) {
            fp8_begin(mae_params(mae)->fp8);
            mae_forward(mae, &input);
            assert_fine(mae_loss(mae, turn ? &after : &before));
            encode_all(mae, &ops, pixels, together);
        }
        assert_true(before == after);
        double worst = 0;
        for (int i = 0; i < IMAGES * DIM; i++)
            worst = fabs((double)apart[i] - (double)together[i]) > worst ? fabs((double)apart[i] - (double)together[i])
                                                                         : worst;
        /* FP8's scales are those of the images of a pass, of other sizes here: a few of its steps of 2^-4. */
        assert_true(worst < (type == 2 ? 0.2 : type ? 1e-2 : 1e-5));
        mae_close(mae);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_as_a_vit_does),
        cmocka_unit_test(the_mean_is_that_of_the_patches),
        cmocka_unit_test(whole_images_leave_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
