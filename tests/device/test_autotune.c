/* SPDX-License-Identifier: Apache-2.0 */
/* Choices by timing, on the emulated GPU: two algorithms for each product, fused or not, with made-up times that
 * FOVEA_EMU_TIMES changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device/open.h"
#include "kernels/emu/control.h"
#include "ops/ops.h"
#include "tests/fixtures/check.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 12, IN = 72, OUT = 24, DW = OUT * IN, SHAPES = 200 };

typedef struct {
    Device *device;
    Ops ops;
    uint16_t *dy, *x;
    float *dw;
} Fixture;

static void set_times(const char *times) {
    assert_int_equal(setenv("FOVEA_EMU_TIMES", times, 1), 0);
}

static void *taken(const Device *device, size_t bytes) {
    void *memory;
    assert_fine(device->allocate(device, bytes, "a test", &memory));
    return memory;
}

static Fixture *opened(bool timed) {
    Fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    char *note;
    assert_fine(device_open(DEVICE_EMU, &f->device, &note));
    f->device->operations(f->device, 1, &f->ops);
    f->ops.type = REAL_BF16;
    f->device->autotune(f->device, timed);
    uint16_t dy[ROWS * OUT], x[ROWS * IN];
    for (int i = 0; i < ROWS * OUT; i++)
        dy[i] = (uint16_t)(0x3b80 + i * 37 % 0x800); /* BF16 from 2^-8 to 2^8: sums are rounded */
    for (int i = 0; i < ROWS * IN; i++)
        x[i] = (uint16_t)(0x3b80 + i * 53 % 0x800);
    f->dy = taken(f->device, sizeof dy);
    f->x = taken(f->device, sizeof x);
    f->dw = taken(f->device, (DW + OUT) * sizeof *f->dw);
    assert_fine(device_write(f->device, f->dy, dy, sizeof dy));
    assert_fine(device_write(f->device, f->x, x, sizeof x));
    return f;
}

static void closed(Fixture *f) {
    f->device->release(f->device, f->dy);
    f->device->release(f->device, f->x);
    f->device->release(f->device, f->dw);
    device_close(f->device);
    free(f);
}

/* Weight and bias gradient over the first rows; a number for each shape. */
static void gradient(Fixture *f, int rows, bool add) {
    f->ops.linear_backward_weight(
        &f->ops,
        &(LinearBackwardWeight){
            .dy = f->dy, .x = f->x, .dw = f->dw, .dbias = f->dw + DW, .add = add, .rows = rows, .in = IN, .out = OUT});
}

static void gradient_read(Fixture *f, int rows, float out[DW + OUT]) {
    gradient(f, rows, false);
    assert_fine(ops_error(&f->ops));
    assert_fine(device_read(f->device, out, f->dw, (DW + OUT) * sizeof *out));
}

static size_t listed(const Fixture *f) {
    size_t count;
    f->device->autotune_export(f->device, &count);
    return count;
}

static const AutotuneChoice *entry(const Fixture *f, const char *part) {
    size_t count;
    const AutotuneChoice *entries = f->device->autotune_export(f->device, &count);
    for (size_t i = 0; i < count; i++)
        if (strstr(entries[i].key, part))
            return &entries[i];
    fail_msg("no choice for %s", part);
    return NULL;
}

static void only_a_gpu_has_choices(void **state) {
    (void)state;
    assert_string_equal(device_cpu()->tuned_on, "");
    Fixture *f = opened(true);
    assert_non_null(strstr(f->device->tuned_on, f->device->model));
    assert_non_null(strstr(f->device->tuned_on, "cuda_driver"));
    closed(f);
}

static void a_shape_is_timed_once(void **state) {
    (void)state;
    set_times("1");
    Fixture *f = opened(true);
    float first[DW + OUT], again[DW + OUT];
    assert_int_equal(listed(f), 0);
    gradient_read(f, ROWS, first);
    assert_int_equal(listed(f), 3); /* the product, the product with the bias gradient, which of the two */
    const AutotuneChoice *decision = entry(f, "linear_backward_weight of rows = 12, in = 72, out = 24, BF16");
    assert_true(!strcmp(decision->choice, "epilogue") || !strcmp(decision->choice, "kernels"));
    assert_true(decision->microseconds > 0);
    entry(f, "product of m = 24, n = 72, k = 12, BF16 transposed by BF16 into FP32, bias gradient fused");
    set_times("2");
    gradient_read(f, ROWS, again);
    assert_int_equal(listed(f), 3);
    assert_memory_equal(first, again, sizeof first);
    gradient_read(f, ROWS - 1, again);
    assert_int_equal(listed(f), 6);
    closed(f);
}

/* Other times, other algorithms, other roundings. */
static void what_is_given_is_taken(void **state) {
    (void)state;
    float wanted[ROWS][DW + OUT], got[DW + OUT];
    size_t count;
    int different = 0;
    set_times("1");
    Fixture *first = opened(true);
    for (int rows = 1; rows <= ROWS; rows++)
        gradient_read(first, rows, wanted[rows - 1]);
    const AutotuneChoice *entries = first->device->autotune_export(first->device, &count);
    set_times("2");
    Fixture *second = opened(true), *third = opened(true);
    assert_fine(second->device->autotune_import(second->device, entries, count));
    assert_int_equal(listed(second), count);
    for (int rows = 1; rows <= ROWS; rows++) {
        gradient_read(second, rows, got);
        assert_memory_equal(got, wanted[rows - 1], sizeof got);
        gradient_read(third, rows, got);
        different += memcmp(got, wanted[rows - 1], sizeof got) != 0;
    }
    assert_int_equal(listed(second), count);
    assert_true(different > 2);
    closed(first);
    closed(second);
    closed(third);
}

static void an_unusable_choice_is_timed_again_and_marked(void **state) {
    (void)state;
    set_times("1");
    float wanted[DW + OUT], got[DW + OUT];
    Fixture *sound = opened(true), *f = opened(true);
    gradient_read(sound, ROWS, wanted);
    const char *const keys[] = {entry(sound, "epilogue or kernels")->key, entry(sound, "into FP32")->key};
    assert_null(strstr(keys[1], "fused")); /* the first that is timed */
    const AutotuneChoice given[] = {{keys[0], "by hand", 1, false}, {keys[1], "thirds", 1, false}};
    assert_fine(f->device->autotune_import(f->device, given, 2));
    gradient_read(f, ROWS, got);
    assert_memory_equal(got, wanted, sizeof got);
    for (int i = 0; i < 2; i++) {
        assert_true(entry(f, keys[i])->refused);
        assert_string_equal(entry(f, keys[i])->choice, entry(sound, keys[i])->choice);
        assert_false(entry(sound, keys[i])->refused);
    }
    assert_false(entry(f, "bias gradient fused")->refused);
    closed(sound);
    closed(f);
}

/* Zero to begin with, what timing left behind or twice the gradient would show. */
static void what_is_added_to_is_not_spoiled_by_timing(void **state) {
    (void)state;
    for (int times = 0; times < 6; times++) {
        set_times((const char[]){(char)('0' + times), '\0'});
        float plain[DW + OUT], got[DW + OUT];
        Fixture *f = opened(true), *other = opened(true);
        gradient_read(f, ROWS, plain);
        assert_fine(other->device->fill(other->device, NULL, other->dw, 0, sizeof got));
        gradient(other, ROWS, true);
        assert_fine(ops_error(&other->ops));
        assert_fine(device_read(other->device, got, other->dw, sizeof got));
        assert_memory_equal(got, plain, sizeof got);
        assert_int_equal(listed(other), 3);
        closed(f);
        closed(other);
    }
}

/* The operation itself asks for no memory that is not there. */
static void without_memory_for_it_nothing_is_timed(void **state) {
    (void)state;
    set_times("1");
    float advised[DW + OUT], got[DW + OUT];
    Fixture *f = opened(true), *untimed = opened(false);
    const EmuControl *control = dlsym(f->device->library, "fovea_emu");
    assert_non_null(control);
    gradient_read(untimed, ROWS, advised);
    gradient(f, ROWS - 1, false); /* so that the scratch memory is there */
    assert_fine(f->device->fill(f->device, NULL, f->dw, 0, sizeof got));
    const size_t before = control->allocated();
    control->memory(before + 1024);
    gradient(f, ROWS, true);
    assert_fine(ops_error(&f->ops));
    assert_fine(device_read(f->device, got, f->dw, sizeof got));
    assert_memory_equal(got, advised, sizeof got);
    assert_int_equal(control->allocated(), before);
    assert_int_equal(listed(f), 3);
    control->memory((size_t)1 << 32);
    gradient_read(f, ROWS, got);
    assert_int_equal(listed(f), 6);
    closed(f);
    closed(untimed);
}

static void nothing_is_timed_while_work_is_captured(void **state) {
    (void)state;
    set_times("1");
    float advised[DW + OUT], got[DW + OUT];
    Graph *graph;
    Fixture *f = opened(true), *untimed = opened(false);
    gradient_read(untimed, ROWS, advised);
    assert_int_equal(listed(untimed), 0);
    assert_fine(f->device->fill(f->device, NULL, f->dw, 0, sizeof got));
    gradient(f, ROWS - 1, false); /* so that the scratch memory is there */
    assert_int_equal(listed(f), 3);
    assert_fine(f->device->capture_begin(f->device));
    gradient(f, ROWS, false);
    assert_fine(f->device->capture_end(f->device, &graph));
    assert_fine(ops_error(&f->ops));
    assert_int_equal(listed(f), 3);
    assert_fine(f->device->graph_launch(f->device, graph));
    assert_fine(device_read(f->device, got, f->dw, sizeof got));
    assert_memory_equal(got, advised, sizeof got);
    gradient_read(f, ROWS, got);
    assert_int_equal(listed(f), 6);
    f->device->graph_close(f->device, graph);
    closed(f);
    closed(untimed);
}

static void many_choices_are_all_found_again(void **state) {
    (void)state;
    Fixture *f = opened(true);
    char keys[SHAPES][32];
    for (int i = 0; i < SHAPES; i++) {
        snprintf(keys[i], sizeof keys[i], "shape %d", i);
        for (int round = 0; round < 2; round++) /* the second takes the first's place */
            assert_fine(
                f->device->autotune_import(f->device, &(AutotuneChoice){keys[i], round ? keys[i] : "", i, false}, 1));
    }
    size_t count;
    const AutotuneChoice *entries = f->device->autotune_export(f->device, &count);
    assert_int_equal(count, SHAPES);
    for (int i = 0; i < SHAPES; i++) {
        assert_string_equal(entries[i].key, keys[i]);
        assert_string_equal(entries[i].choice, keys[i]);
    }
    closed(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_gpu_has_choices),
        cmocka_unit_test(a_shape_is_timed_once),
        cmocka_unit_test(what_is_given_is_taken),
        cmocka_unit_test(an_unusable_choice_is_timed_again_and_marked),
        cmocka_unit_test(what_is_added_to_is_not_spoiled_by_timing),
        cmocka_unit_test(without_memory_for_it_nothing_is_timed),
        cmocka_unit_test(nothing_is_timed_while_work_is_captured),
        cmocka_unit_test(many_choices_are_all_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
