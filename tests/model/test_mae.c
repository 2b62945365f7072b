/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "model/fp8.h"
#include "model/mae.h"
#include "model/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const ModelShape small = {.image_size = 32,
                                 .patch_size = 8,
                                 .dim = 48,
                                 .depth = 2,
                                 .heads = 4,
                                 .decoder_dim = 32,
                                 .decoder_depth = 1,
                                 .decoder_heads = 4,
                                 .mlp_ratio = 4,
                                 .activation = ACTIVATION_GELU_ERF,
                                 .norm_eps = 1e-6,
                                 .mask_ratio = 0.75,
                                 .norm_pix_loss = true,
                                 .batch = 3};

enum { PATCHES = 16, SIDE = 32, PIXELS = SIDE * SIDE * 3 };

typedef struct {
    Ops ops;
    Mae *mae;
    uint8_t pixels[3 * PIXELS];
    int32_t ids[3 * PATCHES];
} Fixture;

static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    ops_cpu(&f->ops, 2);
    assert_null(mae_open(&small, &f->ops, &f->mae));
    assert_null(mae_init(f->mae, 7));
    Random random;
    random_start(&random, 7, RANDOM_TEST, 0, 0);
    for (int i = 0; i < 3 * PIXELS; i++)
        f->pixels[i] = (uint8_t)random_below(&random, 256);
    for (int b = 0; b < 3; b++) {
        float noise[PATCHES];
        for (int i = 0; i < PATCHES; i++)
            noise[i] = random_uniform(&random);
        mae_shuffle(noise, PATCHES, f->ids + b * PATCHES);
    }
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    mae_close(f->mae);
    free(f);
    return 0;
}

static void shuffle_sorts_and_keeps_equal_values_in_order(void **state) {
    (void)state;
    enum { MAX_PATCHES = 1369 };
    static float noise[MAX_PATCHES];
    static int32_t ids[MAX_PATCHES];
    for (int n = 1; n <= MAX_PATCHES; n += n < 20 ? 1 : 149) {
        Random random;
        random_start(&random, 3, RANDOM_TEST, 0, (uint64_t)n);
        for (int i = 0; i < n; i++)
            noise[i] = (float)random_below(&random, (uint32_t)n); /* many equal values */
        mae_shuffle(noise, n, ids);
        for (int i = 1; i < n; i++) {
            int32_t a = ids[i - 1], b = ids[i];
            assert_true(noise[a] < noise[b] || (noise[a] == noise[b] && a < b));
        }
    }
}

static void vit_base_has_the_published_parameters(void **state) {
    (void)state;
    /* Counts of the public MAE ViT-B/16 checkpoint, position embeddings included. */
    ModelShape base = {.image_size = 224,
                       .patch_size = 16,
                       .dim = 768,
                       .depth = 12,
                       .heads = 12,
                       .decoder_dim = 512,
                       .decoder_depth = 8,
                       .decoder_heads = 16,
                       .mlp_ratio = 4,
                       .activation = ACTIVATION_GELU_ERF,
                       .norm_eps = 1e-6,
                       .mask_ratio = 0.75,
                       .batch = 1};
    Ops ops;
    Mae *mae;
    ops_cpu(&ops, 1);
    assert_null(mae_open(&base, &ops, &mae));
    const Params *params = mae_params(mae);
    size_t total = 0, plain = 0;
    for (int i = 0; i < params->count; i++) {
        const Param *param = &params->list[i];
        total += param->count;
        plain += param->trainable && param->dims == 1 ? param->count : 0;
    }
    assert_int_equal(params->count, 254);
    assert_int_equal(total, 111907840);
    assert_int_equal(plain, 177664); /* the reference's count without weight decay */
    assert_int_equal(mae_keep(mae), 49);
    assert_false(params_find(params, "pos_embed")->trainable);
    assert_false(params_find(params, "decoder_pos_embed")->trainable);
    assert_null(mae_init(mae, 1));
    /* Values of the reference at dimension 768: row 1 + 1 is patch (row 0, column 1); the column comes first. */
    const float *pos = params->value + params_find(params, "pos_embed")->offset;
    const float *patch = pos + 2 * 768;
    const struct {
        int at;
        double value;
    } known[] = {{0, .84147}, {1, .81525}, {192, .54030}, {193, .57911}, {384, 0}, {385, 0}, {576, 1}, {577, 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(fabs(patch[known[i].at] - known[i].value) < 1e-5); /* five printed digits */
    for (int i = 0; i < 768; i++)
        assert_true(pos[i] == 0);
    mae_close(mae);
}

/* As int(patches * (1 - ratio)) of the reference: where patches do not divide evenly, the part of one is cut off. */
static void a_part_of_a_patch_is_not_kept(void **state) {
    (void)state;
    static const struct {
        double ratio;
        int keep;
    } known[] = {{0.7, 4}, {0.6, 6}, {0.8, 3}, {0.9, 1}, {0.75, 4}}; /* of 16: 4.8, 6.4, 3.2, 1.6, 4 */
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ModelShape shape = small;
        shape.mask_ratio = known[i].ratio;
        Ops ops;
        Mae *mae;
        ops_cpu(&ops, 1);
        assert_null(mae_open(&shape, &ops, &mae));
        assert_int_equal(mae_keep(mae), known[i].keep);
        mae_close(mae);
    }
}

/* Largest magnitude and mean square of a parameter. */
static double largest_value(const Params *params, const char *name, double *square) {
    const Param *param = params_find(params, name);
    double most = 0, sum = 0;
    for (size_t i = 0; i < param->count; i++) {
        const double value = params->value[param->offset + i], magnitude = fabs(value);
        most = magnitude > most ? magnitude : most; /* fmax() here breaks gcc 12.2 on Arm */
        sum += value * value;
    }
    *square = sum / (double)param->count;
    return most;
}

static void initialisation_follows_the_reference(void **state) {
    const Params *params = mae_params(((Fixture *)*state)->mae);
    const struct {
        const char *name;
        double bound; /* of the uniform distribution */
    } uniform[] = {{"patch_embed.proj.weight", sqrt(6.0 / (48 + 192))},
                   {"patch_embed.proj.bias", 1 / sqrt(192.0)},
                   {"blocks.0.attn.qkv.weight", sqrt(6.0 / (48 + 144))}, /* one matrix, not three */
                   {"blocks.1.mlp.fc1.weight", sqrt(6.0 / (48 + 192))},
                   {"decoder_pred.weight", sqrt(6.0 / (32 + 192))}};
    double square;
    for (size_t i = 0; i < sizeof uniform / sizeof *uniform; i++) {
        double bound = uniform[i].bound;
        double most = largest_value(params, uniform[i].name, &square);
        double count = (double)params_find(params, uniform[i].name)->count;
        assert_true(most <= bound);
        assert_true(most > bound * (1 - 20 / count)); /* e^-20 that the largest of `count` draws is smaller */
        /* Variance of a uniform distribution is bound^2 / 3; its sample's deviates by 0.9 / sqrt(count): five of those.
         */
        assert_true(fabs(square / (bound * bound / 3) - 1) < 5 * 0.9 / sqrt(count));
    }
    largest_value(params, "cls_token", &square);
    assert_true(sqrt(square) > 0.012 && sqrt(square) < 0.028); /* 0.02 of 48 draws: four standard errors */
    assert_true(largest_value(params, "blocks.0.attn.qkv.bias", &square) == 0);
    assert_true(largest_value(params, "blocks.0.norm1.weight", &square) == 1 && square == 1);
    assert_true(largest_value(params, "norm.weight", &square) == 1 && square == 1);
    assert_true(largest_value(params, "decoder_norm.bias", &square) == 0);
}

static void both_inputs_are_the_same_image(void **state) {
    Fixture *f = *state;
    const double mean[3] = {0.485, 0.456, 0.406}, std[3] = {0.229, 0.224, 0.225};
    float *image = malloc(sizeof *image * 3 * PIXELS);
    for (int b = 0; b < 3; b++)
        for (int c = 0; c < 3; c++)
            for (int i = 0; i < SIDE * SIDE; i++)
                image[(b * 3 + c) * SIDE * SIDE + i] =
                    (float)((f->pixels[(b * SIDE * SIDE + i) * 3 + c] / 255.0 - mean[c]) / std[c]);
    double from_pixels, from_image;
    ModelInput input = {.pixels = f->pixels, .ids = f->ids, .batch = 3};
    mae_forward(f->mae, &input);
    assert_null(mae_loss(f->mae, &from_pixels));
    input.pixels = NULL;
    input.image = image;
    mae_forward(f->mae, &input);
    assert_null(mae_loss(f->mae, &from_image));
    assert_true(from_pixels > 0.5);
    assert_true(fabs(from_pixels / from_image - 1) < 1e-5); /* rounding of the normalised values, 6e-8 each */
    free(image);
}

static void gradients_accumulate_over_micro_batches(void **state) {
    Fixture *f = *state;
    const Params *params = mae_params(f->mae);
    size_t bytes = sizeof(float) * params->trained;
    float *whole = malloc(bytes);
    double loss, part, sum = 0;
    ModelInput input = {.pixels = f->pixels, .ids = f->ids, .batch = 3};
    mae_forward(f->mae, &input);
    assert_null(mae_loss(f->mae, &loss));
    mae_backward(f->mae, &input, 1, false);
    memcpy(whole, params->grad, bytes);
    for (int b = 0; b < 3; b++) {
        input = (ModelInput){.pixels = f->pixels + b * PIXELS, .ids = f->ids + b * PATCHES, .batch = 1};
        mae_forward(f->mae, &input);
        assert_null(mae_loss(f->mae, &part));
        mae_backward(f->mae, &input, 1.0f / 3, b > 0);
        sum += part / 3;
    }
    assert_null(ops_error(&f->ops));
    /* Losses are sums in double; a prediction is rounded elsewhere where its row falls into another tile: 2^-24. */
    assert_true(fabs(sum / loss - 1) < 0x1p-23);
    double difference = 0, size = 0;
    for (size_t i = 0; i < params->trained; i++) {
        difference += pow((double)whole[i] - (double)params->grad[i], 2);
        size += pow(whole[i], 2);
    }
    assert_true(size > 0);
    assert_true(sqrt(difference / size) < 1e-5); /* FP32 sums in another order */
    free(whole);
}

/* Recomputation changes no bit of loss and gradients, and takes less memory. */
static void recomputing_changes_nothing_but_memory(void **state) {
    Fixture *f = *state;
    for (int type = 0; type < 3; type++) { /* FP32, BF16, FP8 */
        float *grad = NULL;
        double loss[3];
        size_t used[3];
        for (int level = 0; level < 3; level++) {
            static const Recompute levels[] = {RECOMPUTE_NONE, RECOMPUTE_NORMS, RECOMPUTE_BLOCKS};
            ModelShape shape = small;
            shape.depth = 3;
            shape.decoder_depth = 2;
            shape.recompute = levels[level];
            shape.fp8 = type == 2;
            Ops ops;
            Mae *mae;
            ops_cpu(&ops, 2);
            ops.type = type ? REAL_BF16 : REAL_FP32;
            Arena host = {0}, arena = {0};
            Params measured;
            assert_null(mae_measure(&shape, ops.type, true, &host, &arena, &measured));
            used[level] = arena.used;
            assert_null(mae_open(&shape, &ops, &mae));
            assert_null(mae_init(mae, 7));
            const Params *params = mae_params(mae);
            const ModelInput input = {.pixels = f->pixels, .ids = f->ids, .batch = 3};
            fp8_begin(params->fp8);
            mae_forward(mae, &input);
            assert_null(mae_loss(mae, &loss[level]));
            mae_backward(mae, &input, 1, false);
            assert_null(ops_error(&ops));
            const size_t bytes = params->trained * sizeof(float);
            if (!grad) {
                grad = malloc(bytes);
                memcpy(grad, params->grad, bytes);
            }
            assert_true(loss[level] == loss[0]);
            assert_memory_equal(params->grad, grad, bytes);
            mae_close(mae);
        }
        /* Of 5 blocks 4 share; 3 samples of 5 and of 17 tokens. */
        const size_t element = type ? 2 : 4, row = 3 * 5 * 2 * 48 + 3 * 17 * 1 * 32;
        assert_in_range(used[0] - used[1], 6 * element * row - 9 * 64,
                        6 * element * row + 9 * 64); /* the arena's steps */
        assert_true(used[1] - used[2] > 9 * element * row);
        free(grad);
    }
}

/* How often each form of GELU was called, forward and backward. */
static struct { int forward[3], backward[3]; } asked;

static void count_forward(Ops *ops, const LinearForward *a) {
    Ops plain;
    ops_cpu(&plain, ops->threads);
    asked.forward[a->act]++;
    plain.linear_forward(ops, a);
}

static void count_backward(Ops *ops, const LinearBackwardInput *a) {
    Ops plain;
    ops_cpu(&plain, ops->threads);
    asked.backward[a->act]++;
    plain.linear_backward_input(ops, a);
}

static double counted_loss(const Fixture *f, Activation activation) {
    ModelShape shape = small;
    shape.activation = activation;
    Ops ops = f->ops;
    ops.linear_forward = count_forward;
    ops.linear_backward_input = count_backward;
    memset(&asked, 0, sizeof asked);
    Mae *mae;
    assert_null(mae_open(&shape, &ops, &mae));
    assert_null(mae_init(mae, 7));
    ModelInput input = {.pixels = f->pixels, .ids = f->ids, .batch = 3};
    double loss;
    mae_forward(mae, &input);
    assert_null(mae_loss(mae, &loss));
    mae_backward(mae, &input, 1, false);
    assert_null(ops_error(&ops));
    mae_close(mae);
    return loss;
}

/* In all three blocks, the decoder's too. The two forms differ by up to 4.1e-4, so the losses by less than 1e-3. */
static void either_form_of_gelu_is_the_whole_models(void **state) {
    const double exact = counted_loss(*state, ACTIVATION_GELU_ERF);
    assert_int_equal(asked.forward[ACTIVATION_GELU_ERF], 3);
    assert_int_equal(asked.backward[ACTIVATION_GELU_ERF], 3);
    const double tanh_form = counted_loss(*state, ACTIVATION_GELU_TANH);
    assert_int_equal(asked.forward[ACTIVATION_GELU_TANH], 3);
    assert_int_equal(asked.backward[ACTIVATION_GELU_TANH], 3);
    assert_int_equal(asked.forward[ACTIVATION_GELU_ERF] + asked.backward[ACTIVATION_GELU_ERF], 0);
    assert_true(tanh_form != exact);
    assert_true(fabs(tanh_form - exact) < 1e-3);
}

static bool find_bad_layer(void *context, const VisitedTensor *tensor) {
    const float *values = tensor->values;
    for (size_t i = 0; i < tensor->count; i++)
        if (!isfinite(values[i])) {
            strcpy(context, tensor->name);
            return false;
        }
    return true;
}

/* An activation too large in the first block is named though later blocks have used its place. */
static void visiting_computes_again_what_was_given_up(void **state) {
    Fixture *f = *state;
    for (int level = RECOMPUTE_NORMS; level <= RECOMPUTE_BLOCKS; level++) {
        ModelShape shape = small;
        shape.recompute = level;
        Ops ops;
        Mae *mae;
        char layer[64] = "";
        ops_cpu(&ops, 1);
        assert_null(mae_open(&shape, &ops, &mae));
        assert_null(mae_init(mae, 7));
        const Params *params = mae_params(mae);
        params->value[params_find(params, "blocks.0.norm2.bias")->offset + 3] = INFINITY;
        const ModelInput input = {.pixels = f->pixels, .ids = f->ids, .batch = 3};
        mae_forward(mae, &input);
        mae_visit(mae, find_bad_layer, layer);
        assert_string_equal(layer, "blocks.0.norm2");
        mae_close(mae);
    }
}

static void visiting_names_the_layer_that_broke(void **state) {
    Fixture *f = *state;
    const char *const planted[][2] = {{"patch_embed.proj.bias", "patch_embed"},
                                      {"blocks.1.attn.qkv.weight", "blocks.1.attn.qkv"},
                                      {"blocks.1.mlp.fc1.weight", "blocks.1.mlp.fc1"},
                                      {"norm.weight", "norm"},
                                      {"decoder_blocks.0.norm2.bias", "decoder_blocks.0.norm2"},
                                      {"decoder_pred.bias", "decoder_pred"}};
    const Params *params = mae_params(f->mae);
    for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
        float *value = params->value + params_find(params, planted[i][0])->offset, sound = *value;
        double loss;
        char layer[64] = "";
        *value = NAN;
        ModelInput input = {.pixels = f->pixels, .ids = f->ids, .batch = 2};
        mae_forward(f->mae, &input);
        assert_null(mae_loss(f->mae, &loss));
        *value = sound;
        assert_true(isnan(loss));
        mae_visit(f->mae, find_bad_layer, layer);
        assert_string_equal(layer, planted[i][1]);
    }
}

static void impossible_shapes_are_refused(void **state) {
    Fixture *f = *state;
    const struct {
        size_t field;
        int value;
    } wrong[] = {{offsetof(ModelShape, patch_size), 5},  {offsetof(ModelShape, heads), 5},
                 {offsetof(ModelShape, dim), 50},        {offsetof(ModelShape, decoder_heads), 3},
                 {offsetof(ModelShape, decoder_dim), 6}, {offsetof(ModelShape, depth), 0},
                 {offsetof(ModelShape, batch), 0},       {offsetof(ModelShape, decoder_depth), 0},
                 {offsetof(ModelShape, patch_size), 32}, {offsetof(ModelShape, activation), ACTIVATION_NONE}};
    assert_int_equal(sizeof small.activation, sizeof(int));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ModelShape shape = small;
        memcpy((char *)&shape + wrong[i].field, &wrong[i].value, sizeof(int));
        Mae *mae;
        Status status = mae_open(&shape, &f->ops, &mae);
        assert_int_equal(status_code(status), EXIT_USAGE);
        assert_null(mae);
        status_free(status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_a_patch_is_not_kept),
        cmocka_unit_test(shuffle_sorts_and_keeps_equal_values_in_order),
        cmocka_unit_test(vit_base_has_the_published_parameters),
        cmocka_unit_test_setup_teardown(initialisation_follows_the_reference, set_up, tear_down),
        cmocka_unit_test_setup_teardown(both_inputs_are_the_same_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gradients_accumulate_over_micro_batches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(recomputing_changes_nothing_but_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(visiting_computes_again_what_was_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(either_form_of_gelu_is_the_whole_models, set_up, tear_down),
        cmocka_unit_test_setup_teardown(visiting_names_the_layer_that_broke, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impossible_shapes_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
