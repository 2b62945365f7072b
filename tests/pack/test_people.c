/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of people: sorted bytewise, found, and reduced to one entry each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pack/people.h"

static void people_are_sorted_found_and_kept_once(void **state) {
    (void)state;
    PackPerson people[] = {{"b", PACK_SPLIT_TEST, 0},       {"a", PACK_SPLIT_VAL, 1}, {"b", PACK_SPLIT_TRAIN, 2},
                           {"", PACK_SPLIT_NONE, 3},        {"a", PACK_SPLIT_VAL, 0}, {"B", PACK_SPLIT_TRAIN, 5},
                           {"\xc3\xa4", PACK_SPLIT_NONE, 6}};
    static const struct {
        const char *person;
        int64_t index;
    } expected[] = {{"", 3}, {"B", 5}, {"a", 0}, {"a", 1}, {"b", 2}, {"b", 0}, {"\xc3\xa4", 6}};
    enum { COUNT = sizeof people / sizeof *people };
    pack_people_sort(people, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_string_equal(people[i].person, expected[i].person);
        assert_int_equal(people[i].index, expected[i].index);
    }
    assert_ptr_equal(pack_people_find(people, COUNT, "a"), &people[2]);
    assert_ptr_equal(pack_people_find(people, COUNT, ""), &people[0]);
    assert_ptr_equal(pack_people_find(people, COUNT, "\xc3\xa4"), &people[6]);
    assert_null(pack_people_find(people, COUNT, "aa"));
    assert_null(pack_people_find(people, COUNT, "z"));
    assert_int_equal(pack_people_unique(people, COUNT), 5);
    assert_string_equal(people[3].person, "b");
    assert_int_equal(people[3].split, PACK_SPLIT_TRAIN);
}

static void an_empty_list_has_nobody(void **state) {
    (void)state;
    pack_people_sort(NULL, 0);
    assert_null(pack_people_find(NULL, 0, "a"));
    assert_int_equal(pack_people_unique(NULL, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(people_are_sorted_found_and_kept_once),
                                       cmocka_unit_test(an_empty_list_has_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
