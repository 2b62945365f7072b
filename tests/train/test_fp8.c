/* SPDX-License-Identifier: Apache-2.0 */
/* What of a run in FP8 goes into its checkpoints and its log, and when a layer is left to BF16. */
#include "base/safetensors_write.h"
#include "checkpoint/read.h"
#include "checkpoint/state.h"
#include "checkpoint/write.h"
#include "tests/fixtures/train_fixture.h"

#include "base/files.h"
#include "checkpoint/directory.h"
#include "checkpoint/fp8.h"
#include "tests/fixtures/printed_path.h"
#include "train/monitor/fp8_watch.h"

#include <math.h>

enum { LAYERS = 8, SCALES = LAYERS * FP8_TENSORS };

typedef struct {
    Ops ops;
    Mae *mae;
    Params *params;
    Fp8 *fp8;
    Fp8Scale scales[SCALES];
} Model;

static void open_model(Model *model, bool fp8) {
    ModelShape shape = tiny_shape(2);
    shape.depth = 4; /* two of them in FP8 */
    shape.fp8 = fp8;
    *model = (Model){0};
    ops_cpu(&model->ops, 1);
    model->ops.type = REAL_BF16;
    assert_fine(mae_open(&shape, &model->ops, &model->mae));
    assert_fine(mae_init(model->mae, 7));
    model->params = mae_params(model->mae);
    model->fp8 = model->params->fp8;
    assert_int_equal(fp8_linears(model->fp8), fp8 ? LAYERS : 0);
}

/* Scales as a run might have them, all different. */
static void fill(Model *model) {
    for (int i = 0; i < SCALES; i++) {
        Fp8Scale *s = &model->scales[i];
        *s = (Fp8Scale){.scale = ldexpf(1, i - 9),
                        .inverse = ldexpf(1, 9 - i),
                        .format = i % FP8_TENSORS == FP8_GRADIENT ? FP8_E5M2 : FP8_E4M3,
                        .position = i,
                        .recent = 0x80000000u >> i,
                        .overflows = (uint32_t)i * 3,
                        .all_saturated = ((uint64_t)1 << 40) + (uint64_t)i};
        for (int j = 0; j < FP8_HISTORY; j++)
            s->history[j] = (float)(1 + i + j) / 3;
    }
    assert_fine(fp8_write(model->fp8, model->scales));
}

static void write_checkpoint(Model *model, const char *dir, int64_t step) {
    CheckpointWriter *writer;
    bool started;
    const TrainState state = {.step = step, .val_loss = NAN, .best_val_loss = NAN, .best_step = -1, .loss_mean = NAN};
    assert_fine(checkpoint_writer_open(dir, model->params, &(CheckpointKeep){.newest = 3}, &writer));
    assert_fine(checkpoint_writer_begin(writer, &state, false, &started));
    assert_true(started);
    /* The next step is under way before the copy is waited for. */
    assert_fine(fp8_reset(model->fp8));
    assert_fine(checkpoint_writer_wait(writer));
    checkpoint_writer_close(writer);
}

/* The step that was read; what was said in `note`. */
static int64_t read_checkpoint(Model *model, const char *dir, char **note) {
    TrainState state;
    bool found;
    assert_fine(checkpoint_read(dir, model->params, &state, &found, note));
    assert_true(found);
    return state.step;
}

static void the_state_comes_back(void **state) {
    char dir[TEMP_PATH * 2], *note;
    Model model, other;
    Fp8Scale read[SCALES];
    temp_path(state, "ckpt", dir);
    open_model(&model, true);
    fill(&model);
    fp8_turn_off(model.fp8, 2, true);
    write_checkpoint(&model, dir, 5);
    open_model(&other, true);
    fp8_turn_off(other.fp8, 4, true);
    assert_int_equal(read_checkpoint(&other, dir, &note), 5);
    assert_null(note);
    assert_fine(fp8_read(other.fp8, read));
    assert_memory_equal(read, model.scales, sizeof read);
    for (int i = 0; i < LAYERS; i++)
        assert_int_equal(fp8_is_off(other.fp8, i), i == 2);
    mae_close(other.mae);

    /* Without FP8 it is not looked at. */
    open_model(&other, false);
    assert_int_equal(read_checkpoint(&other, dir, &note), 5);
    assert_null(note);
    mae_close(other.mae);
    mae_close(model.mae);
}

static void a_checkpoint_without_it_starts_over(void **state) {
    char dir[TEMP_PATH * 2], *note;
    Model plain, model;
    Fp8Scale read[SCALES];
    temp_path(state, "ckpt", dir);
    open_model(&plain, false);
    write_checkpoint(&plain, dir, 3);
    char *file = printed_path("%s/step-3/" CHECKPOINT_FP8, dir);
    assert_false(files_exists(file));
    free(file);
    open_model(&model, true);
    fill(&model);
    fp8_turn_off(model.fp8, 1, true);
    assert_int_equal(read_checkpoint(&model, dir, &note), 3);
    assert_string_equal(note, "step-3 has no FP8 scales: they are reset");
    free(note);
    assert_fine(fp8_read(model.fp8, read));
    assert_true(read[0].scale == 0 && read[0].history[0] == 0 && !fp8_is_off(model.fp8, 1));
    mae_close(plain.mae);
    mae_close(model.mae);
}

/* Writes one byte into the newest checkpoint's file, or removes it. */
static void damage(const char *dir, bool whole) {
    char *path = printed_path("%s/step-2/" CHECKPOINT_FP8, dir);
    if (whole) {
        assert_fine(files_remove(path));
    } else {
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        assert_int_equal(fseek(file, -9, SEEK_END), 0);
        assert_int_equal(fputc(77, file), 77);
        assert_int_equal(fclose(file), 0);
    }
    free(path);
}

static void a_damaged_one_is_passed_over(void **state) {
    for (int whole = 0; whole < 2; whole++) {
        char dir[TEMP_PATH * 2], *note;
        Model model;
        temp_path(state, whole ? "lost" : "flipped", dir);
        open_model(&model, true);
        fill(&model);
        write_checkpoint(&model, dir, 1);
        fill(&model);
        write_checkpoint(&model, dir, 2);
        damage(dir, whole);
        assert_int_equal(read_checkpoint(&model, dir, &note), 1);
        assert_non_null(strstr(note, "step-2 skipped"));
        assert_non_null(strstr(note, CHECKPOINT_FP8));
        free(note);
        mae_close(model.mae);
    }
}

/* A valid file of another model. */
static void another_model_s_is_refused(void **state) {
    char path[TEMP_PATH * 2];
    Model model;
    SafeTensors *file;
    open_model(&model, true);
    fill(&model);
    for (int i = 0; i < 4; i++) {
        static const char *const wrong[] = {"its layers differ from this model's", "off is missing", "of another size",
                                            "scale 1 of blocks.1.attn.proj is not a valid scale"};
        CheckpointFp8 copy = {0};
        Arena measure = {0}, arena;
        checkpoint_fp8_place(&copy, model.params, &measure);
        assert_fine(arena_open(&arena, measure.used, "a test"));
        checkpoint_fp8_place(&copy, model.params, &arena);
        assert_fine(checkpoint_fp8_take(&copy, model.fp8));
        if (i == 0)
            copy.names[9] ^= 1;
        if (i == 3)
            copy.position[FP8_TENSORS + FP8_WEIGHT] = FP8_HISTORY;
        copy.layers -= i == 2;
        temp_path(state, "fp8.safetensors", path);
        assert_fine(files_remove(path));
        if (i == 1)
            assert_fine(safetensors_write(
                path, &(Tensor){.name = "scale", .type = TYPE_F32, .dims = 1, .shape = {1}, .count = 1, .data = path},
                1, NULL, 0));
        else
            assert_fine(checkpoint_fp8_write(&copy, path));
        assert_refused(checkpoint_fp8_open(path, model.fp8, &file), EXIT_DATA, i == 1 ? "scale is missing" : wrong[i]);
        arena_close(&arena);
    }
    mae_close(model.mae);
}

static void overflows_are_counted_by_steps(void **state) {
    (void)state;
    Fp8Scale scales[FP8_TENSORS] = {{.recent = 0}};
    assert_int_equal(fp8_watch_overflows(scales), 0);
    scales[FP8_INPUT].recent = 0x8001;
    scales[FP8_GRADIENT].recent = 0x8010;
    assert_int_equal(fp8_watch_overflows(scales), 3); /* one step for two tensors */
    scales[FP8_WEIGHT].recent = 0xffff0000u;
    assert_int_equal(fp8_watch_overflows(scales), 3); /* long ago */
}

static void a_layer_that_keeps_overflowing_is_turned_off(void **state) {
    char path[TEMP_PATH * 2], *text;
    size_t size;
    Model model;
    Monitor monitor;
    temp_path(state, "metrics.jsonl", path);
    open_model(&model, true);
    assert_fine(monitor_open(&monitor, path, 1, 100, 2, 0));
    fill(&model);
    for (int i = 0; i < SCALES; i++) {
        model.scales[i].recent = 0;
        model.scales[i].overflows = 0;
        model.scales[i].all_saturated = 0;
    }
    Fp8Scale *seldom = model.scales + 1 * FP8_TENSORS, *often = model.scales + 6 * FP8_TENSORS;
    seldom[FP8_INPUT] = (Fp8Scale){.scale = 1, .recent = 0x8101, .overflows = 3, .all_saturated = 70};
    often[FP8_INPUT].recent = 0x0101;
    often[FP8_GRADIENT].recent = 0x8011;
    often[FP8_INPUT].overflows = 2;
    often[FP8_GRADIENT].overflows = 3;
    often[FP8_GRADIENT].all_saturated = 5;
    assert_fine(fp8_write(model.fp8, model.scales));
    assert_fine(fp8_watch(model.fp8, &monitor, 16));
    for (int i = 0; i < LAYERS; i++)
        assert_int_equal(fp8_is_off(model.fp8, i), i == 6);
    assert_fine(fp8_watch(model.fp8, &monitor, 32));
    monitor_close(&monitor);
    assert_fine(files_read(path, &text, &size));
    assert_string_equal(text,
                        "{\"step\": 16, \"fp8_saturated\": 75, \"fp8_overflows\": 8, \"fp8_off\": 1, \"fp8_layers\": "
                        "{\"blocks.1.attn.proj\": {\"saturated\": 70, \"overflows\": 3, \"off\": false}, "
                        "\"blocks.2.mlp.fc1\": {\"saturated\": 5, \"overflows\": 5, \"off\": true}}}\n"
                        "{\"step\": 32, \"fp8_saturated\": 0, \"fp8_overflows\": 0, \"fp8_off\": 1, \"fp8_layers\": "
                        "{\"blocks.2.mlp.fc1\": {\"saturated\": 0, \"overflows\": 0, \"off\": true}}}\n");
    free(text);
    assert_fine(fp8_watch(NULL, &monitor, 16));
    mae_close(model.mae);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_state_comes_back, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(a_checkpoint_without_it_starts_over, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(a_damaged_one_is_passed_over, temp_open, temp_close),
        cmocka_unit_test_setup_teardown(another_model_s_is_refused, temp_open, temp_close),
        cmocka_unit_test(overflows_are_counted_by_steps),
        cmocka_unit_test_setup_teardown(a_layer_that_keeps_overflowing_is_turned_off, temp_open, temp_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
