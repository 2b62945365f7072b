/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in memory: printing and going through the lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/fixtures/check.h"

#include <stdlib.h>

static void texts_are_printed(void **state) {
    (void)state;
    char *text;
    assert_fine(text_format(&text, "%s and %d", "one", 2));
    assert_string_equal(text, "one and 2");
    free(text);
}

static void expect_line(const char **at, const char *end, const char *expected, bool ended) {
    TextLine line;
    assert_true(text_next_line(at, end, &line));
    assert_int_equal(line.length, strlen(expected));
    assert_memory_equal(line.start, expected, line.length);
    assert_int_equal(line.ended, ended);
}

static void lines_end_at_line_feeds(void **state) {
    (void)state;
    static const char text[] = "first\r\n\nthird";
    const char *at = text, *end = text + strlen(text);
    TextLine line;
    expect_line(&at, end, "first\r", true);
    expect_line(&at, end, "", true);
    expect_line(&at, end, "third", false);
    assert_false(text_next_line(&at, end, &line));
    at = text;
    expect_line(&at, text + 7, "first\r", true);
    assert_false(text_next_line(&at, text + 7, &line)); /* no empty line after the last line feed */
    at = text;
    assert_false(text_next_line(&at, text, &line));
}

static void a_line_is_cut_in_place(void **state) {
    (void)state;
    char text[] = "first\nlast";
    const char *at = text, *end = text + strlen(text);
    TextLine line;
    assert_true(text_next_line(&at, end, &line));
    assert_ptr_equal(text_cut_line(text, &line), text);
    assert_string_equal(text, "first");
    assert_true(text_next_line(&at, end, &line));
    assert_string_equal(text_cut_line(text, &line), "last");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_printed),
        cmocka_unit_test(lines_end_at_line_feeds),
        cmocka_unit_test(a_line_is_cut_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
