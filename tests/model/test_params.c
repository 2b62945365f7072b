/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/files.h"
#include "base/safetensors_write.h"
#include "model/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    Arena arena;
    Params params;
    char directory[64], path[96];
} Fixture;

static int set_up(void **state) {
    Fixture *f = calloc(1, sizeof *f);
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            assert_null(arena_open(&f->arena, f->arena.used, "the test"));
        params_begin(&f->params, &f->arena, 3);
        params_add(&f->params, "weight", true, 0, 2, (int64_t[]){3, 7});
        params_add(&f->params, "bias", true, 0, 1, (int64_t[]){3});
        params_add(&f->params, "pos", false, 0, 2, (int64_t[]){1, 5});
        params_end(&f->params, &f->arena, device_cpu(), REAL_FP32);
    }
    for (size_t i = 0; i < f->params.total; i++)
        f->params.value[i] = (float)i + 1;
    for (size_t i = 0; i < f->params.trained; i++)
        f->params.m[i] = -(float)i;
    strcpy(f->directory, "/tmp/test_params.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/a.safetensors", f->directory);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    arena_close(&f->arena);
    assert_null(files_remove(f->directory));
    free(f);
    return 0;
}

static void tensors_lie_apart_on_cache_lines(void **state) {
    Fixture *f = *state;
    assert_int_equal(f->params.count, 3);
    assert_int_equal(f->params.trained, 48); /* 21 and 3, each rounded up to 16 */
    assert_int_equal(f->params.total, 64);
    for (int i = 0; i < 3; i++)
        assert_int_equal((uintptr_t)params_value(&f->params, i) % 64, 0);
    assert_non_null(params_grad(&f->params, 1));
    assert_null(params_grad(&f->params, 2));
    assert_null(params_find(&f->params, "absent"));
}

/* What is frozen lies behind the rest and takes no memory but its values'. */
static void frozen_tensors_have_values_alone(void **state) {
    (void)state;
    Arena arena = {0};
    Params params;
    size_t all = 0;
    for (int pass = 0; pass < 4; pass++) { /* measured, then filled: all trained, then the first layer frozen */
        const size_t measured = arena.used;
        if (pass % 2)
            assert_null(arena_open(&arena, measured, "the test"));
        params_begin(&params, &arena, 4);
        params_freeze(&params, pass / 2);
        params_add(&params, "first", true, 0, 1, (int64_t[]){20});
        params_add(&params, "fixed", false, 0, 1, (int64_t[]){5});
        params_add(&params, "second", true, 1, 1, (int64_t[]){3});
        params_freeze(&params, 0);
        params_add(&params, "head", true, 0, 1, (int64_t[]){7});
        params_end(&params, &arena, device_cpu(), REAL_FP32);
        assert_int_equal(params.total, 32 + 3 * 16);
        assert_int_equal(params.trained, pass / 2 ? 2 * 16 : 32 + 2 * 16);
        if (pass == 1)
            all = measured;
        if (pass == 3)
            assert_int_equal(measured, all - 3 * 32 * sizeof(float));
        if (pass % 2 == 0)
            continue;
        assert_true(params.list[0].frozen == (pass == 3) && !params.list[1].frozen && !params.list[2].frozen);
        assert_true(params_find(&params, "head")->offset < params.trained);
        if (pass == 3) {
            assert_int_equal(params_find(&params, "second")->offset, 0);
            assert_int_equal(params_find(&params, "first")->offset, 2 * 16);
            assert_null(params_grad(&params, 0));
        }
        arena_close(&arena);
        arena = (Arena){0};
    }
}

static void write_file(const Fixture *f, const float *what, bool trained_only, const char *prefix, int leave_out) {
    char names[3][96];
    Tensor tensors[3];
    int count = params_views(&f->params, what, trained_only, prefix, names, tensors);
    assert_int_equal(count, trained_only ? 2 : 3);
    assert_null(safetensors_write(f->path, tensors, count - leave_out, NULL, 0));
}

static void values_and_moments_come_back(void **state) {
    Fixture *f = *state;
    SafeTensors *file;
    float value[64], m[48];
    memcpy(value, f->params.value, sizeof value);
    memcpy(m, f->params.m, sizeof m);
    write_file(f, f->params.value, false, "", 0);
    memset(f->params.value, 0, sizeof value);
    assert_null(safetensors_open(f->path, &file));
    assert_null(params_read(&f->params, f->params.value, file, ""));
    safetensors_close(file);
    for (int i = 0; i < 3; i++) {
        const Param *p = &f->params.list[i];
        assert_memory_equal(f->params.value + p->offset, value + p->offset, sizeof(float) * p->count);
    }
    assert_true(f->params.value[21] == 0); /* the gap belongs to no tensor */
    assert_null(files_remove(f->path));
    write_file(f, f->params.m, true, "m.", 0);
    memset(f->params.m, 0, sizeof m);
    assert_null(safetensors_open(f->path, &file));
    assert_null(params_read(&f->params, f->params.m, file, "m."));
    safetensors_close(file);
    assert_memory_equal(f->params.m, m, sizeof(float) * 21);
}

static void what_does_not_fit_is_named(void **state) {
    Fixture *f = *state;
    SafeTensors *file;
    write_file(f, f->params.value, false, "", 1);
    assert_null(safetensors_open(f->path, &file));
    Status status = params_read(&f->params, f->params.value, file, "");
    assert_int_equal(status_code(status), EXIT_DATA);
    assert_non_null(strstr(status_message(status), "pos (missing)"));
    status_free(status);
    f->params.list[0].shape[0] = 7;
    f->params.list[0].shape[1] = 3;
    status = params_read(&f->params, f->params.value, file, "");
    assert_non_null(strstr(status_message(status), "weight (other shape or type)"));
    status_free(status);
    safetensors_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tensors_lie_apart_on_cache_lines, set_up, tear_down),
        cmocka_unit_test(frozen_tensors_have_values_alone),
        cmocka_unit_test_setup_teardown(values_and_moments_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
