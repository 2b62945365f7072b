/* SPDX-License-Identifier: Apache-2.0 */
/* Starting a small table of parameters from files that have it all, too much, too little or something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/safetensors_write.h"
#include "checkpoint/initial.h"
#include "checkpoint/initial/positions.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

#include <math.h>

enum { DIM = 4, TOKENS = 5 /* a class token and 2 x 2 patches */ };

typedef struct {
    Arena arena;
    Params params;
} Model;

static void open_model(Model *model) {
    *model = (Model){0};
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            assert_fine(arena_open(&model->arena, model->arena.used, "the test"));
        params_begin(&model->params, &model->arena, 6);
        params_add(&model->params, "cls_token", true, 0, 3, (int64_t[]){1, 1, DIM});
        params_add(&model->params, "blocks.0.norm1.weight", true, 1, 1, (int64_t[]){DIM});
        params_add(&model->params, "head.weight", true, 2, 2, (int64_t[]){2, DIM});
        params_add(&model->params, "head.bias", true, 2, 1, (int64_t[]){2});
        params_add(&model->params, "pos_embed", false, 0, 3, (int64_t[]){1, TOKENS, DIM});
        params_end(&model->params, &model->arena, device_cpu(), REAL_FP32);
    }
    for (size_t i = 0; i < model->params.total; i++)
        model->params.value[i] = -1;
}

static const float *value_of(const Model *model, const char *name) {
    return model->params.value + params_find(&model->params, name)->offset;
}

static float values[64]; /* 0.25, 0.5, ...: exact in every type */

static int open_group(void **state) {
    for (int i = 0; i < 64; i++)
        values[i] = (float)(i + 1) / 4;
    return temp_open(state);
}

#define CLS                                                                                                            \
    { "cls_token", TYPE_F32, 3, {1, 1, DIM}, DIM, values }
#define NORM                                                                                                           \
    { "blocks.0.norm1.weight", TYPE_F32, 1, {DIM}, DIM, values + 1 }
#define HEAD                                                                                                           \
    { "head.weight", TYPE_F32, 2, {2, DIM}, 2 * DIM, values + 2 }
#define BIAS                                                                                                           \
    { "head.bias", TYPE_F32, 1, {2}, 2, values + 3 }
#define POSITIONS                                                                                                      \
    { "pos_embed", TYPE_F32, 3, {1, TOKENS, DIM}, TOKENS *DIM, values + 4 }
#define OTHER(name)                                                                                                    \
    { name, TYPE_F32, 1, {1}, 1, values }

static const char *const head_only[] = {"head"};

typedef struct {
    Tensor tensors[8];
    int fresh; /* names of head_only */
    const char *part;
} InitialCase;

/* Writes the tensors and reads them into `model`; *printed is the caller's. */
static Status read_case(void **state, const Tensor *tensors, int fresh, PositionResize resize, Model *model,
                        char **printed, InitialTable *table) {
    char path[TEMP_PATH * 2];
    size_t size;
    int count = 0;
    while (count < 8 && tensors[count].name)
        count++;
    assert_fine(safetensors_write(temp_path(state, "initial.safetensors", path), tensors, count, NULL, 0));
    const InitialOptions options = {.path = path, .resize = resize, .fresh = head_only, .fresh_count = fresh};
    FILE *out = open_memstream(printed, &size);
    assert_non_null(out);
    Status status = initial_read(&model->params, &options, out, table);
    fclose(out);
    return status;
}

static void all_is_loaded(void **state) {
    static const InitialCase all = {{CLS, NORM, HEAD, BIAS, POSITIONS}, 0, NULL};
    Model model;
    InitialTable table;
    char *printed;
    open_model(&model);
    assert_fine(read_case(state, all.tensors, 0, RESIZE_BY_SOURCE, &model, &printed, &table));
    assert_int_equal(table.counts[INITIAL_LOADED], 5);
    for (int i = 0; i < 5; i++)
        assert_memory_equal(value_of(&model, all.tensors[i].name), all.tensors[i].data,
                            sizeof(float) * (size_t)all.tensors[i].count);
    assert_non_null(strstr(printed, "named as timm names them\nloaded      5\n"));
    free(printed);
    arena_close(&model.arena);
}

static void what_the_model_lacks_is_listed(void **state) {
    static const InitialCase parts = {
        {CLS, NORM, POSITIONS, OTHER("decoder_pred.bias"), OTHER("mask_token"), OTHER("norm.bias")}, 1, NULL};
    Model model;
    InitialTable table;
    char *printed;
    open_model(&model);
    assert_fine(read_case(state, parts.tensors, 1, RESIZE_BY_SOURCE, &model, &printed, &table));
    assert_int_equal(table.counts[INITIAL_LOADED], 3);
    assert_int_equal(table.counts[INITIAL_FRESH], 2);
    assert_int_equal(table.counts[INITIAL_UNUSED], 3);
    assert_true(value_of(&model, "head.bias")[0] == -1);
    assert_non_null(strstr(printed, "named as MAE names them\n"
                                    "loaded      3\n"
                                    "fresh       2: head.weight, head.bias\n"
                                    "not used    3: decoder_pred.bias, mask_token, norm.bias\n"));
    free(printed);
    arena_close(&model.arena);
}

/* What is named as fresh stays even where the file has it, in whatever shape. */
static void a_fresh_head_is_not_loaded(void **state) {
    static const Tensor head[] = {CLS, NORM, BIAS, POSITIONS, {"head.weight", TYPE_F32, 2, {5, DIM}, 5 * DIM, values},
                                  {0}};
    Model model;
    InitialTable table;
    char *printed;
    open_model(&model);
    assert_fine(read_case(state, head, 1, RESIZE_BY_SOURCE, &model, &printed, &table));
    assert_true(value_of(&model, "head.weight")[0] == -1 && value_of(&model, "head.bias")[0] == -1);
    for (int i = 0; i < model.params.count; i++)
        assert_true(model.params.list[i].fresh == (strncmp(model.params.list[i].name, "head", 4) == 0));
    free(printed);
    arena_close(&model.arena);
}

static void what_does_not_fit_is_refused(void **state) {
    static const float wrong[DIM] = {1, NAN, 2, -INFINITY};
    static const InitialCase cases[] = {
        {{CLS, NORM, POSITIONS, BIAS}, 0, "tensors of the model that are missing: head.weight"},
        {{CLS, NORM, POSITIONS}, 0, "missing: head.weight, head.bias"},
        {{CLS, NORM, POSITIONS, OTHER("blocks.1.norm1.weight")}, 1, "does not have: blocks.1.norm1.weight"},
        {{CLS, NORM, POSITIONS, OTHER("blocks.0.ls1.gamma")}, 1, "does not have: blocks.0.ls1.gamma"},
        {{CLS, NORM, POSITIONS, OTHER("heads.weight")}, 1, "does not have: heads.weight"},
        {{CLS, NORM, POSITIONS, OTHER("reg_token")}, 1, "\"reg_token\" belongs to register tokens"},
        {{CLS, OTHER("blocks.0.norm1.weight"), POSITIONS}, 1, "type: blocks.0.norm1.weight [1], here [4]"},
        {{CLS, {"blocks.0.norm1.weight", TYPE_I32, 1, {DIM}, DIM, values}, POSITIONS}, 1, "weight I32 [4], here [4]"},
        {{CLS, NORM, {"pos_embed", TYPE_F32, 3, {1, 4, DIM}, 4 * DIM, values}},
         1,
         "pos_embed [1, 4, 4], here [1, 5, 4]"},
        {{CLS, NORM, {"pos_embed", TYPE_F32, 3, {1, TOKENS, 8}, 40, values}}, 1, "pos_embed [1, 5, 8], here"},
        {{{"cls_token", TYPE_F32, 3, {1, 1, DIM}, DIM, wrong}, NORM, POSITIONS}, 1, "\"cls_token\" has 2 values"},
        {{OTHER("conv1.weight"), OTHER("conv1.bias")}, 1, "no tensor is the model's: its first is \"conv1.weight\""},
        {{OTHER("decoder_pred.weight")}, 1, "no tensor is the model's"},
    };
    Model model;
    open_model(&model);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        InitialTable table;
        char *printed;
        assert_refused(read_case(state, cases[i].tensors, cases[i].fresh, RESIZE_BY_SOURCE, &model, &printed, &table),
                       EXIT_DATA, cases[i].part);
        free(printed);
        for (size_t j = 0; j < model.params.total; j++)
            assert_true(model.params.value[j] == -1);
    }
    arena_close(&model.arena);
}

static void other_types_are_widened(void **state) {
    static const double doubles[DIM] = {0.5, -2, 1e-40, 3};
    static const uint16_t halves[DIM] = {0x3c00, 0xc000, 0x0001, 0x03ff}; /* 1, -2, 2^-24, 1023 * 2^-24 */
    static const uint16_t rounded[2] = {0x3f80, 0xbfc0};                  /* 1, -1.5 in BF16 */
    static const Tensor tensors[] = {{"cls_token", TYPE_F64, 3, {1, 1, DIM}, DIM, doubles},
                                     {"blocks.0.norm1.weight", TYPE_F16, 1, {DIM}, DIM, halves},
                                     HEAD,
                                     {"head.bias", TYPE_BF16, 1, {2}, 2, rounded},
                                     POSITIONS,
                                     {0}};
    Model model;
    InitialTable table;
    char *printed;
    open_model(&model);
    assert_fine(read_case(state, tensors, 0, RESIZE_BY_SOURCE, &model, &printed, &table));
    const float *norm = value_of(&model, "blocks.0.norm1.weight");
    assert_true(value_of(&model, "cls_token")[1] == -2 && value_of(&model, "cls_token")[2] == 1e-40f);
    assert_true(norm[0] == 1 && norm[1] == -2 && norm[2] == 0x1p-24f && norm[3] == 1023 * 0x1p-24f);
    assert_true(value_of(&model, "head.bias")[0] == 1 && value_of(&model, "head.bias")[1] == -1.5f);
    free(printed);
    arena_close(&model.arena);
}

/* The names decide how: LayerScale is DINOv2's, a decoder MAE's. An option overrides. */
static void positions_are_resized(void **state) {
    const Tensor larger = {"pos_embed", TYPE_F32, 3, {1, 10, DIM}, 10 * DIM, values};
    const struct {
        Tensor other;
        PositionResize resize;
        bool antialias;
    } cases[] = {
        {OTHER("head.none"), RESIZE_BY_SOURCE, true},     {OTHER("decoder_norm.bias"), RESIZE_BY_SOURCE, false},
        {OTHER("fc_norm.bias"), RESIZE_BY_SOURCE, false}, {OTHER("head.none"), RESIZE_BICUBIC, false},
        {OTHER("fc_norm.bias"), RESIZE_ANTIALIAS, true},
    };
    float expected[2][4 * DIM];
    for (int i = 0; i < 2; i++)
        assert_fine(positions_resize(values + DIM, 3, expected[i], 2, DIM, i));
    assert_memory_not_equal(expected[0], expected[1], sizeof expected[0]);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Tensor tensors[] = {CLS, NORM, larger, cases[i].other, {0}};
        Model model;
        InitialTable table;
        char *printed;
        open_model(&model);
        assert_fine(read_case(state, tensors, 1, cases[i].resize, &model, &printed, &table));
        assert_int_equal(table.counts[INITIAL_RESIZED], 1);
        const float *positions = value_of(&model, "pos_embed");
        assert_memory_equal(positions, values, DIM * sizeof(float)); /* the class token's */
        assert_memory_equal(positions + DIM, expected[cases[i].antialias], sizeof expected[0]);
        assert_non_null(strstr(printed, cases[i].antialias
                                            ? "resized     1: pos_embed [1, 10, 4], here [1, 5, 4], antialias\n"
                                            : "here [1, 5, 4], bicubic\n"));
        free(printed);
        arena_close(&model.arena);
    }
}

static void grids_are_squares(void **state) {
    (void)state;
    assert_int_equal(positions_grid(197), 14);
    assert_int_equal(positions_grid(2), 1);
    assert_int_equal(positions_grid(1), 0);
    assert_int_equal(positions_grid(0), 0);
    assert_int_equal(positions_grid(196), 0);
    assert_int_equal(positions_grid(INT64_MAX), 0);
}

/* tests/cases/import/positions.safetensors: from.SIDE and what PyTorch makes of it in float64, KIND.SIDE.TO. */
static void positions_are_resized_as_pytorch_does(void **state) {
    (void)state;
    SafeTensors *file;
    int compared = 0;
    assert_fine(safetensors_open("tests/cases/import/positions.safetensors", &file));
    for (int i = 0; i < safetensors_count(file); i++) {
        const Tensor *expected = safetensors_at(file, i);
        char kind[16], name[32];
        int from, to;
        if (sscanf(expected->name, "%15[a-z].%d.%d", kind, &from, &to) != 3)
            continue;
        snprintf(name, sizeof name, "from.%d", from);
        const Tensor *input = safetensors_find(file, name);
        assert_non_null(input);
        float *output = malloc(sizeof *output * (size_t)expected->count);
        assert_non_null(output);
        assert_fine(
            positions_resize(input->data, from, output, to, (int)input->shape[1], strcmp(kind, "antialias") == 0));
        for (int64_t j = 0; j < expected->count; j++) {
            /* Values are below 4, where neighbouring floats are 2^-22 apart. */
            const double wanted = ((const double *)expected->data)[j];
            assert_true(fabs(wanted) < 4 && fabs(output[j] - wanted) <= 0x1p-23 * 1.001);
        }
        free(output);
        compared++;
    }
    assert_int_equal(compared, 18);
    safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_loaded),
        cmocka_unit_test(what_the_model_lacks_is_listed),
        cmocka_unit_test(a_fresh_head_is_not_loaded),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(other_types_are_widened),
        cmocka_unit_test(positions_are_resized),
        cmocka_unit_test(grids_are_squares),
        cmocka_unit_test(positions_are_resized_as_pytorch_does),
    };
    return cmocka_run_group_tests(tests, open_group, temp_close);
}
