/* SPDX-License-Identifier: Apache-2.0 */
/* Where encoders come from, and what is none. Other people's weights: tests/e2e/features.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/safetensors_write.h"
#include "tests/fixtures/encoder_run.h"

#include <math.h>

enum { IMAGES = 3, VALUES = IMAGES * 2 * RUN_DIM };

typedef struct {
    char *root, *run;
    Ops ops;
} Fixture;

static int open_fixture(void **state) {
    Fixture *fixture = calloc(1, sizeof *fixture);
    assert_non_null(fixture);
    fixture->root = scratch_make();
    fixture->run = encoder_run_make(fixture->root);
    ops_cpu(&fixture->ops, 1);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state) {
    Fixture *fixture = *state;
    scratch_remove(fixture->root);
    free(fixture->run);
    free(fixture);
    return 0;
}

/* `from` is a path below the fixture's folder. */
static Status try_open(Fixture *fixture, const char *from, EncoderOptions options, Encoder *encoder) {
    char *path = scratch_path(fixture->root, from);
    options.from = path;
    Status status = encoder_open(&options, &fixture->ops, NULL, encoder);
    if (status)
        encoder_close(encoder);
    free(path);
    return status;
}

/* Its features of a few images, and the hash of its weights. */
static void encode(Fixture *fixture, const char *from, EncoderOptions options, TaskFeatures tokens,
                   float features[VALUES], uint8_t sha256[DIGEST_SHA256]) {
    static uint8_t pixels[IMAGES * RUN_SIDE * RUN_SIDE * 3];
    Encoder encoder;
    encoder_run_draw(pixels, IMAGES);
    memset(features, 0, VALUES * sizeof *features);
    assert_ok(try_open(fixture, from, options, &encoder));
    assert_ok(encoder_run(&encoder, tokens, &(ModelInput){.pixels = pixels, .batch = IMAGES}, features));
    memcpy(sha256, encoder.sha256, DIGEST_SHA256);
    encoder_close(&encoder);
}

static bool are_equal(Fixture *fixture, const char *one, const char *other) {
    float left[VALUES], right[VALUES];
    uint8_t left_hash[DIGEST_SHA256], right_hash[DIGEST_SHA256];
    encode(fixture, one, (EncoderOptions){0}, TASK_MEAN, left, left_hash);
    encode(fixture, other, (EncoderOptions){0}, TASK_MEAN, right, right_hash);
    const bool same = memcmp(left_hash, right_hash, sizeof left_hash) == 0;
    assert_int_equal(memcmp(left, right, sizeof left) == 0, same); /* the hash tells encoders apart */
    return same;
}

static void a_run_is_its_newest_checkpoint(void **state) {
    Fixture *fixture = *state;
    assert_true(are_equal(fixture, "run", "run/ckpt/step-2"));
    assert_true(are_equal(fixture, "run/", "run/ckpt/latest"));
    assert_true(are_equal(fixture, "run", "run/ckpt/step-2/weights.safetensors"));
    assert_true(are_equal(fixture, "run/ckpt/best", "run/ckpt/step-1"));
    assert_false(are_equal(fixture, "run", "run/ckpt/best"));
}

/* --key is of the files that a run is compared with. */
static void a_run_has_no_entries(void **state) {
    Fixture *fixture = *state;
    Encoder encoder;
    assert_ok(try_open(fixture, "run", (EncoderOptions){.hints.key = "teacher"}, &encoder));
    assert_null(encoder.entry);
    encoder_close(&encoder);
}

/* From another place the same weights have no configuration beside them. */
static void what_weights_do_not_tell_is_asked_for(void **state) {
    Fixture *fixture = *state;
    char *from = scratch_path(fixture->run, "ckpt/step-2/weights.safetensors"), *bytes;
    size_t size;
    Encoder encoder;
    float run[VALUES], file[VALUES];
    uint8_t run_hash[DIGEST_SHA256], file_hash[DIGEST_SHA256];
    assert_ok(files_read(from, &bytes, &size));
    scratch_write(fixture->root, "w.safetensors", bytes, size);
    assert_fails(try_open(fixture, "w.safetensors", (EncoderOptions){0}, &encoder), EXIT_DATA,
                 "an encoder of width 16 cannot have heads of width 64, as published ones have; say how many");
    assert_fails(try_open(fixture, "w.safetensors", (EncoderOptions){.hints.heads = 3}, &encoder), EXIT_DATA,
                 "cannot have so many heads");
    encode(fixture, "run", (EncoderOptions){0}, TASK_MEAN, run, run_hash);
    encode(fixture, "w.safetensors", (EncoderOptions){.hints.heads = 2}, TASK_MEAN, file, file_hash);
    assert_memory_equal(run_hash, file_hash, sizeof run_hash);
    float most = 0;
    for (int i = 0; i < IMAGES * RUN_DIM; i++)
        most = fmaxf(most, fabsf(run[i] - file[i]));
    assert_true(most > 0 && most < 0.01f); /* the run's GELU is the tanh form, which differs by at most 5e-4 */
    encode(fixture, "w.safetensors", (EncoderOptions){.hints.heads = 1}, TASK_MEAN, run, run_hash);
    assert_memory_not_equal(run, file, sizeof run);
    free(bytes);
    free(from);
}

static void random_encoders_have_the_shape_alone(void **state) {
    Fixture *fixture = *state;
    Encoder encoder;
    assert_true(are_equal(fixture, "run:random", "run:random"));
    assert_false(are_equal(fixture, "run:random", "run"));
    assert_ok(try_open(fixture, "run:random", (EncoderOptions){0}, &encoder));
    assert_int_equal(encoder.source.seed, 9);
    assert_int_equal(encoder.shape.heads, RUN_HEADS);
    encoder_close(&encoder);
    assert_true(are_equal(fixture, "run:random", "run/ckpt/best:random"));
    char *again = scratch_path(fixture->root, "again");
    static const char config[] = "[model]\nimage_size = 32\npatch_size = 8\ndim = 16\ndepth = 2\nheads = 2\n"
                                 "activation = tanh\n[train]\nseed = 10\n";
    assert_ok(files_make_directory(again));
    scratch_write(again, "config.ini", config, strlen(config));
    free(again);
    assert_false(are_equal(fixture, "run:random", "again:random"));
    char *checkpoints = scratch_path(fixture->run, "ckpt");
    assert_ok(files_remove(checkpoints));
    free(checkpoints);
    assert_true(are_equal(fixture, "run:random", "run:random"));
    assert_fails(try_open(fixture, "run", (EncoderOptions){0}, &encoder), EXIT_DATA, "has no complete checkpoint");
}

static void features_are_parts_of_one_pass(void **state) {
    Fixture *fixture = *state;
    float cls[VALUES], mean[VALUES], both[VALUES], pooled[VALUES];
    uint8_t hash[DIGEST_SHA256];
    encode(fixture, "run", (EncoderOptions){0}, TASK_CLS, cls, hash);
    encode(fixture, "run", (EncoderOptions){0}, TASK_MEAN, mean, hash);
    encode(fixture, "run", (EncoderOptions){0}, TASK_CLS_MEAN, both, hash);
    encode(fixture, "run", (EncoderOptions){0}, TASK_POOLED, pooled, hash);
    for (int i = 0; i < IMAGES; i++) {
        assert_memory_equal(both + 2 * i * RUN_DIM, cls + i * RUN_DIM, RUN_DIM * sizeof *cls);
        assert_memory_equal(both + (2 * i + 1) * RUN_DIM, mean + i * RUN_DIM, RUN_DIM * sizeof *cls);
    }
    assert_memory_not_equal(cls, mean, sizeof cls);
    assert_memory_not_equal(pooled, mean, sizeof mean);
    Encoder encoder;
    assert_ok(try_open(fixture, "run", (EncoderOptions){0}, &encoder));
    assert_int_equal(encoder_width(&encoder, TASK_CLS_MEAN), 2 * RUN_DIM);
    assert_int_equal(encoder_width(&encoder, TASK_POOLED), RUN_DIM);
    assert_int_equal(encoder.shape.batch, 16);
    encoder_close(&encoder);
}

/* Writes `name` with the tensors of the newest checkpoint but those that begin with `dropped`, and with the note
 * heads = 2. `spoilt`: a tensor that gets a value that is not finite. */
static void write_some(Fixture *fixture, const char *name, const char *dropped, const char *spoilt) {
    enum { MOST = 100 };
    Tensor tensors[MOST];
    Weights *weights;
    int count = 0;
    char *from = scratch_path(fixture->run, "ckpt/step-2/weights.safetensors"), *to = scratch_path(fixture->root, name);
    assert_ok(weights_open(from, NULL, &weights));
    for (int i = 0; i < weights_count(weights); i++)
        if (!dropped || strncmp(weights_at(weights, i)->name, dropped, strlen(dropped)) != 0)
            tensors[count++] = *weights_at(weights, i);
    for (int i = 0; i < count; i++)
        if (spoilt && strcmp(tensors[i].name, spoilt) == 0)
            ((float *)(uintptr_t)tensors[i].data)[1] = NAN;
    assert_ok(safetensors_write(to, tensors, count, &(TensorNote){"heads", "2"}, 1));
    weights_close(weights);
    free(from);
    free(to);
}

static void other_files_are_refused(void **state) {
    Fixture *fixture = *state;
    Encoder encoder;
    assert_fails(try_open(fixture, "nothing", (EncoderOptions){0}, &encoder), EXIT_USAGE,
                 "there is no such run, checkpoint or file of weights");
    assert_fails(try_open(fixture, "run", (EncoderOptions){.hints.image_size = 36}, &encoder), EXIT_USAGE,
                 "images of 36 pixels cannot be cut into its patches of 8; the next sizes are 32 and 40");
    write_some(fixture, "whole.safetensors", NULL, NULL);
    assert_ok(try_open(fixture, "whole.safetensors", (EncoderOptions){0}, &encoder));
    assert_int_equal(encoder.shape.heads, 2);
    assert_false(encoder.source.assumed);
    encoder_close(&encoder);
    write_some(fixture, "none.safetensors", "patch_embed", NULL);
    assert_fails(try_open(fixture, "none.safetensors", (EncoderOptions){0}, &encoder), EXIT_DATA,
                 "no encoder is in it: it has no tensor patch_embed.proj.weight");
    write_some(fixture, "part.safetensors", "blocks.1.attn", NULL);
    assert_fails(try_open(fixture, "part.safetensors", (EncoderOptions){0}, &encoder), EXIT_DATA,
                 "tensors of the model that are missing: blocks.1.attn");
    write_some(fixture, "spoilt.safetensors", NULL, "blocks.1.mlp.fc1.weight");
    assert_fails(try_open(fixture, "spoilt.safetensors", (EncoderOptions){0}, &encoder), EXIT_DATA, "not finite");
    write_some(fixture, "normless.safetensors", "norm.", NULL);
    assert_ok(try_open(fixture, "normless.safetensors", (EncoderOptions){0}, &encoder));
    assert_fails(encoder_check(&encoder, TASK_MEAN), EXIT_USAGE, "set features.tokens = pooled");
    assert_ok(encoder_check(&encoder, TASK_POOLED));
    encoder_close(&encoder);
    uint8_t *bytes;
    size_t size;
    scratch_read(fixture->run, "ckpt/step-2/weights.safetensors", &bytes, &size);
    bytes[size - 9] ^= 1;
    scratch_write(fixture->run, "ckpt/step-2/weights.safetensors", bytes, size);
    free(bytes);
    assert_fails(try_open(fixture, "run", (EncoderOptions){0}, &encoder), EXIT_DATA, "weights.safetensors");
}

/* At another image size position embeddings are resized. */
static void the_image_size_can_be_another(void **state) {
    Fixture *fixture = *state;
    Encoder encoder;
    assert_ok(try_open(fixture, "run", (EncoderOptions){.hints.image_size = 48}, &encoder));
    assert_int_equal(encoder.shape.image_size, 48);
    uint8_t *pixels = draw_image(48, 48, 1);
    float features[RUN_DIM];
    assert_ok(encoder_run(&encoder, TASK_CLS, &(ModelInput){.pixels = pixels, .batch = 1}, features));
    for (int i = 0; i < RUN_DIM; i++)
        assert_true(isfinite(features[i]));
    free(pixels);
    encoder_close(&encoder);
}

/* What is printed of `from`, which must be there. */
static void expect_printed(Fixture *fixture, const char *from, const char *wanted) {
    char *text = NULL, *path = scratch_path(fixture->root, from);
    size_t size;
    Encoder encoder;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_ok(encoder_open(&(EncoderOptions){.from = path}, &fixture->ops, out, &encoder));
    encoder_close(&encoder);
    assert_int_equal(fclose(out), 0);
    if (!strstr(text, wanted))
        fail_msg("\"%s\" is not in \"%s\"", wanted, text);
    free(path);
    free(text);
}

static void heads_that_are_assumed_are_named(void **state) {
    Fixture *fixture = *state;
    char *root = scratch_path(fixture->root, "wide"), *bytes;
    size_t size;
    assert_ok(files_make_directory(root));
    char *run = encoder_run_wide(root, 128), *file = scratch_path(run, "ckpt/step-2/weights.safetensors");
    expect_printed(fixture, "wide/run", "encoder     ViT 128x2, 2 heads; 32 px, patch 8; 16 images at a time\n");
    assert_ok(files_read(file, &bytes, &size));
    scratch_write(fixture->root, "w.safetensors", bytes, size);
    expect_printed(fixture, "w.safetensors", "ViT 128x2, 2 heads of 64 as published ones have, which --heads can");
    free(bytes);
    free(file);
    free(run);
    free(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_run_is_its_newest_checkpoint, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(a_run_has_no_entries, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(what_weights_do_not_tell_is_asked_for, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(random_encoders_have_the_shape_alone, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(features_are_parts_of_one_pass, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(other_files_are_refused, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(heads_that_are_assumed_are_named, open_fixture, close_fixture),
        cmocka_unit_test_setup_teardown(the_image_size_can_be_another, open_fixture, close_fixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
