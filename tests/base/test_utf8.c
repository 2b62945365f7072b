/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: sequences at the edges of each length, and invalid sequences (RFC 3629, section 4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

static void sequences_are_measured(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"", 1},
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xee\x80\x80", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\x80", 0},
        {"\xbf", 0},
        {"\xc1\xbf", 0},         /* overlong */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xed\xa0\x80", 0},     /* a surrogate */
        {"\xf4\x90\x80\x80", 0}, /* beyond the last */
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
        {"\xc3", 0}, /* cut short */
        {"\xe2\x82", 0},
        {"\xf0\x9f\x98", 0},
        {"\xe2\x82z", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(utf8_length(cases[i].text), cases[i].length);
        assert_ptr_equal(utf8_stray(cases[i].text), cases[i].length ? NULL : cases[i].text);
    }
}

static void the_first_stray_byte_is_found(void **state) {
    (void)state;
    static const char text[] = "a\xc3\xa4\xe4z\xff";
    assert_ptr_equal(utf8_stray(text), text + 3);
    assert_null(utf8_stray("a\xc3\xa4z"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_are_measured),
        cmocka_unit_test(the_first_stray_byte_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
