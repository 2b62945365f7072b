/* SPDX-License-Identifier: Apache-2.0 */
/* --profile: the profiler changes no result, every operation is reported with its cost, and what lies between marks is
 * put where it belongs. */
#include "tests/fixtures/train_fixture.h"

#include "cost/flops.h"
#include "profile/profile_report.h"
#include "train/objective/masks.h"
#include "train/optimizer.h"

#include <math.h>

static const Ceilings one_each = {1, 1};

/* --- Nothing is changed, and all is counted */

/* Gradients of one pass over drawn images, an update, and the loss. */
static double take_step(Ops *ops, Profiler *profiler, float *values) {
    const ModelShape shape = tiny_shape(4);
    const OptimizerOptions options = {.beta1 = 0.9, .beta2 = 0.9, .eps = 1e-8, .layer_decay = 1, .layers = 2};
    Mae *mae;
    Masks masks;
    Optimizer *optimizer;
    double loss;
    float norm;
    assert_fine(mae_open(&shape, ops, &mae));
    assert_fine(mae_init(mae, 7));
    assert_fine(masks_open(&masks, 4, PATCHES));
    assert_fine(optimizer_open(&options, mae_params(mae), ops, &optimizer));
    EvaluationImages images = drawn_images(4);
    masks_draw(&masks, 1, 0, images.records, 4);
    if (profiler)
        assert_fine(profiler_begin_step(profiler, true));
    const ModelInput input = {.pixels = images.pixels, .ids = masks.ids, .batch = 4};
    mae_forward(mae, &input);
    mae_backward(mae, &input, 1, false);
    ops->device->range_push(ops->device, "optimizer");
    assert_fine(optimizer_step(optimizer, 1e-2, 1, &norm));
    ops->device->range_pop(ops->device);
    if (profiler)
        assert_fine(profiler_end_step(profiler));
    assert_fine(mae_loss(mae, &loss));
    memcpy(values, mae_params(mae)->value, mae_params(mae)->trained * sizeof *values);
    evaluation_images_close(&images);
    optimizer_close(optimizer);
    masks_close(&masks);
    mae_close(mae);
    return loss;
}

enum { MANY = 1 << 16 }; /* more than the tiny model's parameters */

static void a_marked_step_is_the_same_step(void **state) {
    (void)state;
    float *plain = calloc(MANY, sizeof *plain), *marked = calloc(MANY, sizeof *marked);
    Ops ops;
    Profiler profiler;
    ops_cpu(&ops, 1);
    const double loss = take_step(&ops, NULL, plain);
    profiler_attach(&profiler, &ops, &one_each);
    assert_true(take_step(&ops, &profiler, marked) == loss);
    assert_memory_equal(plain, marked, MANY * sizeof *plain);

    const ProfileFigures *figures = &profiler.figures;
    const ModelShape shape = tiny_shape(4);
    const int blocks = shape.depth + shape.decoder_depth;
    assert_int_equal(figures->steps, 1);
    assert_int_equal(figures->operations[OPERATION_linear_forward].calls, 4 * blocks + 3);
    assert_int_equal(figures->operations[OPERATION_norm_backward].calls, 2 * blocks + 2);
    assert_int_equal(figures->operations[OPERATION_adamw].calls, 1);
    assert_int_equal(figures->operations[OPERATION_cast_to_bf16].calls, 0);
    double sum = 0, inside = 0;
    for (int i = 0; i < PHASES; i++)
        sum += figures->phases[i];
    for (int i = 0; i < OPERATION_COUNT; i++)
        inside += figures->operations[i].seconds;
    /* Differences of the same readings of one clock, added in another order. */
    assert_true(fabs(sum - figures->seconds) < 1e-9);
    assert_true(fabs(inside + figures->idle_between_steps + figures->idle_between_operations - sum) < 1e-9);
    assert_true(figures->phases[PHASE_FORWARD] > 0 && figures->phases[PHASE_BACKWARD] > 0 &&
                figures->phases[PHASE_OPTIMIZER] > 0);
    profiler_close(&profiler);

    /* Closed, and not marking, it hands on. */
    assert_true(take_step(&ops, NULL, marked) == loss);
    assert_int_equal(figures->operations[OPERATION_adamw].calls, 1);
    free(plain);
    free(marked);
}

/* The operations' sums are those of flops.c, which counts attention's scores once: backward is twice forward. */
static void flops_are_the_models(void **state) {
    (void)state;
    float *values = calloc(MANY, sizeof *values);
    Ops ops;
    Profiler profiler;
    ops_cpu(&ops, 1);
    profiler_attach(&profiler, &ops, &one_each);
    take_step(&ops, &profiler, values);
    const OperationFigures *operations = profiler.figures.operations;
    const double linear = operations[OPERATION_linear_forward].flops +
                          operations[OPERATION_linear_backward_input].flops +
                          operations[OPERATION_linear_backward_weight].flops;
    const double attention = operations[OPERATION_attention_forward].flops;
    const ModelShape shape = tiny_shape(4);
    assert_true(fabs((linear + 3 * attention) / (4 * flops_training(&shape)) - 1) < 1e-12);
    assert_true(operations[OPERATION_attention_backward].flops == 2.5 * attention);
    profiler_close(&profiler);
    free(values);
}

/* What the model above does not call: arguments arrive in their order. */
static void other_operations_hand_on_their_arguments(void **state) {
    (void)state;
    enum { COUNT = 24 };
    float x[COUNT], results[2][14][COUNT] = {0};
    uint16_t rounded[COUNT];
    uint8_t codes[2][3][COUNT] = {0}, left[2][2][COUNT] = {0};
    double losses[2][3] = {{0}};
    TensorSummary summaries[2][2];
    int32_t counts[2][3];
    const int32_t ids[2][4] = {{3, 1, 0, 2}, {0, 2, 1, 3}};
    const float labels[4] = {2, 0, 5, 1};
    const double known = 4;
    const float scale = 2;
    Profiler profiler;
    for (int i = 0; i < COUNT; i++)
        x[i] = 0.3f * (float)(i - 11);
    for (int r = 0; r < 2; r++) {
        Ops ops;
        ops_cpu(&ops, 1);
        if (r) {
            profiler_attach(&profiler, &ops, &one_each);
            assert_fine(profiler_begin_step(&profiler, true));
        }
        float(*out)[COUNT] = results[r];
        uint64_t first;
        StepState step = {.mean = NAN};
        ops.gelu_forward(&ops, &(GeluForward){.x = x, .act = ACTIVATION_GELU_TANH, .y = out[0], .count = COUNT});
        ops.gelu_backward(
            &ops, &(GeluBackward){.dy = x, .x = out[0], .act = ACTIVATION_GELU_ERF, .dx = out[1], .count = COUNT});
        ops.image_to_patches(&ops, &(ImageToPatches){.image = x,
                                                     .ids = (const int32_t *)ids,
                                                     .keep = 1,
                                                     .size = 2,
                                                     .patch = 1,
                                                     .visible = out[2],
                                                     .target = out[3],
                                                     .batch = 2});
        ops.pool_forward(
            &ops,
            &(PoolForward){.x = x, .branch = x, .scale = x, .keep = x, .y = out[4], .batch = 2, .tokens = 4, .dim = 3});
        ops.pool_backward(&ops, &(PoolBackward){.dy = x, .dx = out[5], .batch = 2, .tokens = 4, .dim = 3});
        ops.cross_entropy_loss(&ops, &(CrossEntropyLoss){.logits = x,
                                                         .labels = labels,
                                                         .weights = out[0],
                                                         .known = &known,
                                                         .smoothing = 0.1f,
                                                         .grad_scale = 3,
                                                         .loss = &losses[r][0],
                                                         .dlogits = out[6],
                                                         .batch = 4,
                                                         .classes = 6});
        ops.binary_loss(&ops, &(BinaryLoss){.logits = x,
                                            .labels = labels,
                                            .ordinal = true,
                                            .weights = out[0],
                                            .known = &known,
                                            .grad_scale = 0.5f,
                                            .loss = &losses[r][2],
                                            .dlogits = out[11],
                                            .batch = 4,
                                            .outputs = 6});
        ops.regression_loss(&ops, &(RegressionLoss){.pred = x,
                                                    .target = out[0],
                                                    .known = &known,
                                                    .grad_scale = 0.5f,
                                                    .loss = &losses[r][1],
                                                    .dpred = out[7],
                                                    .batch = 4,
                                                    .outputs = 6});
        ops.branch_backward(&ops, &(BranchBackward){.dx = x,
                                                    .branch = out[0],
                                                    .scale = x + 3,
                                                    .keep = x + 15,
                                                    .rows_per_sample = 4,
                                                    .dbranch = out[12],
                                                    .dscale = out[13],
                                                    .rows = 8,
                                                    .dim = 3});
        ops.cast_to_bf16(&ops, &(CastToBf16){.x = x, .y = rounded, .count = COUNT});
        ops.cast_from_bf16(&ops, &(CastFromBf16){.x = rounded, .y = out[4], .count = COUNT});
        ops.find_nonfinite(&ops, &(FindNonfinite){.x = x, .type = REAL_FP32, .count = COUNT, .first = &first});
        ops.summarise_tensor(
            &ops, &(SummariseTensor){.x = x, .type = REAL_FP32, .count = COUNT, .summary = &summaries[r][0]});
        ops.summarise_update(&ops, &(SummariseUpdate){.param = x,
                                                      .m = x,
                                                      .v = x + 12,
                                                      .offset = 2,
                                                      .count = 9,
                                                      .segments = &(AdamwSegment){.count = 12, .lr_scale = 1},
                                                      .segment_count = 1,
                                                      .values = &(AdamwValues){.lr = 1, .bias1 = 1, .bias2 = 1},
                                                      .norm = &scale,
                                                      .summary = &summaries[r][1]});
        ops.count_idle_units(&ops, &(CountIdleUnits){.x = x, .rows = 2, .columns = 10, .idle = &counts[r][0]});
        ops.count_attention_peaks(
            &ops, &(CountAttentionPeaks){
                      .qkv = x, .lse = x, .batch = 2, .tokens = 2, .heads = 1, .head = 2, .peaks = &counts[r][1]});
        Fp8Scale scales[2] = {{.format = FP8_E5M2}, {.format = FP8_E4M3}};
        ops.begin_fp8(&ops, &(BeginFp8){.scales = scales, .count = 2});
        ops.measure_fp8(&ops, &(MeasureFp8){.x = x, .scale = &scales[0], .count = COUNT});
        ops.quantise_fp8(
            &ops,
            &(QuantiseFp8){
                .x = x, .scale = &scales[0], .y = codes[r][0], .transposed = codes[r][1], .rows = 4, .columns = 6});
        ops.quantise_fp8(
            &ops, &(QuantiseFp8){.x = x, .scale = &scales[1], .seen = true, .y = codes[r][2], .rows = 3, .columns = 6});
        ops.linear_forward_fp8(&ops, &(LinearForwardFp8){.x = codes[r][0],
                                                         .x_scale = &scales[0],
                                                         .w = codes[r][2],
                                                         .w_scale = &scales[1],
                                                         .bias = x,
                                                         .act = ACTIVATION_GELU_ERF,
                                                         .pre = out[8],
                                                         .y = out[9],
                                                         .rows = 4,
                                                         .in = 6,
                                                         .out = 3,
                                                         .codes = &(Fp8Codes){&scales[1], false, left[r][0]}});
        ops.linear_backward_input_fp8(&ops,
                                      &(LinearBackwardInputFp8){.dy = codes[r][0],
                                                                .dy_scale = &scales[0],
                                                                .w_transposed = codes[r][2],
                                                                .w_scale = &scales[1],
                                                                .act = ACTIVATION_GELU_ERF,
                                                                .pre = out[9],
                                                                .dx = out[10],
                                                                .rows = 4,
                                                                .in = 3,
                                                                .out = 6,
                                                                .codes = &(Fp8Codes){&scales[0], false, left[r][1]}});
        ops.update_fp8(&ops, &(UpdateFp8){.scales = scales, .count = 2});
        ops.check_step(
            &ops,
            &(CheckStep){.losses = losses[r], .count = 2, .norm = &scale, .state = &step, .gate = &out[6][COUNT - 1]});
        assert_null(ops_error(&ops));
        assert_int_equal(first, COUNT);
        assert_int_equal(step.applied, 1);
        if (r)
            assert_fine(profiler_end_step(&profiler));
    }
    assert_memory_equal(results[0], results[1], sizeof results[0]);
    assert_memory_equal(codes[0], codes[1], sizeof codes[0]);
    assert_memory_equal(left[0], left[1], sizeof left[0]);
    assert_true(left[1][0][0] && left[1][1][0]);
    assert_memory_equal(losses[0], losses[1], sizeof losses[0]);
    assert_memory_equal(summaries[0], summaries[1], sizeof summaries[0]);
    assert_int_equal(summaries[1][0].zeros, 1);
    assert_true(summaries[1][1].squares > 0);
    assert_memory_equal(counts[0], counts[1], sizeof counts[0]);
    assert_int_equal(counts[1][0], 2);
    static const Operation called[] = {
        OPERATION_gelu_forward,
        OPERATION_gelu_backward,
        OPERATION_image_to_patches,
        OPERATION_pool_forward,
        OPERATION_pool_backward,
        OPERATION_cross_entropy_loss,
        OPERATION_binary_loss,
        OPERATION_regression_loss,
        OPERATION_branch_backward,
        OPERATION_cast_to_bf16,
        OPERATION_cast_from_bf16,
        OPERATION_find_nonfinite,
        OPERATION_check_step,
        OPERATION_linear_forward_fp8,
        OPERATION_linear_backward_input_fp8,
        OPERATION_summarise_tensor,
        OPERATION_summarise_update,
        OPERATION_count_idle_units,
        OPERATION_count_attention_peaks,
    };
    for (size_t i = 0; i < sizeof called / sizeof *called; i++) {
        assert_int_equal(profiler.figures.operations[called[i]].calls, 1);
        assert_true(profiler.figures.operations[called[i]].bytes > 0);
    }
    assert_int_equal(profiler.figures.operations[OPERATION_quantise_fp8].calls, 2);
    assert_int_equal(profiler.figures.operations[OPERATION_begin_fp8].calls, 1);
    assert_int_equal(profiler.figures.operations[OPERATION_measure_fp8].calls, 1);
    assert_int_equal(profiler.figures.operations[OPERATION_update_fp8].calls, 1);
    profiler_close(&profiler);
}

/* Worked out by hand for a few shapes. */
static void costs_are_the_tensors(void **state) {
    (void)state;
    float any[1];
    const Fp8Codes codes = {.scale = NULL};
    const LinearForward product = {.rows = 8400, .in = 1024, .out = 4096, .act = ACTIVATION_GELU_ERF};
    const OpCost forward = cost_linear_forward(&product, REAL_BF16);
    assert_true(forward.bytes == 2.0 * (8400.0 * 1024 + 1024.0 * 4096 + 2 * 8400.0 * 4096));
    assert_true(forward.flops == 70464307200.0);
    const LinearBackwardWeight weight = {.rows = 10, .in = 3, .out = 5, .add = true};
    assert_true(cost_linear_backward_weight(&weight, REAL_FP32).bytes == 4 * (10 * 8 + 2 * 15));
    NormForward norm = {.rows = 7, .dim = 11, .branch = any, .y = any};
    assert_true(cost_norm_forward(&norm, REAL_FP32).bytes == 4 * 4 * 77 + 8 * 7);
    norm.codes = &codes;
    assert_true(cost_norm_forward(&norm, REAL_BF16).bytes == 2 * 4 * 77 + 8 * 7 + 77);
    norm = (NormForward){.rows = 7, .dim = 11, .y = any};
    assert_true(cost_norm_forward(&norm, REAL_BF16).bytes == 2 * 2 * 77 + 8 * 7);
    norm = (NormForward){.rows = 7, .dim = 11, .branch = any};
    assert_true(cost_norm_forward(&norm, REAL_BF16).bytes == 3 * 2 * 77);
    const AttentionForward attention = {.batch = 2, .tokens = 50, .heads = 16, .head = 64};
    assert_true(cost_attention_forward(&attention, REAL_BF16).flops == 4.0 * 2 * 16 * 50 * 50 * 64);
    uint16_t rounded[1];
    const Adamw masters = {.count = 1000}, both = {.count = 1000, .rounded = rounded};
    assert_true(cost_adamw(&both, REAL_BF16).bytes == 30000 && cost_adamw(&masters, REAL_FP32).bytes == 28000);
    const LinearForwardFp8 coded = {.rows = 10, .in = 3, .out = 5};
    assert_true(cost_linear_forward_fp8(&coded, REAL_BF16).bytes == 30 + 15 + 2 * 50);
    const LinearBackwardInputFp8 back = {.rows = 10, .in = 3, .out = 5, .act = ACTIVATION_GELU_ERF};
    assert_true(cost_linear_backward_input_fp8(&back, REAL_BF16).bytes == 50 + 15 + 2 * 2 * 30);
    const SummariseTensor activations = {.type = REAL_BF16, .count = 1000};
    assert_true(cost_summarise_tensor(&activations, REAL_BF16).bytes == 2000);
    const SummariseUpdate taken = {.count = 1000}, pulled = {.count = 1000, .first = any};
    assert_true(cost_summarise_update(&taken, REAL_BF16).bytes == 12000);
    assert_true(cost_summarise_update(&pulled, REAL_BF16).bytes == 16000);
    const CountAttentionPeaks peaks = {.batch = 2, .tokens = 50, .heads = 16, .head = 64};
    assert_true(cost_count_attention_peaks(&peaks, REAL_BF16).flops == 2.0 * 2 * 16 * 50 * 50 * 64);
    assert_true(cost_count_attention_peaks(&peaks, REAL_BF16).bytes == 2 * 50 * 16 * (2.0 * 2 * 64 + 4));
    uint8_t transposed[15];
    const QuantiseFp8 quantise = {.rows = 3, .columns = 5, .transposed = transposed};
    assert_true(cost_quantise_fp8(&quantise, REAL_BF16).bytes == 15 * 4);
}

/* --- A device whose clock the test sets */

typedef struct {
    double now;
} Clock;

static Status open_event(const Device *device, Event **event) {
    (void)device;
    double *time = malloc(sizeof *time);
    *event = (Event *)time;
    return NULL;
}
static void close_event(const Device *device, Event *event) {
    (void)device;
    free(event);
}
static Status record_event(const Device *device, Event *event, Stream *stream) {
    (void)stream;
    *(double *)event = ((const Clock *)device->context)->now;
    return NULL;
}
static Status seconds_between(const Device *device, const Event *from, const Event *to, double *seconds) {
    (void)device;
    *seconds = *(const double *)to - *(const double *)from;
    return NULL;
}
/* Takes as many seconds as it has elements. */
static void slow_cast(Ops *ops, const CastToBf16 *a) {
    ((Clock *)ops->device->context)->now += (double)a->count;
}

static void time_goes_where_it_belongs(void **state) {
    (void)state;
    Clock clock = {100};
    Device device = *device_cpu();
    device.context = &clock;
    device.event_open = open_event;
    device.event_close = close_event;
    device.event_record = record_event;
    device.event_seconds = seconds_between;
    Ops ops;
    Profiler profiler;
    ops_cpu(&ops, 1);
    ops.device = &device;
    ops.cast_to_bf16 = slow_cast;
    const Ceilings ceilings = {.copy = 60, .product = 1};
    profiler_attach(&profiler, &ops, &ceilings);
    const Device *d = ops.device;
    ops.cast_to_bf16(&ops, &(CastToBf16){.count = 50}); /* not marked */
    for (int step = 0; step < 2; step++) {
        assert_fine(profiler_begin_step(&profiler, true));
        d->range_push(d, "data");
        clock.now += 1;
        d->range_pop(d);
        clock.now += 2; /* other */
        d->range_push(d, "inputs");
        clock.now += 4;
        d->range_pop(d);
        d->range_push(d, "forward");
        clock.now += 8; /* idle before the operation */
        d->range_push(d, "a layer");
        ops.cast_to_bf16(&ops, &(CastToBf16){.count = 16});
        d->range_pop(d);
        clock.now += 32;
        ops.cast_to_bf16(&ops, &(CastToBf16){.count = 64});
        d->range_pop(d);
        clock.now += 128; /* other, after the last */
        assert_fine(profiler_end_step(&profiler));
        clock.now += 1000; /* between marked steps: not counted */
    }
    const ProfileFigures *figures = &profiler.figures;
    const OperationFigures *cast = &figures->operations[OPERATION_cast_to_bf16];
    assert_int_equal(figures->steps, 2);
    assert_true(figures->seconds == 2 * 255);
    assert_true(figures->phases[PHASE_DATA] == 2 * 1 && figures->phases[PHASE_INPUTS] == 2 * 4);
    assert_true(figures->phases[PHASE_FORWARD] == 2 * (8 + 16 + 32 + 64));
    assert_true(figures->phases[PHASE_OTHER] == 2 * (2 + 128) && figures->phases[PHASE_BACKWARD] == 0);
    assert_true(figures->idle_between_steps == 2 * (1 + 2 + 128));
    assert_true(figures->idle_between_operations == 2 * (8 + 32));
    assert_int_equal(cast->calls, 4);
    assert_true(cast->seconds == 2 * 80 && cast->bytes == 2 * 80 * 6);
    assert_true(fabs(cast->floor - 2 * 80 * 6.0 / 60) < 1e-12);

    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    profile_report(figures, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "cast_to_bf16                   2 80000.000  31.4%"));
    assert_non_null(strstr(
        text,
        "idle     67.1% of the 255000.000 ms of a step by itself: 51.4% before its first and after its last operation, "
        "15.7% between operations"));
    assert_null(strstr(text, "adamw"));
    free(text);

    /* Ranges alone: the operations lie within them. */
    profiler.figures = (ProfileFigures){0};
    assert_fine(profiler_begin_step(&profiler, false));
    d->range_push(d, "passes");
    ops.cast_to_bf16(&ops, &(CastToBf16){.count = 16});
    d->range_pop(d);
    clock.now += 4;
    assert_fine(profiler_end_step(&profiler));
    assert_int_equal(cast->calls, 0);
    assert_true(figures->phases[PHASE_PASSES] == 16 && figures->phases[PHASE_OTHER] == 4 && figures->seconds == 20);
    profiler_close(&profiler);
}

/* A mark that cannot be made ends the step with its reason. */
static Status no_event(const Device *device, Event **event) {
    (void)device;
    *event = NULL;
    return status_error(EXIT_INTERNAL, "no event left");
}

static void a_failed_mark_is_reported(void **state) {
    (void)state;
    Device device = *device_cpu();
    device.event_open = no_event;
    Ops ops;
    Profiler profiler;
    ops_cpu(&ops, 1);
    ops.device = &device;
    profiler_attach(&profiler, &ops, &one_each);
    assert_refused(profiler_begin_step(&profiler, true), EXIT_INTERNAL, "no event left");
    profiler_close(&profiler);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_marked_step_is_the_same_step),
        cmocka_unit_test(flops_are_the_models),
        cmocka_unit_test(other_operations_hand_on_their_arguments),
        cmocka_unit_test(costs_are_the_tensors),
        cmocka_unit_test(time_goes_where_it_belongs),
        cmocka_unit_test(a_failed_mark_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
