/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing weights while memory is short: each allocation in turn fails, once. Every call then ends in the
 * error for that, or does without, and leaves neither a file nor, as the address sanitizer sees, memory behind. The
 * linker leads the allocations of this program here (--wrap in the Makefile). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "checkpoint/initial.h"
#include "checkpoint/weights.h"
#include "checkpoint/weights_write.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/temp.h"

static int64_t calls, fail_at; /* 0: none fails */

static bool is_refused(void) {
    return ++calls == fail_at;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
int __real_vasprintf(char **text, const char *format, va_list arguments);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __wrap_vasprintf(char **text, const char *format, va_list arguments);

void *__wrap_malloc(size_t size) {
    return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return is_refused() ? NULL : __real_realloc(memory, size);
}

int __wrap_vasprintf(char **text, const char *format, va_list arguments) {
    return is_refused() ? -1 : __real_vasprintf(text, format, arguments);
}

static Status convert(const char *in, const char *out) {
    Weights *weights;
    WeightsWritten written;
    TRY(weights_open(in, NULL, &weights));
    Status status = weights_check_parts(weights);
    if (!status)
        status = weights_write(weights, false, out, &written);
    weights_close(weights);
    return status;
}

static void each_failure_is_reported(void **state) {
    static const struct {
        const char *in, *out;
    } cases[] = {{"tests/cases/pth/types.pth", "out.safetensors"},
                 {"tests/cases/pth/types.pth", "out.pth"},
                 {"tests/cases/import/hf_hub", "out.safetensors"},
                 {"tests/cases/import/refuse_swiglu.pth", "out.pth"},
                 {"tests/cases/pth/no_storage.pth", "out.pth"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[TEMP_PATH * 2];
        temp_path(state, cases[i].out, path);
        calls = fail_at = 0;
        Status expected = convert(cases[i].in, path);
        const int64_t all = calls, step = getenv("FOVEA_LONG") ? 1 : 7;
        const ExitCode code = status_code(expected);
        int refused = 0;
        status_free(expected);
        assert_true(all >= 10);
        for (int64_t n = 1; n <= all; n += n < 100 ? 1 : step) {
            assert_fine(files_remove(path));
            calls = 0;
            fail_at = n;
            Status status = convert(cases[i].in, path);
            fail_at = 0;
            refused += status_code(status) == EXIT_NO_MEMORY;
            if (status_code(status) != EXIT_NO_MEMORY && status_code(status) != code)
                fail_msg("%s, allocation %lld: %s", cases[i].in, (long long)n, status_message(status));
            assert_int_equal(files_exists(path), status == NULL);
            status_free(status);
        }
        assert_true(refused >= 10);
    }
}

static void a_start_that_fails_changes_nothing(void **state) {
    (void)state;
    const InitialOptions options = {.path = "tests/cases/import/dinov2_teacher.pth"};
    Arena arena = {0};
    Params params;
    for (int pass = 0; pass < 2; pass++) {
        if (pass)
            assert_fine(arena_open(&arena, arena.used, "the test"));
        params_begin(&params, &arena, 64);
        params_add(&params, "pos_embed", true, 0, 3, (int64_t[]){1, 10, 32});
        params_end(&params, &arena, device_cpu(), REAL_FP32);
    }
    InitialTable table;
    calls = fail_at = 0;
    assert_refused(initial_read(&params, &options, NULL, &table), EXIT_DATA, "does not have: cls_token");
    const int64_t all = calls;
    for (int64_t n = 1; n <= all; n++) {
        calls = 0;
        fail_at = n;
        Status status = initial_read(&params, &options, NULL, &table);
        fail_at = 0;
        assert_true(status_code(status) == EXIT_NO_MEMORY || status_code(status) == EXIT_DATA);
        status_free(status);
        for (size_t i = 0; i < params.total; i++)
            assert_true(params.value[i] == 0);
    }
    arena_close(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_is_reported),
        cmocka_unit_test(a_start_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, temp_open, temp_close);
}
