/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "train/optimizer.h"

#include <math.h>
#include <string.h>

/* Tensors of two values each, for every rule of the decay groups, and which of the two kinds of training decays them.
 */
static const struct {
    const char *name;
    int dims, layer;
    bool pretraining, fine_tuning;
} listed[] = {{"cls_token", 3, 0, true, false},
              {"pos_embed", 3, 0, true, false},
              {"mask_token", 3, 0, true, true},
              {"patch_embed.proj.bias", 1, 0, false, false},
              {"blocks.0.norm1.weight", 1, 1, false, false},
              {"blocks.0.norm1.bias", 1, 1, false, false},
              {"blocks.0.attn.qkv.weight", 2, 1, true, true},
              {"blocks.0.attn.qkv.bias", 1, 1, false, false},
              {"blocks.0.table.bias", 2, 1, false, false},
              {"head.weight", 2, 3, true, true}};
enum { TENSORS = sizeof listed / sizeof *listed, VALUES = 2 };

static void build(Params *params, Arena *arena, int frozen_layers) {
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            assert_null(arena_open(arena, arena->used, "the test"));
        else
            *arena = (Arena){0};
        params_begin(params, arena, TENSORS);
        params_freeze(params, frozen_layers);
        for (int i = 0; i < TENSORS; i++)
            params_add(params, listed[i].name, true, listed[i].layer, listed[i].dims, (int64_t[]){VALUES, 1, 1});
        params_end(params, arena, device_cpu(), REAL_FP32);
    }
}

/* AdamW written out for one value, in double. */
static double expected(double p, const double *grads, int steps, double lr, double decay) {
    double m = 0, v = 0;
    for (int t = 1; t <= steps; t++) {
        m = 0.9 * m + 0.1 * grads[t - 1];
        v = 0.95 * v + 0.05 * grads[t - 1] * grads[t - 1];
        p -= lr * decay * p;
        p -= lr * (m / (1 - pow(0.9, t))) / (sqrt(v / (1 - pow(0.95, t))) + 1e-8);
    }
    return p;
}

static void check_groups(bool decay_tokens, double layer_decay) {
    Arena arena;
    Params params;
    Ops ops;
    Optimizer *optimizer;
    build(&params, &arena, 0);
    ops_cpu(&ops, 1);
    OptimizerOptions options = {.beta1 = 0.9,
                                .beta2 = 0.95,
                                .eps = 1e-8,
                                .weight_decay = 0.05,
                                .layer_decay = layer_decay,
                                .layers = 2,
                                .decay_tokens = decay_tokens};
    assert_null(optimizer_open(&options, &params, &ops, &optimizer));
    const double grads[3] = {0.5, -1.5, 0.25};
    for (int i = 0; i < TENSORS; i++)
        params_value(&params, i)[1] = 2;
    for (int t = 1; t <= 3; t++) {
        float norm;
        for (int i = 0; i < TENSORS; i++)
            params_grad(&params, i)[1] = (float)grads[t - 1];
        assert_null(optimizer_step(optimizer, 0.1, t, &norm));
        assert_true(fabs(norm - sqrt(TENSORS) * fabs(grads[t - 1])) < 1e-6); /* equal values; FP32 near 5 */
    }
    for (int i = 0; i < TENSORS; i++) {
        const bool decays = decay_tokens ? listed[i].pretraining : listed[i].fine_tuning;
        double lr = 0.1 * pow(layer_decay, 3 - listed[i].layer);
        double want = expected(2, grads, 3, lr, decays ? 0.05 : 0);
        assert_true(fabs(params_value(&params, i)[1] - want) < 1e-6); /* FP32 around 2, three steps */
        assert_true(params_value(&params, i)[0] == 0);
    }
    optimizer_close(optimizer);
    arena_close(&arena);
}

static void mae_decays_tokens_but_no_vector(void **state) {
    (void)state;
    check_groups(true, 1);
}

static void fine_tuning_spares_tokens_and_scales_layers(void **state) {
    (void)state;
    check_groups(false, 0.65);
}

/* Vectors, too, are pulled to their first values; what is fresh decays to 0, and what is frozen stays. */
static void l2sp_pulls_to_the_first_values(void **state) {
    (void)state;
    enum { FRESH = 9 };
    Arena arena;
    Params params;
    Ops ops;
    Optimizer *optimizer;
    build(&params, &arena, 1);
    ops_cpu(&ops, 1);
    OptimizerOptions options = {
        .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.05, .l2sp = 0.5, .layer_decay = 1};
    assert_null(optimizer_open(&options, &params, &ops, &optimizer));
    for (int i = 0; i < TENSORS; i++)
        params_value(&params, i)[1] = 2;
    params_add_fresh(&params, FRESH);
    assert_null(optimizer_keep_first(optimizer));
    for (int i = 0; i < TENSORS; i++)
        params_value(&params, i)[1] = 3;
    float norm;
    assert_null(optimizer_step(optimizer, 0.1, 1, &norm));
    for (int i = 0; i < TENSORS; i++) {
        const double want = listed[i].layer == 0 ? 3 : i == FRESH ? 3 - 0.1 * 0.05 * 3 : 3 - 0.1 * 0.5 * (3 - 2);
        assert_true(params.list[i].frozen == (listed[i].layer == 0));
        assert_true(fabs(params_value(&params, i)[1] - want) < 1e-6); /* FP32 around 3 */
    }
    optimizer_close(optimizer);
    arena_close(&arena);
}

/* 1 - 0.999 in single precision from a rounded 0.999 is 1.3e-5 off, and so would the second moment be. */
static void the_first_moments_are_the_gradients_share(void **state) {
    (void)state;
    Arena arena;
    Params params;
    Ops ops;
    Optimizer *optimizer;
    build(&params, &arena, 0);
    ops_cpu(&ops, 1);
    const OptimizerOptions options = {.beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .layer_decay = 1};
    assert_null(optimizer_open(&options, &params, &ops, &optimizer));
    params_grad(&params, 1)[0] = 0.75f;
    float norm;
    assert_null(optimizer_step(optimizer, 0.1, 1, &norm));
    const size_t at = params.list[1].offset;
    const double rounding = 0x1p-22; /* of the share, of its product and of the square */
    assert_true(fabs(params.m[at] / (0.1 * 0.75) - 1) < rounding);
    assert_true(fabs(params.v[at] / (0.001 * 0.75 * 0.75) - 1) < rounding);
    optimizer_close(optimizer);
    arena_close(&arena);
}

static void a_norm_that_is_not_finite_changes_nothing(void **state) {
    (void)state;
    Arena arena;
    Params params;
    Ops ops;
    Optimizer *optimizer;
    build(&params, &arena, 0);
    ops_cpu(&ops, 1);
    OptimizerOptions options = {.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.05, .layer_decay = 1};
    assert_null(optimizer_open(&options, &params, &ops, &optimizer));
    params_value(&params, 1)[0] = 3;
    params_grad(&params, 1)[0] = 1;
    params_grad(&params, 2)[1] = NAN;
    float norm;
    assert_null(optimizer_step(optimizer, 0.1, 1, &norm));
    assert_false(isfinite(norm));
    assert_true(params_value(&params, 1)[0] == 3 && params.m[params.list[1].offset] == 0);
    optimizer_close(optimizer);
    arena_close(&arena);
}

static void clipping_bounds_the_gradient(void **state) {
    (void)state;
    Arena arena;
    Params params;
    Ops ops;
    Optimizer *optimizer;
    build(&params, &arena, 0);
    ops_cpu(&ops, 1);
    OptimizerOptions options = {.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .clip = 1, .layer_decay = 1};
    assert_null(optimizer_open(&options, &params, &ops, &optimizer));
    params_grad(&params, 1)[0] = 3;
    params_grad(&params, 3)[0] = -4;
    float norm;
    assert_null(optimizer_step(optimizer, 0.1, 1, &norm));
    /* FP32 near 5, and near 0.08 after the division: a unit in the last place is 5e-7 and 7e-9. */
    assert_true(fabs(norm - 5) < 1e-6);
    assert_true(fabs(params.m[params.list[1].offset] - 0.1 * 3 / 5) < 1e-7);
    assert_true(fabs(params.m[params.list[3].offset] + 0.1 * 4 / 5) < 1e-7);
    optimizer_close(optimizer);
    arena_close(&arena);
}

static void schedule_warms_up_and_falls_by_half_a_cosine(void **state) {
    (void)state;
    const Schedule schedule = {.peak_lr = 2.4e-3, .min_lr = 1e-4, .warmup_steps = 40, .total_steps = 100};
    assert_true(schedule_lr(&schedule, 0) == 0);
    assert_true(fabs(schedule_lr(&schedule, 10) - 2.4e-3 / 4) < 1e-12);
    assert_true(fabs(schedule_lr(&schedule, 40) - 2.4e-3) < 1e-12);
    assert_true(fabs(schedule_lr(&schedule, 70) - (2.4e-3 + 1e-4) / 2) < 1e-12);
    assert_true(fabs(schedule_lr(&schedule, 100) - 1e-4) < 1e-12);
    /* Four steps of a rate of 1, by hand: (1 + cos(k pi / 4)) / 2. Held, the others have that of the last one. */
    static const double by_hand[] = {1, 0.8535533905932737, 0.5, 0.14644660940672627};
    const Schedule four = {.peak_lr = 1, .total_steps = 4}, held = {.peak_lr = 1, .total_steps = 4, .held_from = 4};
    for (int step = 0; step < 9; step++) {
        assert_true(fabs(schedule_lr(&held, step) - by_hand[step < 4 ? step : 3]) < 1e-15);
        assert_true(fabs(schedule_lr(&four, step) - (step < 4 ? by_hand[step] : 0)) < 1e-15);
    }
    const Schedule all_warmup = {.peak_lr = 1, .warmup_steps = 50, .total_steps = 50};
    assert_true(isfinite(schedule_lr(&all_warmup, 50)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mae_decays_tokens_but_no_vector),
        cmocka_unit_test(fine_tuning_spares_tokens_and_scales_layers),
        cmocka_unit_test(l2sp_pulls_to_the_first_values),
        cmocka_unit_test(the_first_moments_are_the_gradients_share),
        cmocka_unit_test(a_norm_that_is_not_finite_changes_nothing),
        cmocka_unit_test(clipping_bounds_the_gradient),
        cmocka_unit_test(schedule_warms_up_and_falls_by_half_a_cosine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
