/* SPDX-License-Identifier: Apache-2.0 */
/* Near duplicates by their hashes, against comparing every pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "pack/near_duplicates.h"

#include <stdlib.h>

/* The first of the nearest ones before i, within `most` bits. */
static int64_t by_all_pairs(const uint64_t *hashes, int64_t i, int most) {
    int64_t found = -1;
    int best = most + 1;
    for (int64_t j = 0; j < i; j++) {
        const int apart = __builtin_popcountll(hashes[i] ^ hashes[j]);
        if (apart < best) {
            best = apart;
            found = j;
        }
    }
    return found;
}

static void agree(const uint64_t *hashes, int64_t count, int most) {
    int64_t *nearest = malloc((size_t)count * sizeof *nearest);
    assert_non_null(nearest);
    assert_null(near_duplicates_find(hashes, count, most, nearest));
    for (int64_t i = 0; i < count; i++)
        assert_int_equal(nearest[i], by_all_pairs(hashes, i, most));
    free(nearest);
}

/* Families of a few bits' difference, so that there is much to find at every distance. */
static void test_same_as_all_pairs(void **state) {
    (void)state;
    enum { COUNT = 600, FAMILIES = 40 };
    uint64_t hashes[COUNT];
    Random random;
    random_start(&random, 5, RANDOM_TEST, 0, 0);
    for (int i = 0; i < COUNT; i++) {
        hashes[i] = i < FAMILIES ? (uint64_t)random_u32(&random) << 32 | random_u32(&random)
                                 : hashes[random_below(&random, FAMILIES)];
        for (uint32_t flips = i < FAMILIES ? 0 : random_below(&random, 12); flips; flips--)
            hashes[i] ^= (uint64_t)1 << random_below(&random, 64);
    }
    for (int most = 0; most <= 12; most++)
        agree(hashes, COUNT, most);
}

static void test_ends(void **state) {
    (void)state;
    const uint64_t hashes[] = {0, UINT64_MAX, 0, UINT64_MAX ^ 1, 1};
    int64_t nearest[5];
    assert_null(near_duplicates_find(hashes, 0, 6, nearest));
    assert_null(near_duplicates_find(hashes, 5, 6, nearest));
    const int64_t expected[] = {-1, -1, 0, 1, 0};
    for (int i = 0; i < 5; i++)
        assert_int_equal(nearest[i], expected[i]);
    agree(hashes, 5, 63);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_all_pairs),
        cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
