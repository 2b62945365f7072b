/* SPDX-License-Identifier: Apache-2.0 */
/* The guard: naming the first tensor that is not finite. */
#include "tests/fixtures/train_fixture.h"

#include "train/guard/guard_find.h"
#include "train/objective/masks.h"

#include <math.h>

/* A model after a forward and a backward pass. */
typedef struct {
    Ops ops;
    Objective *objective;
    Masks masks;
    EvaluationImages images;
    ModelInput input;
} Passed;

static int pass_open(void **state) {
    Passed *passed = calloc(1, sizeof *passed);
    assert_non_null(passed);
    ModelShape shape = tiny_shape(2);
    ops_cpu(&passed->ops, 1);
    passed->objective = tiny_objective(&passed->ops, &shape);
    passed->images = drawn_images(2);
    assert_fine(masks_open(&passed->masks, 2, PATCHES));
    masks_draw(&passed->masks, 1, 0, passed->images.records, 2);
    passed->input = (ModelInput){.pixels = passed->images.pixels, .ids = passed->masks.ids, .batch = 2};
    *state = passed;
    return 0;
}

static int pass_close(void **state) {
    Passed *passed = *state;
    passed->objective->close(passed->objective);
    masks_close(&passed->masks);
    evaluation_images_close(&passed->images);
    free(passed);
    return 0;
}

static double forward_backward(Passed *passed) {
    double loss;
    Objective *objective = passed->objective;
    objective->forward(objective, &passed->input);
    assert_fine(objective->loss(objective, &loss));
    objective->backward(objective, &passed->input, 1, false);
    assert_fine(ops_error(&passed->ops));
    return loss;
}

static float *tensor(Passed *passed, const char *name, bool gradient) {
    const Params *params = passed->objective->params;
    const Param *param = params_find(params, name);
    assert_non_null(param);
    return gradient ? params->grad + param->offset : params->value + param->offset;
}

static void expect(Passed *passed, bool gradients, FoundKind kind, const char *name) {
    GuardFinding finding;
    assert_fine(guard_find(passed->objective, &passed->ops, gradients, &finding));
    assert_int_equal(finding.kind, kind);
    assert_string_equal(finding.name, name);
}

static void finds_nothing_in_a_sound_model(void **state) {
    assert_true(isfinite(forward_backward(*state)));
    expect(*state, true, FOUND_NOTHING, "");
}

static void names_the_first_parameter(void **state) {
    tensor(*state, "decoder_blocks.0.attn.proj.bias", false)[11] = INFINITY;
    tensor(*state, "blocks.1.mlp.fc1.weight", false)[3] = NAN;
    assert_false(isfinite(forward_backward(*state)));
    expect(*state, true, FOUND_PARAMETER, "blocks.1.mlp.fc1.weight");
    GuardFinding finding;
    assert_fine(guard_find_parameter(((Passed *)*state)->objective, &((Passed *)*state)->ops, &finding));
    assert_string_equal(finding.name, "blocks.1.mlp.fc1.weight");
}

/* Finite weights whose product is not: the layer where that happens, not one it spreads to. */
static void names_the_first_activation(void **state) {
    float *weight = tensor(*state, "blocks.1.attn.proj.weight", false);
    for (int i = 0; i < 16 * 16; i++)
        weight[i] = 3e38f;
    float *bias = tensor(*state, "blocks.1.attn.proj.bias", false);
    for (int i = 0; i < 16; i++)
        bias[i] = 3e38f;
    forward_backward(*state);
    expect(*state, true, FOUND_ACTIVATION, "blocks.1.attn.residual");
}

static void names_a_gradient_when_asked(void **state) {
    forward_backward(*state);
    tensor(*state, "blocks.0.norm2.bias", true)[2] = -INFINITY;
    expect(*state, false, FOUND_NOTHING, "");
    expect(*state, true, FOUND_GRADIENT, "blocks.0.norm2.bias");
}

/* A frozen parameter has none. */
static void looks_for_no_gradient_of_what_is_frozen(void **state) {
    const Params *params = ((Passed *)*state)->objective->params;
    forward_backward(*state);
    Param *frozen = &params->list[params_find(params, "blocks.0.norm2.bias") - params->list];
    tensor(*state, "blocks.0.norm2.bias", true)[2] = -INFINITY;
    frozen->frozen = true;
    expect(*state, true, FOUND_NOTHING, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_nothing_in_a_sound_model, pass_open, pass_close),
        cmocka_unit_test_setup_teardown(names_the_first_parameter, pass_open, pass_close),
        cmocka_unit_test_setup_teardown(names_the_first_activation, pass_open, pass_close),
        cmocka_unit_test_setup_teardown(names_a_gradient_when_asked, pass_open, pass_close),
        cmocka_unit_test_setup_teardown(looks_for_no_gradient_of_what_is_frozen, pass_open, pass_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
