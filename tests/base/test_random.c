/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Random123's published vectors (kat_vectors, philox 4x32 10). */
static void philox_gives_the_published_values(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t out[4];
        random_philox(known[i].counter, known[i].key, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

/* A checkpoint's batches depend on it: the layout of key and counter may not change. */
static void a_stream_is_philox_over_the_documented_counter(void **state) {
    (void)state;
    Random random;
    random_start(&random, 0x1122334455667788u, RANDOM_CROP, 9, 0xABCD12345678u);
    for (uint32_t block = 0; block < 3; block++) {
        uint32_t wanted[4];
        random_philox((uint32_t[4]){block, 0x12345678u, 9, 0xABCD0000u | RANDOM_CROP},
                      (uint32_t[2]){0x55667788u, 0x11223344u}, wanted);
        for (int i = 0; i < 4; i++)
            assert_int_equal(random_u32(&random), wanted[i]);
    }
}

static void streams_differ_by_every_part_of_the_key(void **state) {
    (void)state;
    static const struct {
        uint64_t seed, sample;
        RandomPurpose purpose;
        uint32_t epoch;
    } keys[] = {
        {1, 5, RANDOM_CROP, 0}, {2, 5, RANDOM_CROP, 0}, {1 + (1ull << 32), 5, RANDOM_CROP, 0}, {1, 6, RANDOM_CROP, 0},
        {1, 5, RANDOM_MASK, 0}, {1, 5, RANDOM_CROP, 1}, {1, 5 + (1ull << 32), RANDOM_CROP, 0}};
    enum { COUNT = sizeof keys / sizeof keys[0] };
    uint32_t first[COUNT];
    for (int i = 0; i < COUNT; i++) {
        Random random, again;
        random_start(&random, keys[i].seed, keys[i].purpose, keys[i].epoch, keys[i].sample);
        random_start(&again, keys[i].seed, keys[i].purpose, keys[i].epoch, keys[i].sample);
        first[i] = random_u32(&random);
        assert_int_equal(first[i], random_u32(&again));
        for (int j = 0; j < i; j++)
            assert_int_not_equal(first[i], first[j]);
    }
}

enum { DRAWS = 200000 };

/* Bounds are six standard deviations of the mean over DRAWS draws; the seed is fixed. */
static void uniform_draws_fill_their_range(void **state) {
    (void)state;
    Random random;
    random_start(&random, 3, RANDOM_TEST, 0, 0);
    double sum = 0, least = 1, most = 0;
    for (int i = 0; i < DRAWS; i++) {
        double value = random_uniform(&random);
        assert_true(value >= 0 && value < 1);
        assert_true(value * 0x1p24 == floor(value * 0x1p24));
        sum += value;
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    assert_true(fabs(sum / DRAWS - 0.5) < 6 * sqrt(1.0 / 12 / DRAWS));
    assert_true(least < 1e-3 && most > 1 - 1e-3);

    sum = 0;
    for (int i = 0; i < DRAWS; i++) {
        double value = random_between(&random, -3, 5);
        assert_true(value >= -3 && value <= 5);
        sum += value;
    }
    assert_true(fabs(sum / DRAWS - 1) < 6 * 8 * sqrt(1.0 / 12 / DRAWS));
}

static void below_is_even_over_every_value(void **state) {
    (void)state;
    static const uint32_t limits[] = {1, 2, 3, 7, 10};
    Random random;
    random_start(&random, 4, RANDOM_TEST, 0, 0);
    for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
        uint32_t n = limits[l];
        int seen[10] = {0};
        for (int i = 0; i < DRAWS; i++) {
            uint32_t value = random_below(&random, n);
            assert_true(value < n);
            seen[value]++;
        }
        double share = 1.0 / n, bound = 6 * sqrt(DRAWS * share * (1 - share)) + 1;
        for (uint32_t v = 0; v < n; v++)
            assert_true(fabs(seen[v] - DRAWS * share) < bound);
    }
    /* Multiplying without rejection gives 0 mod 3 half of the draws below 3/4 of 2^32, where a third is right. */
    uint32_t n = 3u << 30;
    int thirds = 0;
    for (int i = 0; i < DRAWS; i++)
        thirds += random_below(&random, n) % 3 == 0;
    assert_true(fabs(thirds - DRAWS / 3.0) < 6 * sqrt(DRAWS * 2.0 / 9));
}

static void normal_draws_have_the_normal_moments(void **state) {
    (void)state;
    Random random;
    random_start(&random, 5, RANDOM_TEST, 0, 0);
    double sum = 0, squares = 0, fourths = 0;
    for (int i = 0; i < DRAWS; i++) {
        double value = random_normal(&random);
        assert_true(isfinite(value));
        sum += value;
        squares += value * value;
        fourths += value * value * value * value;
    }
    /* Variances of x, x^2 and x^4 of a normal variable: 1, 2 and 96. */
    assert_true(fabs(sum / DRAWS) < 6 * sqrt(1.0 / DRAWS));
    assert_true(fabs(squares / DRAWS - 1) < 6 * sqrt(2.0 / DRAWS));
    assert_true(fabs(fourths / DRAWS - 3) < 6 * sqrt(96.0 / DRAWS));
}

static void permute_is_a_bijection_of_every_small_n(void **state) {
    (void)state;
    enum { LARGEST = 2000 };
    for (uint64_t n = 1; n <= LARGEST; n++) {
        char seen[LARGEST] = {0};
        for (uint64_t position = 0; position < n; position++) {
            uint64_t record = random_permute(11, 2, n, position);
            assert_true(record < n);
            assert_int_equal(seen[record], 0);
            seen[record] = 1;
        }
    }
}

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void permute_of_a_large_n_meets_no_record_twice(void **state) {
    (void)state;
    enum { SAMPLES = 20000 };
    static const uint64_t sizes[] = {65537, 1000003, (1ull << 32) + 1, 1ull << 40, (1ull << 62) + 12345};
    uint64_t *records = malloc(SAMPLES * sizeof *records);
    assert_non_null(records);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint64_t stride = sizes[s] / SAMPLES, upper_half = 0;
        for (uint64_t i = 0; i < SAMPLES; i++) {
            records[i] = random_permute(11, 2, sizes[s], i * stride);
            assert_true(records[i] < sizes[s]);
            upper_half += records[i] >= sizes[s] / 2;
        }
        /* Spread over the whole range, not only without duplicates: six standard deviations of a fair coin. */
        assert_true(fabs((double)upper_half - SAMPLES / 2) < 6 * sqrt(SAMPLES / 4.0));
        qsort(records, SAMPLES, sizeof *records, ascending);
        for (int i = 1; i < SAMPLES; i++)
            assert_true(records[i] != records[i - 1]);
    }
    free(records);
}

static void permute_differs_by_seed_and_epoch_and_repeats(void **state) {
    (void)state;
    enum { N = 1000 };
    int same_epoch = 0, same_seed = 0, same_high_seed = 0, fixed = 0;
    for (uint64_t p = 0; p < N; p++) {
        uint64_t record = random_permute(1, 0, N, p);
        assert_true(record == random_permute(1, 0, N, p));
        same_epoch += record == random_permute(1, 1, N, p);
        same_seed += record == random_permute(2, 0, N, p);
        same_high_seed += record == random_permute(1 + (1ull << 32), 0, N, p);
        fixed += record == p;
    }
    /* Two random permutations agree in one place on average; more than 10 has a chance below 1e-7. */
    assert_true(same_epoch <= 10 && same_seed <= 10 && same_high_seed <= 10 && fixed <= 10);
}

/* The draw that would be the logarithm of 0 comes once in 2^32: it is put in by hand. */
static void a_normal_draw_from_zero_is_finite(void **state) {
    (void)state;
    Random random = {.left = 4};
    double value = random_normal(&random);
    assert_true(isfinite(value) && value > 6); /* sqrt(-2 ln 2^-32) = 6.66 */
}

/* Every record is as likely early as late: each of 7 records at each of 7 positions over many epochs. */
static void permute_is_even_over_epochs(void **state) {
    (void)state;
    enum { N = 7, EPOCHS = 20000 };
    int met[N][N] = {{0}};
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++)
        for (uint64_t p = 0; p < N; p++)
            met[p][random_permute(1, epoch, N, p)]++;
    double share = 1.0 / N, bound = 6 * sqrt(EPOCHS * share * (1 - share));
    for (int p = 0; p < N; p++)
        for (int r = 0; r < N; r++)
            assert_true(fabs(met[p][r] - EPOCHS * share) < bound);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_values),
        cmocka_unit_test(a_stream_is_philox_over_the_documented_counter),
        cmocka_unit_test(streams_differ_by_every_part_of_the_key),
        cmocka_unit_test(uniform_draws_fill_their_range),
        cmocka_unit_test(below_is_even_over_every_value),
        cmocka_unit_test(normal_draws_have_the_normal_moments),
        cmocka_unit_test(a_normal_draw_from_zero_is_finite),
        cmocka_unit_test(permute_is_a_bijection_of_every_small_n),
        cmocka_unit_test(permute_of_a_large_n_meets_no_record_twice),
        cmocka_unit_test(permute_differs_by_seed_and_epoch_and_repeats),
        cmocka_unit_test(permute_is_even_over_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
