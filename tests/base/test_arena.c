/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "tests/fixtures/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A layout like the model's: the same code measures and takes. */
static void layout(Arena *arena, unsigned char *parts[3]) {
    parts[0] = arena_take(arena, 1);
    parts[1] = arena_take(arena, 100);
    parts[2] = arena_take(arena, 64);
}

static void the_measured_size_is_the_size_taken(void **state) {
    (void)state;
    Arena measuring = {0}, arena;
    unsigned char *parts[3];
    layout(&measuring, parts);
    for (int i = 0; i < 3; i++)
        assert_null(parts[i]);
    assert_int_equal(measuring.used, 64 + 128 + 64);

    assert_fine(arena_open(&arena, measuring.used, "a test"));
    layout(&arena, parts);
    assert_int_equal(arena.used, measuring.used);
    assert_int_equal(arena.size, measuring.used);
    static const size_t sizes[3] = {1, 100, 64};
    for (int i = 0; i < 3; i++) {
        assert_int_equal((uintptr_t)parts[i] % 64, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            assert_int_equal(parts[i][j], 0);
        memset(parts[i], 0xAA, sizes[i]); /* the sanitizers see a part outside the arena */
        if (i)
            assert_true(parts[i] >= parts[i - 1] + sizes[i - 1]);
    }
    arena_close(&arena);
    assert_null(arena.base);
    arena_close(&arena); /* twice does no harm */
}

static void nothing_needs_no_memory(void **state) {
    (void)state;
    Arena arena;
    assert_fine(arena_open(&arena, 0, "a test"));
    assert_int_equal(arena.size, 0);
    arena_close(&arena);
}

static void a_layout_beyond_the_address_space_is_refused(void **state) {
    (void)state;
    Arena measuring = {0}, arena;
    for (int i = 0; i < 5; i++)
        arena_take(&measuring, SIZE_MAX / 4);
    assert_true(measuring.used == SIZE_MAX); /* not wrapped round to something small */
    assert_refused(arena_open(&arena, measuring.used, "the activations"), EXIT_NO_MEMORY, "the activations");
    assert_refused(arena_open(&arena, SIZE_MAX - 64, "the activations"), EXIT_NO_MEMORY, "the activations");
    assert_null(arena.base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_measured_size_is_the_size_taken),
        cmocka_unit_test(nothing_needs_no_memory),
        cmocka_unit_test(a_layout_beyond_the_address_space_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
