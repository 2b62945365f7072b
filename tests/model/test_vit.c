/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "device/open.h"
#include "model/fp8.h"
#include "model/vit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const ModelShape small = {.image_size = 16,
                                 .patch_size = 4,
                                 .dim = 16,
                                 .depth = 2,
                                 .heads = 2,
                                 .mlp_ratio = 4,
                                 .activation = ACTIVATION_GELU_ERF,
                                 .norm_eps = 1e-6,
                                 .task = TASK_MULTILABEL,
                                 .classes = 3,
                                 .batch = 4};
enum { BATCH = 4, CLASSES = 3, PIXELS = 3 * 16 * 16 };

typedef struct {
    Ops ops;
    Vit *vit;
    float image[BATCH * PIXELS];
} Fixture;

static void assert_fine(Status status) {
    if (status)
        fail_msg("%s", status_message(status));
}

/* Makes a tensor that starts small matter. */
static void enlarge(const Params *params, Ops *ops, const char *name) {
    const Param *param = params_find(params, name);
    float *values = malloc(param->count * sizeof *values);
    assert_fine(device_read(params->device, values, params->value + param->offset, param->count * sizeof *values));
    for (size_t i = 0; i < param->count; i++)
        values[i] *= 3e4f;
    assert_fine(device_write(params->device, params->value + param->offset, values, param->count * sizeof *values));
    params_round(params, ops);
    free(values);
}

/* A model whose head is not as small as it starts, so that its labels matter. */
static void open_vit(Fixture *f, const ModelShape *shape) {
    ops_cpu(&f->ops, 2);
    assert_fine(vit_open(shape, &f->ops, &f->vit));
    assert_fine(vit_init(f->vit, 7));
    Params *params = vit_params(f->vit);
    const Param *head = params_find(params, "head.weight");
    Random random;
    random_start(&random, 7, RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < head->count; i++)
        params->value[head->offset + i] = (float)random_normal(&random);
    for (int i = 0; i < BATCH * PIXELS; i++)
        f->image[i] = (float)random_normal(&random);
}

/* A batch whose known labels fall unevenly, in one pass and in two: the same loss and the same gradient. */
static void a_batch_in_parts_has_the_loss_of_the_whole(void **state) {
    (void)state;
    static const struct {
        Task task;
        int columns;
        float labels[BATCH * CLASSES];
    } cases[] = {
        {TASK_CLASSIFY, 1, {2, NAN, 1, 0}},
        {TASK_MULTILABEL, CLASSES, {1, NAN, 0, NAN, NAN, NAN, 0, 1, 1, NAN, 0, 1}},
        {TASK_REGRESS, CLASSES, {1.5f, NAN, 0, NAN, NAN, NAN, -2, 1, 0.5f, NAN, 0, 3}},
        {TASK_ORDINAL, 1, {NAN, NAN, 1, 2}},
    };
    static Fixture f;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        ModelShape shape = small;
        shape.task = cases[c].task;
        shape.pool = c % 2 ? POOL_CLS : POOL_MEAN;
        shape.label_smoothing = 0.1;
        open_vit(&f, &shape);
        assert_fine(vit_set_weights(f.vit, (const float[CLASSES]){0.5f, 2, 3}));
        Params *params = vit_params(f.vit);
        const float *labels = cases[c].labels;
        double known = vit_known(f.vit, labels, BATCH), whole, parts = 0, size = 0, difference = 0;
        float *gradient = malloc(params->trained * sizeof *gradient);
        ModelInput input = {.image = f.image, .labels = labels, .known = &known, .batch = BATCH};
        vit_forward(f.vit, &input);
        assert_fine(vit_loss(f.vit, &whole));
        vit_backward(f.vit, &input, 1, false);
        memcpy(gradient, params->grad, params->trained * sizeof *gradient);
        known /= 2;
        for (int part = 0; part < 2; part++) {
            double loss;
            input = (ModelInput){.image = f.image + part * BATCH / 2 * PIXELS,
                                 .labels = labels + part * BATCH / 2 * cases[c].columns,
                                 .known = &known,
                                 .batch = BATCH / 2};
            vit_forward(f.vit, &input);
            assert_fine(vit_loss(f.vit, &loss));
            vit_backward(f.vit, &input, 0.5f, part > 0);
            parts += loss / 2;
        }
        assert_true(whole > 0.1 && fabs(parts - whole) < 1e-6 * whole); /* each logit of FP32 is rounded alike */
        for (size_t i = 0; i < params->trained; i++) {
            size += gradient[i] * gradient[i];
            difference += (gradient[i] - params->grad[i]) * (gradient[i] - params->grad[i]);
        }
        assert_true(size > 0 && difference < 1e-10 * size); /* 1e-5 in length: sums in another order */
        free(gradient);
        vit_close(f.vit);
    }
}

static void known_labels_are_weighed_and_counted(void **state) {
    (void)state;
    static const struct {
        Task task;
        float labels[BATCH * CLASSES];
        double known;
    } cases[] = {
        {TASK_CLASSIFY, {2, NAN, 1, 2}, 3 + 2 + 3},
        {TASK_MULTILABEL, {1, NAN, 0, NAN, NAN, NAN, 0, 1, 1, NAN, 0, 1}, 7},
        {TASK_REGRESS, {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN}, 0},
        {TASK_ORDINAL, {NAN, NAN, 1, 2}, 2 * (CLASSES - 1)},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        Ops ops;
        Vit *vit;
        ops_cpu(&ops, 1);
        ModelShape shape = small;
        shape.task = cases[c].task;
        assert_fine(vit_open(&shape, &ops, &vit));
        assert_fine(vit_set_weights(vit, (const float[CLASSES]){0.5f, 2, 3}));
        assert_true(vit_known(vit, cases[c].labels, BATCH) == cases[c].known);
        vit_close(vit);
    }
}

static void the_tables_numbers_are_measured(void **state) {
    (void)state;
    static Fixture f;
    Arena host = {0}, arena = {0};
    Params measured;
    assert_fine(vit_measure(&small, REAL_FP32, true, &host, &arena, &measured));
    open_vit(&f, &small);
    const Params *params = vit_params(f.vit);
    assert_int_equal(measured.count, params->count);
    assert_true(measured.total == params->total && measured.trained == params->trained);
    assert_true(arena.used > 4 * params->total * sizeof(float)); /* value, grad, m, v and the activations */
    vit_close(f.vit);
    ModelShape none = small;
    none.task = TASK_ORDINAL;
    none.classes = 1;
    Status status = vit_measure(&none, REAL_FP32, true, &host, &arena, &measured);
    assert_int_equal(status_code(status), EXIT_USAGE);
    status_free(status);
}

static bool note_layer(void *context, const VisitedTensor *tensor) {
    char *names = context;
    assert_true(tensor->values && tensor->count);
    assert_int_equal(tensor->units, strstr(tensor->name, "mlp.fc1") ? 4 * small.dim : 0);
    assert_int_equal(tensor->attention != NULL,
                     strstr(tensor->name, ".attn") && !strchr(strstr(tensor->name, ".attn") + 1, '.'));
    strcat(strcat(names, tensor->name), " ");
    return true;
}

static void activations_are_visited_in_their_order(void **state) {
    (void)state;
    static Fixture f;
    char names[1024] = "";
    open_vit(&f, &small);
    vit_forward(f.vit, &(ModelInput){.image = f.image, .batch = 2});
    assert_null(ops_error(&f.ops));
    vit_visit(f.vit, note_layer, names);
    assert_memory_equal(names, "patches patch_embed blocks.0.input ", 35);
    assert_non_null(strstr(names, " blocks.1.mlp.residual pool fc_norm head "));
    vit_close(f.vit);
}

/* The mean of the last sum's patches, of the first sample's first column, as the visited tensors have it. */
typedef struct {
    float mean, pooled;
} Last;

static bool note_last(void *context, const VisitedTensor *tensor) {
    Last *last = context;
    const float *x = tensor->values;
    const size_t dim = (size_t)small.dim, tokens = tensor->count / dim / BATCH;
    if (strcmp(tensor->name, "blocks.2.mlp.residual") == 0)
        for (size_t t = 1; t < tokens; t++)
            last->mean += x[t * dim] / (float)(tokens - 1);
    if (strcmp(tensor->name, "pool") == 0)
        last->pooled = *x;
    return true;
}

/* Scaled branches are kept where the backward pass finds them: no recomputation changes a bit. */
static void recomputing_scaled_branches_changes_nothing(void **state) {
    (void)state;
    static Fixture f;
    const float labels[BATCH * CLASSES] = {1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1};
    const double known = BATCH * CLASSES;
    float keep[3 * 2 * BATCH], *first = NULL;
    for (size_t i = 0; i < sizeof keep / sizeof *keep; i++)
        keep[i] = i % 3 ? 1.25f : 0;
    for (int way = RECOMPUTE_NONE; way <= RECOMPUTE_BLOCKS; way++) {
        ModelShape shape = small;
        shape.depth = 3;
        shape.layer_scale = true;
        shape.drop_path = 0.2;
        shape.recompute = (Recompute)way;
        open_vit(&f, &shape);
        Params *params = vit_params(f.vit);
        for (int i = 0; i < params->count; i++) /* scales that matter */
            for (size_t j = 0; j < params->list[i].count && strstr(params->list[i].name, ".gamma"); j++)
                params->value[params->list[i].offset + j] = 0.5f + (float)(j % 3);
        const ModelInput input = {.image = f.image, .labels = labels, .known = &known, .keep = keep, .batch = BATCH};
        vit_forward(f.vit, &input);
        vit_backward(f.vit, &input, 1, false);
        assert_null(ops_error(&f.ops));
        const Param *scale = params_find(params, "blocks.1.ls2.gamma");
        assert_true(fabsf(params->grad[scale->offset]) > 1e-6f);
        Last last = {0};
        vit_visit(f.vit, note_last, &last);
        assert_true(fabsf(last.mean - last.pooled) < 1e-5f * fabsf(last.pooled)); /* sums in another order */
        const size_t bytes = params->trained * sizeof *first;
        if (!first)
            first = memcpy(malloc(bytes), params->grad, bytes);
        else
            assert_memory_equal(params->grad, first, bytes);
        vit_close(f.vit);
    }
    free(first);
}

/* What is trained has the gradient that it has where nothing is frozen, and the rest none, nor memory for one. */
static void frozen_layers_have_no_gradient(void **state) {
    (void)state;
    static Fixture f;
    enum { DEPTH = 3 };
    const float labels[BATCH * CLASSES] = {1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1};
    const double known = BATCH * CLASSES;
    for (int pool = POOL_MEAN; pool <= POOL_CLS; pool++) {
        ModelShape shape = small;
        shape.depth = DEPTH;
        shape.pool = (Pool)pool;
        shape.layer_scale = true;
        Fixture whole;
        open_vit(&whole, &shape);
        const ModelInput input = {.image = whole.image, .labels = labels, .known = &known, .batch = BATCH};
        vit_forward(whole.vit, &input);
        vit_backward(whole.vit, &input, 1, false);
        const Params *all = vit_params(whole.vit);
        for (shape.frozen = DEPTH + 1; shape.frozen >= 0; shape.frozen--) {
            int trained = 0;
            size_t elements = 0;
            open_vit(&f, &shape);
            const Params *params = vit_params(f.vit);
            vit_forward(f.vit, &input);
            vit_backward(f.vit, &input, 1, false);
            assert_null(ops_error(&f.ops));
            for (int i = 0; i < params->count; i++) {
                const Param *param = &params->list[i];
                const bool own = strncmp(param->name, "head", 4) == 0 || strncmp(param->name, "fc_norm", 7) == 0;
                const bool stays = shape.frozen && param->layer <= shape.frozen && !own;
                assert_memory_equal(params_value(params, i), params_value(all, i), param->count * sizeof(float));
                assert_true(param->frozen == stays && !params_grad(params, i) == stays);
                if (!stays)
                    assert_memory_equal(params_grad(params, i), params_grad(all, i), param->count * sizeof(float));
                trained += !stays;
                elements += stays ? 0 : param->count;
            }
            assert_true(trained >= 2 && (shape.frozen || trained == params->count));
            assert_true(params->trained >= elements && params->trained < elements + 16 * (size_t)trained);
            vit_close(f.vit);
        }
        vit_close(whole.vit);
    }
}

static void branches_drop_by_their_key_alone(void **state) {
    (void)state;
    enum { DEPTH = 5, SAMPLES = 4000 };
    ModelShape shape = small;
    shape.depth = DEPTH;
    shape.drop_path = 0.4;
    float keep[2 * DEPTH], again[2 * DEPTH];
    int dropped[2 * DEPTH] = {0}, changed = 0;
    for (uint64_t sample = 0; sample < SAMPLES; sample++) {
        vit_draw_keep(&shape, 3, 1, sample, keep);
        vit_draw_keep(&shape, 3, 1, sample, again);
        assert_memory_equal(keep, again, sizeof keep);
        vit_draw_keep(&shape, 3, 2, sample, again);
        changed += memcmp(keep, again, sizeof keep) != 0;
        for (int i = 0; i < 2 * DEPTH; i++) {
            const float kept = (float)(1 / (1 - 0.4 * (i / 2) / (DEPTH - 1)));
            assert_true(keep[i] == 0 || keep[i] == kept);
            dropped[i] += keep[i] == 0;
        }
    }
    for (int i = 0; i < 2 * DEPTH; i++) { /* 4 standard deviations of a share of 4,000: at most 0.031 */
        const double p = 0.4 * (i / 2) / (DEPTH - 1);
        assert_true(fabs(dropped[i] / (double)SAMPLES - p) <= 4 * sqrt(p * (1 - p) / SAMPLES));
    }
    assert_true(changed > SAMPLES / 2);
    shape.drop_path = 1;
    Status status = model_check(&shape, false);
    assert_int_equal(status_code(status), EXIT_USAGE);
    status_free(status);
}

/* The gradient of a batch on a device, host memory; NULL: there is no such device. */
static float *gradient_on(DeviceKind kind, RealType type, const ModelShape *shape, const float *image, size_t pixels,
                          size_t *count) {
    Device *device;
    char *note;
    Status status = device_open(kind, &device, &note);
    if (status_code(status) == EXIT_MISSING) {
        status_free(status);
        return NULL;
    }
    assert_fine(status);
    free(note);
    Ops ops;
    Vit *vit;
    device->operations(device, 2, &ops);
    ops.type = type;
    assert_fine(vit_open(shape, &ops, &vit));
    assert_fine(vit_init(vit, 3));
    const Params *params = vit_params(vit);
    enlarge(params, &ops, "head.weight");
    enlarge(params, &ops, "blocks.0.ls1.gamma");
    enlarge(params, &ops, "blocks.0.ls2.gamma");
    const float labels[] = {1, 0};
    const double known = 2;
    void *at;
    assert_fine(device->allocate(device, pixels * sizeof *image + sizeof known + sizeof labels, "a batch", &at));
    double *known_at = at;
    float *labels_at = (float *)(known_at + 1), *image_at = labels_at + 2;
    assert_fine(device_write(device, known_at, &known, sizeof known));
    assert_fine(device_write(device, labels_at, labels, sizeof labels));
    assert_fine(device_write(device, image_at, image, pixels * sizeof *image));
    const ModelInput input = {.image = image_at, .labels = labels_at, .known = known_at, .batch = 2};
    vit_forward(vit, &input);
    vit_backward(vit, &input, 1, false);
    assert_fine(ops_error(&ops));
    float *gradient = malloc(params->trained * sizeof *gradient);
    assert_fine(device_read(device, gradient, params->grad, params->trained * sizeof *gradient));
    *count = params->trained;
    device->release(device, at);
    vit_close(vit);
    device_close(device);
    return gradient;
}

/* ViT-H/14 has heads of 80 channels, and patches whose 588 values are no whole packs of BF16. */
static void heads_and_patches_of_vit_huge_run(void **state) {
    (void)state;
    enum { PIXELS_28 = 2 * 3 * 28 * 28 };
    static float image[PIXELS_28];
    const ModelShape shape = {.image_size = 28,
                              .patch_size = 14,
                              .dim = 160,
                              .depth = 1,
                              .heads = 2,
                              .mlp_ratio = 4,
                              .activation = ACTIVATION_GELU_ERF,
                              .norm_eps = 1e-6,
                              .task = TASK_CLASSIFY,
                              .classes = 2,
                              .pool = POOL_CLS,
                              .layer_scale = true,
                              .batch = 2};
    Random random;
    random_start(&random, 5, RANDOM_TEST, 0, 0);
    for (int i = 0; i < PIXELS_28; i++)
        image[i] = (float)random_normal(&random);
    for (int type = REAL_FP32; type <= REAL_BF16; type++) {
        size_t count;
        double difference = 0, size = 0;
        float *want = gradient_on(DEVICE_CPU, (RealType)type, &shape, image, PIXELS_28, &count);
        float *got = gradient_on(DEVICE_EMU, (RealType)type, &shape, image, PIXELS_28, &count);
        for (size_t i = 0; got && i < count; i++) {
            difference += (double)(got[i] - want[i]) * (got[i] - want[i]);
            size += (double)want[i] * want[i];
        }
        /* Sums in another order; in BF16 one may round the other way. */
        const double most = type == REAL_FP32 ? 1e-5 : 1e-3;
        if (got)
            assert_true(size > 0 && difference < most * most * size);
        free(want);
        free(got);
        if (!got)
            skip();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_in_parts_has_the_loss_of_the_whole),
        cmocka_unit_test(known_labels_are_weighed_and_counted),
        cmocka_unit_test(the_tables_numbers_are_measured),
        cmocka_unit_test(recomputing_scaled_branches_changes_nothing),
        cmocka_unit_test(frozen_layers_have_no_gradient),
        cmocka_unit_test(branches_drop_by_their_key_alone),
        cmocka_unit_test(heads_and_patches_of_vit_huge_run),
        cmocka_unit_test(activations_are_visited_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
