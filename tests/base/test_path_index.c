/* SPDX-License-Identifier: Apache-2.0 */
/* Paths found by their ends, against a comparison with every path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/path_index.h"
#include "base/paths.h"
#include "tests/fixtures/scratch.h"

static const char *const paths[] = {"left",    "p1/left",  "p2/left",  "a/p1/left",   "p1/left 2",
                                    "p1/Left", "p1/right", "left/p1",  "p10/left",    "left.x",
                                    "a/b/c/d", "b/c/d",    "p1/lefty", "x/left/left", "left/left"};
enum { PATHS = sizeof paths / sizeof *paths };

static PathIndex open_index(bool fold) {
    PathIndex index;
    assert_ok(path_index_open(&index, PATHS, fold));
    for (int i = 0; i < PATHS; i++)
        assert_ok(path_index_add(&index, paths[i], strlen(paths[i])));
    path_index_sort(&index);
    return index;
}

static bool is_in(const PathIndex *index, const PathRange *range, int item) {
    for (int64_t i = range->first; i < range->end; i++)
        if (index->sorted[i].item == item)
            return true;
    return false;
}

static void longer_and_shorter_are_those_that_match(void **state) {
    (void)state;
    static const char *const asked[] = {"left", "p1/left",   "/disk/u/p1/left", "z/left", "/z/b/c/d",  "d",
                                        "none", "p1/left 2", "./a//p1/./left",  "lef",    "left/left", "q/x/left/left"};
    PathIndex index = open_index(false);
    for (size_t a = 0; a < sizeof asked / sizeof *asked; a++) {
        PathRange longer, shorter;
        char *normal;
        assert_ok(path_normal(asked[a], &normal));
        assert_ok(path_index_longer(&index, asked[a], strlen(asked[a]), &longer));
        assert_ok(path_index_shorter(&index, asked[a], strlen(asked[a]), &shorter));
        size_t longest = 0;
        for (int i = 0; i < PATHS; i++)
            if (path_ends_in(normal, paths[i]) && strcmp(normal, paths[i]) != 0 && strlen(paths[i]) > longest)
                longest = strlen(paths[i]);
        for (int i = 0; i < PATHS; i++) {
            const bool shorter_wanted =
                path_ends_in(normal, paths[i]) && strcmp(normal, paths[i]) != 0 && strlen(paths[i]) == longest;
            if (is_in(&index, &longer, i) != path_ends_in(paths[i], normal) ||
                is_in(&index, &shorter, i) != shorter_wanted)
                fail_msg("%s asked for %s", paths[i], asked[a]);
        }
        free(normal);
    }
    path_index_close(&index);
}

static void case_may_be_the_same(void **state) {
    (void)state;
    PathRange range;
    PathIndex index = open_index(true);
    assert_ok(path_index_longer(&index, "P1/LEFT", 7, &range));
    assert_int_equal(range.end - range.first, 3);
    assert_true(path_index_names_repeat(&index));
    path_index_close(&index);
    assert_ok(path_index_open(&index, 3, true));
    assert_ok(path_index_add(&index, "a/1", 3));
    assert_ok(path_index_add(&index, "a/1 2", 5));
    assert_ok(path_index_add(&index, "1/a", 3));
    path_index_sort(&index);
    assert_false(path_index_names_repeat(&index));
    path_index_close(&index);
    assert_ok(path_index_open(&index, 0, true));
    path_index_sort(&index);
    assert_ok(path_index_longer(&index, "", 0, &range));
    assert_int_equal(range.end - range.first, 0);
    path_index_close(&index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(longer_and_shorter_are_those_that_match),
        cmocka_unit_test(case_may_be_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
