/* SPDX-License-Identifier: Apache-2.0 */
/* Growing lists: items keep their values, and a list that cannot grow is unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"
#include "tests/fixtures/check.h"

#include <stdlib.h>

typedef struct {
    int64_t number;
    char letter;
} Item;

static void items_keep_their_values(void **state) {
    (void)state;
    enum { COUNT = 1000 };
    Item *list = NULL;
    int64_t capacity = 0;
    int moves = 0;
    for (int64_t i = 0; i < COUNT; i++) {
        const int64_t before = capacity;
        assert_fine(list_grow(&list, i, &capacity, sizeof *list, "items"));
        assert_true(capacity > i);
        moves += capacity != before;
        list[i] = (Item){i, (char)('a' + i % 26)};
    }
    assert_true(moves < 10); /* it doubles */
    for (int64_t i = 0; i < COUNT; i++) {
        assert_int_equal(list[i].number, i);
        assert_int_equal(list[i].letter, 'a' + i % 26);
    }
    free(list);
}

static void a_list_that_cannot_grow_stays(void **state) {
    (void)state;
    int64_t capacity = INT64_C(1) << 60;
    char *list = malloc(1);
    char *const before = list;
    assert_refused(list_grow(&list, capacity, &capacity, 64, "the list of names"), EXIT_NO_MEMORY,
                   "for the list of names");
    assert_ptr_equal(list, before);
    assert_int_equal(capacity, INT64_C(1) << 60);
    free(list);
}

static int compare_number(const void *item, const void *key) {
    const int64_t *number = key;
    return (((const Item *)item)->number > *number) - (((const Item *)item)->number < *number);
}

/* Before all, after all, between, at the first of equals; in lists of every length. */
static void keys_have_their_place(void **state) {
    (void)state;
    enum { MOST = 9 };
    Item items[MOST];
    for (int64_t count = 0; count <= MOST; count++) {
        for (int64_t i = 0; i < count; i++)
            items[i].number = 10 * (i / 2 + 1); /* 10, 10, 20, 20, ... */
        for (int64_t key = 5; key <= 60; key += 5) {
            int64_t wanted = 0;
            while (wanted < count && items[wanted].number < key)
                wanted++;
            assert_int_equal(list_place(items, count, sizeof *items, compare_number, &key), wanted);
        }
    }
    const int64_t key = 1;
    assert_int_equal(list_place(NULL, 0, sizeof *items, compare_number, &key), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_keep_their_values),
        cmocka_unit_test(keys_have_their_place),
        cmocka_unit_test(a_list_that_cannot_grow_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
