/* SPDX-License-Identifier: Apache-2.0 */
/* The samples of a pass reach a model in every way that its input allows, with the same result. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "device/open.h"
#include "model/vit.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 16, RECORD = 24, BATCH = 2, RECORDS = 4, CLASSES = 3, IMAGE = SIDE * SIDE * 3 };

typedef struct {
    Device *device;
    Ops ops;
    uint8_t records[RECORDS][RECORD * RECORD * 3];
} Fixture;

static Vit *open_vit(Fixture *f, int record, bool cached) {
    const ModelShape shape = {.image_size = SIDE,
                              .patch_size = 4,
                              .record = record,
                              .cached = cached,
                              .dim = 16,
                              .depth = 1,
                              .heads = 2,
                              .mlp_ratio = 4,
                              .norm_eps = 1e-6,
                              .activation = ACTIVATION_GELU_ERF,
                              .classes = CLASSES,
                              .drop_path = 0.5,
                              .batch = BATCH};
    Vit *vit;
    Random random;
    assert_fine(vit_open(&shape, &f->ops, &vit));
    const Params *params = vit_params(vit);
    float *values = malloc(params->total * sizeof *values);
    assert_non_null(values);
    random_start(&random, 3, RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < params->total; i++)
        values[i] = (float)(0.3 * random_normal(&random));
    assert_fine(device_write(params->device, params->value, values, params->total * sizeof *values));
    free(values);
    return vit;
}

static void take_logits(Fixture *f, Vit *vit, const ModelInput *host, float logits[BATCH * CLASSES]) {
    ModelInput input;
    assert_fine(vit_upload(vit, 1, NULL, host, &input));
    vit_forward(vit, &input);
    assert_fine(ops_error(&f->ops));
    assert_fine(device_read(f->device, logits, vit_logits(vit), BATCH * CLASSES * sizeof *logits));
}

static void crops_by_the_device_are_those_of_the_host(void **state) {
    Fixture *f = *state;
    const Crop crops[BATCH] = {{.top = 3, .left = 1, .height = 17, .width = 20, .flip = true},
                               {.top = 0, .left = 5, .height = 12, .width = 11}};
    const int32_t which[BATCH] = {2, 1};
    uint8_t views[BATCH][IMAGE], packed[BATCH][sizeof f->records[0]];
    for (int i = 0; i < BATCH; i++) {
        assert_fine(resize_pixels(f->records[which[i]], RECORD, RECORD, crops[i], SIDE, SIDE, views[i]));
        memcpy(packed[i], f->records[which[i]], sizeof packed[i]);
    }
    void *cache;
    assert_fine(f->device->allocate(f->device, sizeof f->records, "the records", &cache));
    assert_fine(device_write(f->device, cache, f->records, sizeof f->records));
    const ModelInput inputs[] = {
        {.pixels = *views, .batch = BATCH},
        {.pixels = *packed, .side = RECORD, .crops = crops, .batch = BATCH},
        {.records = cache, .cached = RECORDS, .which = which, .side = RECORD, .crops = crops, .batch = BATCH},
    };
    float logits[3][BATCH * CLASSES];
    for (int way = 0; way < 3; way++) {
        Vit *vit = open_vit(f, way ? RECORD : 0, way == 2);
        take_logits(f, vit, &inputs[way], logits[way]);
        vit_close(vit);
    }
    f->device->release(f->device, cache);
    assert_memory_equal(logits[1], logits[0], sizeof *logits);
    assert_memory_equal(logits[2], logits[0], sizeof *logits);
    assert_true(logits[0][0] != logits[0][CLASSES]); /* the images are not the same */
}

static void the_slots_count_what_they_upload(void **state) {
    Fixture *f = *state;
    Vit *vit = open_vit(f, 0, false);
    float logits[BATCH * CLASSES];
    const ModelInput host = {.pixels = f->records[0], .batch = BATCH};
    take_logits(f, vit, &host, logits);
    assert_int_equal(vit_uploaded_bytes(vit), f->device->host_memory ? 0 : BATCH * IMAGE);
    vit_close(vit);
}

static void labels_and_factors_are_uploaded(void **state) {
    Fixture *f = *state;
    Vit *vit = open_vit(f, 0, false);
    const float labels[BATCH] = {1, NAN}, keep[2 * BATCH] = {0, 2, 1.5f, 0.5f};
    const double known = 3;
    const ModelInput host = {.pixels = f->records[0], .labels = labels, .known = &known, .keep = keep, .batch = BATCH};
    ModelInput input;
    float read_labels[BATCH], read_keep[2 * BATCH];
    double read_known;
    assert_fine(vit_upload(vit, 0, NULL, &host, &input));
    assert_fine(device_read(f->device, read_labels, input.labels, sizeof read_labels));
    assert_fine(device_read(f->device, read_keep, input.keep, sizeof read_keep));
    assert_fine(device_read(f->device, &read_known, input.known, sizeof read_known));
    assert_memory_equal(read_labels, labels, sizeof labels);
    assert_memory_equal(read_keep, keep, sizeof keep);
    assert_true(read_known == known);
    if (!f->device->host_memory)
        assert_true(vit_uploaded_bytes(vit) == BATCH * IMAGE + sizeof labels + sizeof keep + sizeof known);
    vit_close(vit);
}

static int open_device(void **state, DeviceKind kind) {
    Fixture *f = calloc(1, sizeof *f);
    char *note;
    Random random;
    Status status = device_open(kind, &f->device, &note);
    if (status_code(status) == EXIT_MISSING) {
        print_message("# %s\n", status_message(status));
        status_free(status);
        free(f);
        return 0;
    }
    assert_fine(status);
    f->device->operations(f->device, 1, &f->ops);
    f->ops.type = REAL_FP32;
    random_start(&random, 11, RANDOM_TEST, 0, 0);
    for (int r = 0; r < RECORDS; r++)
        for (size_t i = 0; i < sizeof *f->records; i++)
            f->records[r][i] = (uint8_t)random_below(&random, 256);
    *state = f;
    return 0;
}

static int open_cpu(void **state) {
    return open_device(state, DEVICE_CPU);
}

static int open_emulated(void **state) {
    return open_device(state, DEVICE_EMU);
}

static int close_device(void **state) {
    Fixture *f = *state;
    if (f)
        device_close(f->device);
    free(f);
    return 0;
}

static void skip_without_device(void **state) {
    if (!*state)
        skip();
}

#define ON_BOTH(test)                                                                                                  \
    static void emulated_##test(void **state) {                                                                        \
        skip_without_device(state);                                                                                    \
        test(state);                                                                                                   \
    }
ON_BOTH(crops_by_the_device_are_those_of_the_host)
ON_BOTH(the_slots_count_what_they_upload)
ON_BOTH(labels_and_factors_are_uploaded)

int main(void) {
#define TEST(name)                                                                                                     \
    cmocka_unit_test_setup_teardown(name, open_cpu, close_device),                                                     \
        cmocka_unit_test_setup_teardown(emulated_##name, open_emulated, close_device)
    const struct CMUnitTest tests[] = {
        TEST(crops_by_the_device_are_those_of_the_host),
        TEST(the_slots_count_what_they_upload),
        TEST(labels_and_factors_are_uploaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
