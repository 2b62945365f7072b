/* SPDX-License-Identifier: Apache-2.0 */
/* Attention rollout: of weights whose attention is known beforehand, and of drawn ones against the whole product of
 * matrices over what a ViT with the same weights attends to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "eval/features/rollout.h"
#include "model/vit.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <string.h>

enum { SIDE = 24, PATCH = 8, PATCHES = 9, TOKENS = 1 + PATCHES, DIM = 16, HEADS = 2, HEAD = 8, DEPTH = 3 };

static const ModelShape shape = {.image_size = SIDE,
                                 .patch_size = PATCH,
                                 .dim = DIM,
                                 .depth = DEPTH,
                                 .heads = HEADS,
                                 .mlp_ratio = 4,
                                 .norm_eps = 1e-6,
                                 .activation = ACTIVATION_GELU_ERF,
                                 .pool = POOL_CLS,
                                 .task = TASK_REGRESS,
                                 .classes = 1,
                                 .batch = 2};

static void open_encoder(Ops *ops, Encoder *encoder) {
    *encoder = (Encoder){.shape = shape, .ops = ops, .type = ops->type};
    assert_fine(backbone_open(&shape, true, ops, &encoder->backbone));
}

static float *values_of(const Params *params, const char *name) {
    const Param *param = params_find(params, name);
    assert_non_null(param);
    return params->value + param->offset;
}

static void draw_pixels(uint8_t pixels[SIDE * SIDE * 3]) {
    Random random;
    random_start(&random, 3, RANDOM_TEST, 0, 0);
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        pixels[i] = (uint8_t)random_below(&random, 256);
}

/* Without weights all scores are 0: A is 1 / TOKENS everywhere, and a token keeps 2^-DEPTH of itself. */
static void even_attention_is_an_even_rollout(void **state) {
    (void)state;
    static const struct {
        TaskFeatures tokens;
        double own; /* what a patch's token is of the features' */
    } cases[] = {
        {TASK_CLS, 0}, {TASK_MEAN, 1.0 / PATCHES}, {TASK_POOLED, 1.0 / PATCHES}, {TASK_CLS_MEAN, 0.5 / PATCHES}};
    uint8_t pixels[SIDE * SIDE * 3];
    double shares[PATCHES];
    Encoder encoder;
    Ops ops;
    ops_cpu(&ops, 1);
    open_encoder(&ops, &encoder);
    draw_pixels(pixels);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_fine(rollout_run(&encoder, cases[i].tokens, pixels, 1, shares));
        const double kept = pow(0.5, DEPTH);
        for (int p = 0; p < PATCHES; p++) /* sums of ten numbers in double */
            assert_true(fabs(shares[p] - (kept * cases[i].own + (1 - kept) / TOKENS)) < 1e-14);
    }
    backbone_close(encoder.backbone);
}

/* Every query is the same, and one patch's key alone is along it. */
static void all_look_at_one_patch(void **state) {
    (void)state;
    enum { SEEN = 5 };
    uint8_t pixels[SIDE * SIDE * 3];
    double shares[PATCHES];
    Encoder encoder;
    Ops ops;
    ops_cpu(&ops, 1);
    open_encoder(&ops, &encoder);
    draw_pixels(pixels);
    const Params *params = backbone_params(encoder.backbone);
    float *positions = values_of(params, "pos_embed");
    for (int t = 0; t < TOKENS; t++)
        positions[t * DIM + (t == 1 + SEEN ? 0 : 1)] = 1; /* the norm makes 3.87 of it, and -0.26 of the zeros */
    for (int b = 0; b < DEPTH; b++) {
        char name[64];
        snprintf(name, sizeof name, "blocks.%d.norm1.weight", b);
        for (int i = 0; i < DIM; i++)
            values_of(params, name)[i] = 1;
        for (int h = 0; h < HEADS; h++) {
            snprintf(name, sizeof name, "blocks.%d.attn.qkv.bias", b);
            values_of(params, name)[h * HEAD] = 100;
            snprintf(name, sizeof name, "blocks.%d.attn.qkv.weight", b);
            values_of(params, name)[(DIM + h * HEAD) * DIM] = 1;
        }
    }
    params_round(params, &ops);
    assert_fine(rollout_run(&encoder, TASK_CLS, pixels, 1, shares));
    for (int p = 0; p < PATCHES; p++) /* the others' scores are 146 below: e^-146 each */
        assert_true(fabs(shares[p] - (p == SEEN ? 1 - pow(0.5, DEPTH) : 0)) < 1e-14);
    backbone_close(encoder.backbone);
}

static void draw_params(const Params *params) {
    for (int i = 0; i < params->count; i++) {
        Random random;
        uint64_t name = 0;
        for (const char *c = params->list[i].name; *c; c++)
            name = name * 31 + (uint64_t)*c; /* by name: models have them in other orders */
        random_start(&random, 5, RANDOM_TEST, 0, name % (UINT64_C(1) << 40));
        for (size_t j = 0; j < params->list[i].count; j++)
            params->value[params->list[i].offset + j] = (float)random_between(&random, -0.6, 0.6);
    }
}

typedef struct {
    const Ops *ops;
    double product[TOKENS][TOKENS]; /* of the blocks so far */
    int blocks;
} Naive;

/* product = (0.5 A + 0.5 I) product */
static bool multiply(void *context, const VisitedTensor *tensor) {
    Naive *n = context;
    static float qkv[TOKENS][3][HEADS][HEAD];
    double layer[TOKENS][TOKENS] = {0}, product[TOKENS][TOKENS] = {0};
    if (!tensor->attention)
        return true;
    assert_fine(model_read(n->ops, tensor->attention->qkv, TOKENS * 3 * DIM, qkv[0][0][0]));
    for (int i = 0; i < TOKENS; i++)
        for (int h = 0; h < HEADS; h++) {
            double e[TOKENS], sum = 0;
            for (int j = 0; j < TOKENS; j++) {
                double score = 0;
                for (int d = 0; d < HEAD; d++)
                    score += (double)qkv[i][0][h][d] * qkv[j][1][h][d];
                sum += e[j] = exp(score / sqrt(HEAD));
            }
            for (int j = 0; j < TOKENS; j++)
                layer[i][j] += 0.5 * e[j] / sum / HEADS;
        }
    for (int i = 0; i < TOKENS; i++)
        layer[i][i] += 0.5;
    for (int i = 0; i < TOKENS; i++)
        for (int j = 0; j < TOKENS; j++)
            for (int k = 0; k < TOKENS; k++)
                product[i][j] += layer[i][k] * n->product[k][j];
    memcpy(n->product, product, sizeof product);
    n->blocks++;
    return true;
}

static void is_the_product_over_blocks(void **state) {
    (void)state;
    uint8_t pixels[SIDE * SIDE * 3];
    draw_pixels(pixels);
    for (int round = 0; round < 2; round++) {
        double cls[PATCHES], mean[PATCHES], both[PATCHES], again[PATCHES];
        Encoder encoder;
        Ops ops;
        Vit *vit;
        ops_cpu(&ops, 2);
        ops.type = round ? REAL_BF16 : REAL_FP32;
        Naive naive = {.ops = &ops};
        for (int i = 0; i < TOKENS; i++)
            naive.product[i][i] = 1;
        assert_fine(vit_open(&shape, &ops, &vit));
        draw_params(vit_params(vit));
        params_round(vit_params(vit), &ops);
        vit_forward(vit, &(ModelInput){.pixels = pixels, .batch = 1});
        vit_visit(vit, multiply, &naive);
        vit_close(vit);
        open_encoder(&ops, &encoder);
        draw_params(backbone_params(encoder.backbone));
        params_round(backbone_params(encoder.backbone), &ops);
        assert_fine(rollout_run(&encoder, TASK_CLS, pixels, 1, cls));
        assert_fine(rollout_run(&encoder, TASK_MEAN, pixels, 1, mean));
        assert_fine(rollout_run(&encoder, TASK_CLS_MEAN, pixels, 1, both));
        assert_fine(rollout_run(&encoder, TASK_CLS, pixels, 3, again));
        backbone_close(encoder.backbone);
        assert_int_equal(naive.blocks, DEPTH);
        assert_memory_equal(cls, again, sizeof cls);
        assert_true(fabs(cls[0] - cls[1]) > 1e-3);
        for (int p = 0; p < PATCHES; p++) {
            double of_patches = 0;
            for (int i = 1; i < TOKENS; i++)
                of_patches += naive.product[i][1 + p] / PATCHES;
            /* some hundred additions of numbers below 1, in another order, each rounded to 1e-16 */
            assert_true(fabs(cls[p] - naive.product[0][1 + p]) < 1e-13);
            assert_true(fabs(mean[p] - of_patches) < 1e-13);
            assert_true(fabs(both[p] - (naive.product[0][1 + p] + of_patches) / 2) < 1e-13);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(even_attention_is_an_even_rollout),
        cmocka_unit_test(all_look_at_one_patch),
        cmocka_unit_test(is_the_product_over_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
