/* SPDX-License-Identifier: Apache-2.0 */
/* The state of a model in FP8 beside its parameters. checkops and the recorded cases check the arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "model/fp8.h"
#include "model/mae.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PATCHES = 16, SIDE = 32, PIXELS = SIDE * SIDE * 3, BATCH = 2, LINEARS = 8, SCALES = LINEARS * FP8_TENSORS };

static ModelShape shape_of(int dim) {
    return (ModelShape){.image_size = SIDE,
                        .patch_size = 8,
                        .dim = dim,
                        .depth = 4,
                        .heads = 2,
                        .decoder_dim = 32,
                        .decoder_depth = 1,
                        .decoder_heads = 2,
                        .mlp_ratio = 4,
                        .activation = ACTIVATION_GELU_ERF,
                        .norm_eps = 1e-6,
                        .mask_ratio = 0.75,
                        .batch = BATCH,
                        .fp8 = true};
}

typedef struct {
    Ops ops;
    Mae *mae;
    Fp8 *fp8;
    float *grad;
    uint8_t pixels[2][BATCH * PIXELS];
    int32_t ids[BATCH * PATCHES];
} Fixture;

static void open_model(Fixture *f, const ModelShape *shape) {
    ops_cpu(&f->ops, 2);
    f->ops.type = REAL_BF16;
    assert_null(mae_open(shape, &f->ops, &f->mae));
    assert_null(mae_init(f->mae, 7));
    f->fp8 = mae_params(f->mae)->fp8;
    f->grad = mae_params(f->mae)->grad;
}

static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    const ModelShape shape = shape_of(32);
    open_model(f, &shape);
    Random random;
    random_start(&random, 7, RANDOM_TEST, 0, 0);
    for (int i = 0; i < BATCH * PIXELS; i++) {
        f->pixels[0][i] = (uint8_t)random_below(&random, 256);
        f->pixels[1][i] = (uint8_t)random_below(&random, 256);
    }
    for (int i = 0; i < BATCH * PATCHES; i++)
        f->ids[i] = i % PATCHES;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    mae_close(f->mae);
    free(f);
    return 0;
}

/* Both passes over one of the batches; the loss. */
static double run_pass(Fixture *f, int batch, bool backward) {
    const ModelInput input = {.pixels = f->pixels[batch], .ids = f->ids, .batch = BATCH};
    double loss;
    mae_forward(f->mae, &input);
    assert_null(mae_loss(f->mae, &loss));
    if (backward)
        mae_backward(f->mae, &input, 1, false);
    assert_null(ops_error(&f->ops));
    return loss;
}

static double run_step(Fixture *f, int batch) {
    fp8_begin(f->fp8);
    const double loss = run_pass(f, batch, true);
    fp8_end(f->fp8, NULL);
    fp8_settle(f->fp8);
    return loss;
}

static void names_and_first_scales(void **state) {
    Fixture *f = *state;
    Fp8Scale scales[SCALES];
    assert_int_equal(fp8_linears(f->fp8), LINEARS);
    assert_int_equal(mae_params(f->mae)->fp8_linears, LINEARS);
    assert_string_equal(fp8_name(f->fp8, 0), "blocks.1.attn.qkv");
    assert_string_equal(fp8_name(f->fp8, 7), "blocks.2.mlp.fc2");
    assert_null(fp8_read(f->fp8, scales));
    for (int i = 0; i < SCALES; i++) {
        assert_true(scales[i].scale == 0 && scales[i].history[0] == 0);
        assert_int_equal(scales[i].format, i % FP8_TENSORS == FP8_GRADIENT ? FP8_E5M2 : FP8_E4M3);
    }
    const int generation = fp8_generation(f->fp8);
    run_step(f, 0);
    assert_int_not_equal(fp8_generation(f->fp8), generation);
    assert_null(fp8_read(f->fp8, scales));
    for (int i = 0; i < SCALES; i++) { /* taken from the tensors: nothing saturated in the first step */
        const double most = scales[i].history[0] * (double)scales[i].scale;
        const double limit = scales[i].format == FP8_E4M3 ? 448 : 57344.0 / 16;
        assert_true(most <= limit && most > limit / 2);
        assert_int_equal(scales[i].overflows, 0);
        assert_int_equal(scales[i].position, 1);
    }
    run_step(f, 1);
    assert_int_equal(fp8_generation(f->fp8), generation + 1);
}

static void passes_of_no_step_leave_no_trace(void **state) {
    Fixture *f = *state;
    Fp8Scale before[SCALES], after[SCALES];
    const double first = run_step(f, 0);
    float *grad = malloc(sizeof *grad * mae_params(f->mae)->trained);
    fp8_begin(f->fp8);
    run_pass(f, 0, true);
    memcpy(grad, f->grad, sizeof *grad * mae_params(f->mae)->trained);
    assert_null(fp8_read(f->fp8, before));
    fp8_begin(f->fp8);
    run_pass(f, 1, false);
    fp8_begin(f->fp8);
    const double again = run_pass(f, 0, true);
    assert_null(fp8_read(f->fp8, after));
    assert_memory_equal(before, after, sizeof before);
    assert_memory_equal(grad, f->grad, sizeof *grad * mae_params(f->mae)->trained);
    assert_true(fabs(again / first - 1) < 1e-3); /* the scales are those of the first step */
    free(grad);
}

static void scales_that_were_read_go_on(void **state) {
    Fixture *f = *state;
    Fp8Scale kept[SCALES], there[SCALES], here[SCALES];
    run_step(f, 0);
    assert_null(fp8_read(f->fp8, kept));
    const double loss = run_step(f, 1);
    assert_null(fp8_read(f->fp8, there));
    assert_null(fp8_reset(f->fp8));
    run_step(f, 1);
    assert_null(fp8_write(f->fp8, kept));
    assert_true(run_step(f, 1) == loss);
    assert_null(fp8_read(f->fp8, here));
    assert_memory_equal(here, there, sizeof here);
}

static void counts_are_reported_once(void **state) {
    Fixture *f = *state;
    Fp8Scale scales[SCALES];
    run_step(f, 0);
    assert_null(fp8_read(f->fp8, scales));
    for (int i = 0; i < SCALES; i++) /* as if the tensors had been a thousand times smaller so far */
        scales[i].scale *= 1024;
    const int generation = fp8_generation(f->fp8);
    assert_null(fp8_write(f->fp8, scales));
    assert_true(fp8_generation(f->fp8) > generation);
    run_step(f, 0);
    const int since = fp8_generation(f->fp8);
    assert_null(fp8_read_overflows(f->fp8, scales));
    for (int i = 0; i < SCALES; i++)
        assert_true(scales[i].overflows == 1 && scales[i].all_saturated > 0 && scales[i].recent == 1);
    assert_null(fp8_read_overflows(f->fp8, scales));
    for (int i = 0; i < SCALES; i++)
        assert_true(scales[i].overflows == 0 && scales[i].all_saturated == 0 && scales[i].recent == 1);
    assert_int_equal(fp8_generation(f->fp8), since);
}

static void a_closed_gate_leaves_no_trace(void **state) {
    Fixture *f = *state;
    Fp8Scale before[SCALES], after[SCALES];
    const float gate = NAN;
    const double first = run_step(f, 0);
    run_step(f, 0);
    assert_null(fp8_reset(f->fp8));
    assert_null(fp8_read(f->fp8, before));
    fp8_begin(f->fp8);
    run_pass(f, 1, true);
    fp8_end(f->fp8, &gate);
    assert_true(run_step(f, 0) == first); /* scales from this batch, not from that */
    assert_null(fp8_read(f->fp8, after));
    assert_true(before[0].history[0] == 0 && after[0].position == 1);
}

/* Recomputation in the backward pass is not counted again. */
static void recomputing_changes_nothing(void **state) {
    Fixture *f = *state;
    const size_t bytes = sizeof(float) * mae_params(f->mae)->trained;
    Fp8Scale scales[3][SCALES];
    float *grad = malloc(bytes);
    for (int level = 0; level < 3; level++) {
        mae_close(f->mae);
        ModelShape shape = shape_of(32);
        shape.recompute = (Recompute)level;
        open_model(f, &shape);
        run_step(f, 0);
        assert_null(fp8_read(f->fp8, scales[level]));
        for (int i = 0; i < SCALES; i++) /* so that values saturate */
            scales[level][i].scale *= 8;
        assert_null(fp8_write(f->fp8, scales[level]));
        run_step(f, 1);
        assert_null(fp8_read(f->fp8, scales[level]));
        assert_true(scales[level][0].all_saturated > 0);
        assert_memory_equal(scales[level], scales[0], sizeof scales[0]);
        if (level == 0)
            memcpy(grad, f->grad, bytes);
        assert_memory_equal(grad, f->grad, bytes);
    }
    free(grad);
}

static void layers_turned_off_are_in_bf16(void **state) {
    Fixture *f = *state;
    const size_t bytes = sizeof(float) * mae_params(f->mae)->trained;
    const double loss = run_step(f, 0);
    const int generation = fp8_generation(f->fp8);
    for (int i = 0; i < LINEARS; i++)
        fp8_turn_off(f->fp8, i, true);
    assert_true(fp8_is_off(f->fp8, 3) && fp8_generation(f->fp8) > generation);
    const double off = run_step(f, 0);
    float *grad = malloc(bytes);
    memcpy(grad, f->grad, bytes);
    mae_close(f->mae);
    ModelShape shape = shape_of(32);
    shape.fp8 = false;
    open_model(f, &shape);
    assert_null(f->fp8);
    assert_true(run_step(f, 0) == off && off != loss);
    assert_memory_equal(grad, f->grad, bytes);
    free(grad);
}

static void the_outer_of_several_blocks_stay_in_bf16(void **state) {
    Fixture *f = *state;
    for (int depth = 1; depth <= 5; depth++) {
        mae_close(f->mae);
        ModelShape shape = shape_of(24); /* no multiple of 16, as the library's products would have it */
        shape.depth = depth;
        open_model(f, &shape);
        const int inner = depth > 2 ? depth - 2 : 1;
        assert_int_equal(fp8_linears(f->fp8), 4 * inner);
        assert_string_equal(fp8_name(f->fp8, 0), depth > 1 ? "blocks.1.attn.qkv" : "blocks.0.attn.qkv");
        const double loss = run_step(f, 0);
        for (int i = 0; i < 4 * inner; i++)
            fp8_turn_off(f->fp8, i, true);
        assert_true(run_step(f, 0) != loss);
    }
}

static void gpus_without_it_are_refused_by_name(void **state) {
    (void)state;
    assert_null(fp8_check("", 0));
    assert_null(fp8_check("NVIDIA L40S", 89));
    assert_null(fp8_check("NVIDIA H100", 90));
    Status status = fp8_check("NVIDIA A100-SXM4-80GB, 79.1 GiB", 80);
    assert_int_equal(status_code(status), EXIT_MISSING);
    assert_non_null(strstr(status_message(status), "NVIDIA A100-SXM4-80GB, 79.1 GiB is of compute capability 8.0"));
    status_free(status);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_and_first_scales, set_up, tear_down),
        cmocka_unit_test_setup_teardown(passes_of_no_step_leave_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scales_that_were_read_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(counts_are_reported_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_closed_gate_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(recomputing_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(layers_turned_off_are_in_bf16, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_outer_of_several_blocks_stay_in_bf16, set_up, tear_down),
        cmocka_unit_test(gpus_without_it_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
