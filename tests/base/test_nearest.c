/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void counts_edits(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        int edits;
    } cases[] = {
        {"", "", 0},        {"", "abc", 3},           {"abc", "abc", 0},   {"abc", "abd", 1},      {"abc", "ab", 1},
        {"abc", "xabc", 1}, {"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"--sice", "--size", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(nearest_edits(cases[i].a, cases[i].b), cases[i].edits);
        assert_int_equal(nearest_edits(cases[i].b, cases[i].a), cases[i].edits);
    }
}

/* Only the first 63 characters of a long name count, and no memory beyond is read or written. */
static void a_long_name_is_cut(void **state) {
    (void)state;
    char longer[2000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(nearest_edits(longer, ""), 63);
    assert_int_equal(nearest_edits("", longer), 63);
    assert_int_equal(nearest_edits(longer, longer), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_edits),
        cmocka_unit_test(a_long_name_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
