/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder alone, against the models that it is a part of, to the bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "model/backbone.h"
#include "model/mae.h"
#include "model/vit.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <string.h>

enum { SIDE = 32, PIXELS = SIDE * SIDE * 3, DIM = 48, IMAGES = 5, FEATURES = IMAGES * DIM };

static ModelShape shape_of(Pool pool) {
    return (ModelShape){.image_size = SIDE,
                        .patch_size = 8,
                        .dim = DIM,
                        .depth = 3,
                        .heads = 4,
                        .decoder_dim = 32,
                        .decoder_depth = 1,
                        .decoder_heads = 4,
                        .mlp_ratio = 4,
                        .activation = ACTIVATION_GELU_TANH,
                        .norm_eps = 1e-6,
                        .mask_ratio = 0.75,
                        .whole = true,
                        .pool = pool,
                        .task = TASK_CLASSIFY,
                        .classes = 2,
                        .batch = 4 * IMAGES};
}

static void draw_pixels(uint8_t *pixels) {
    Random random;
    random_start(&random, 7, RANDOM_TEST, 0, 0);
    for (int i = 0; i < IMAGES * PIXELS; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
}

/* Other values than a model begins with, where norms and LayerScale do next to nothing. */
static void draw_params(const Params *params) {
    for (int i = 0; i < params->count; i++) {
        Random random;
        uint64_t name = 0;
        for (const char *c = params->list[i].name; *c; c++)
            name = name * 31 + (uint64_t)*c; /* by name: models have them in other orders */
        random_start(&random, 5, RANDOM_TEST, 0, name % (UINT64_C(1) << 40));
        for (size_t j = 0; j < params->list[i].count; j++)
            params->value[params->list[i].offset + j] += (float)random_between(&random, -0.3, 0.3);
    }
}

static Backbone *open_backbone(const ModelShape *shape, bool norm, Ops *ops) {
    Backbone *backbone;
    assert_fine(backbone_open(shape, norm, ops, &backbone));
    draw_params(backbone_params(backbone));
    params_round(backbone_params(backbone), ops);
    return backbone;
}

static void encode(Backbone *backbone, const uint8_t *pixels, BackbonePool pool, float *features) {
    ModelInput input;
    const ModelInput host = {.pixels = pixels, .batch = IMAGES};
    assert_fine(backbone_upload(backbone, &host, &input));
    backbone_forward(backbone, &input);
    assert_fine(backbone_read(backbone, pool, features));
}

/* What a ViT's head sees, of weights that the draw alone decides. */
static void encode_vit(const ModelShape *shape, Ops *ops, const uint8_t *pixels, float *features) {
    Vit *vit;
    assert_fine(vit_open(shape, ops, &vit));
    const Params *params = vit_params(vit);
    draw_params(params);
    const Param *weight = params_find(params, "fc_norm.weight"), *bias = params_find(params, "fc_norm.bias");
    for (int i = 0; weight && i < DIM; i++) { /* without parameters */
        params->value[weight->offset + (size_t)i] = 1;
        params->value[bias->offset + (size_t)i] = 0;
    }
    params_round(params, ops);
    vit_forward(vit, &(ModelInput){.pixels = pixels, .batch = IMAGES});
    assert_fine(ops_error(ops));
    memcpy(features, vit_features(vit), FEATURES * sizeof *features);
    vit_close(vit);
}

static void assert_equal(const float *a, const float *b) {
    assert_memory_equal(a, b, FEATURES * sizeof *a);
    assert_true(a[0] != a[DIM]); /* of other images */
}

static void is_a_vit_without_its_head(void **state) {
    (void)state;
    static uint8_t pixels[IMAGES * PIXELS];
    draw_pixels(pixels);
    for (int round = 0; round < 4; round++) {
        float own[FEATURES], vit[FEATURES];
        Ops ops;
        ops_cpu(&ops, 2);
        ops.type = round & 1 ? REAL_BF16 : REAL_FP32;
        ModelShape shape = shape_of(round & 2 ? POOL_CLS : POOL_MEAN);
        shape.layer_scale = true;
        Backbone *backbone = open_backbone(&shape, round & 2, &ops);
        encode(backbone, pixels, round & 2 ? BACKBONE_CLS : BACKBONE_POOLED, own);
        encode_vit(&shape, &ops, pixels, vit);
        /* In FP32 another compiler multiplies and adds at once elsewhere: some rounding errors of values near 1. The
         * class token's norm is stored in BF16 here, 8 bits of it, and not in a ViT's head. */
        const float least = shape.pool == POOL_MEAN || ops.type == REAL_FP32 ? 2e-6f : 0.06f;
        for (int i = 0; i < FEATURES; i++)
            assert_true(fabsf(own[i] - vit[i]) < least);
        assert_true(own[0] != own[DIM]); /* of other images */
        backbone_close(backbone);
    }
}

static void is_a_masked_autoencoders_encoder(void **state) {
    (void)state;
    static uint8_t pixels[IMAGES * PIXELS];
    float own[FEATURES];
    Ops ops;
    Mae *mae;
    ops_cpu(&ops, 2);
    draw_pixels(pixels);
    const ModelShape shape = shape_of(POOL_MEAN);
    assert_fine(mae_open(&shape, &ops, &mae));
    draw_params(mae_params(mae));
    Backbone *backbone = open_backbone(&shape, true, &ops);
    encode(backbone, pixels, BACKBONE_MEAN, own);
    assert_equal(own, mae_encode(mae, &(ModelInput){.pixels = pixels, .batch = IMAGES}));
    backbone_close(backbone);
    mae_close(mae);
}

/* No gradients, and one block's memory for all. */
static void takes_the_memory_of_one_block(void **state) {
    (void)state;
    size_t bytes[2];
    for (int deep = 0; deep < 2; deep++) {
        Arena host = {0}, device = {0};
        ModelShape shape = shape_of(POOL_MEAN);
        shape.layer_scale = true;
        shape.depth = deep ? 30 : 3;
        assert_fine(backbone_measure(&shape, true, REAL_FP32, true, &host, &device));
        bytes[deep] = device.used;
    }
    const size_t weights = (12 * DIM * DIM + 15 * DIM) * sizeof(float); /* of a block */
    assert_true(bytes[1] - bytes[0] < 27 * (weights + 20 * 64)); /* each of 20 tensors begins at a multiple of 64 */
}

static void asks_for_a_norm_that_it_lacks(void **state) {
    (void)state;
    Ops ops;
    float features[FEATURES];
    static uint8_t pixels[IMAGES * PIXELS];
    ops_cpu(&ops, 1);
    const ModelShape shape = shape_of(POOL_MEAN);
    Backbone *backbone = open_backbone(&shape, false, &ops);
    ModelInput input;
    assert_fine(backbone_upload(backbone, &(ModelInput){.pixels = pixels, .batch = IMAGES}, &input));
    backbone_forward(backbone, &input);
    assert_refused(backbone_read(backbone, BACKBONE_MEAN, features), EXIT_INTERNAL, "without its last norm");
    backbone_close(backbone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_vit_without_its_head),
        cmocka_unit_test(is_a_masked_autoencoders_encoder),
        cmocka_unit_test(takes_the_memory_of_one_block),
        cmocka_unit_test(asks_for_a_norm_that_it_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
