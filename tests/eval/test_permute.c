/* SPDX-License-Identifier: Apache-2.0 */
/* Scrambled labels: what moves with what, and what never does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "eval/control/permute.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { PEOPLE = 60, MOST = 400, REPLICATES = 600 };

typedef struct {
    EvalRows rows;
    double labels[MOST];
    int64_t split[MOST], person[MOST], copies[MOST];
} Drawn;

static void add_row(Drawn *d, int64_t person, ProbeSplit split, double label) {
    d->labels[d->rows.count] = label;
    d->split[d->rows.count] = split;
    d->person[d->rows.count] = person;
    d->copies[d->rows.count++] = -1;
}

static void finish(Drawn *d) {
    d->rows.kind = EVAL_REGRESSION;
    d->rows.classes = d->rows.outputs = 1;
    d->rows.labels = d->labels;
    d->rows.split = d->split;
    d->rows.person = d->person;
    d->rows.copies = d->copies;
}

/* People with one to three images in each of one or two splits; every label names its person and its place. */
static void draw_people(Drawn *d) {
    *d = (Drawn){0};
    Random random;
    random_start(&random, 3, RANDOM_TEST, 0, 0);
    for (int person = 0; person < PEOPLE; person++) {
        const uint32_t first = random_below(&random, 3), second = random_below(&random, 3);
        const uint32_t images = 1 + random_below(&random, 2), more = person % 2 ? 0 : 1 + random_below(&random, 2);
        for (uint32_t i = 0; i < images; i++)
            add_row(d, person, first, person * 100 + first * 10 + i);
        for (uint32_t i = 0; i < more && first != second; i++)
            add_row(d, person, second, person * 100 + second * 10 + i);
    }
    finish(d);
}

/* A person's rows of a split, in order. */
static int rows_of(const Drawn *d, int64_t person, int split, int64_t *list) {
    int count = 0;
    for (int64_t row = 0; row < d->rows.count; row++)
        if (d->person[row] == person && d->split[row] == split)
            list[count++] = row;
    return count;
}

/* Everyone has the labels of one person, who has as many images in each split, turned in their order; nobody's labels
 * are given twice. */
static void check_blocks(const Drawn *d, const double *labels) {
    bool given[PEOPLE] = {0};
    for (int person = 0; person < PEOPLE; person++) {
        int64_t own[MOST], theirs[MOST];
        int giver = -1;
        for (int split = 0; split < 3; split++) {
            const int count = rows_of(d, person, split, own);
            for (int i = 0; i < count; i++) {
                const int from = (int)labels[own[i]] / 100;
                assert_true(giver < 0 || from == giver);
                giver = from;
            }
        }
        assert_false(given[giver]);
        given[giver] = true;
        for (int split = 0; split < 3; split++) {
            const int count = rows_of(d, person, split, own);
            assert_int_equal(rows_of(d, giver, split, theirs), count);
            for (int i = 0; i < count; i++) {
                const int place = (int)labels[own[i]] % 10, next = (int)labels[own[(i + 1) % count]] % 10;
                assert_int_equal((int)labels[own[i]] / 10 % 10, split);
                assert_int_equal(next, (place + 1) % count);
            }
        }
    }
}

static void people_exchange_whole_blocks(void **state) {
    (void)state;
    static Drawn d;
    draw_people(&d);
    Permutation *p;
    double labels[MOST];
    assert_fine(permute_open(&d.rows, &p));
    assert_fine(permute_labels(p, 1, 0, labels));
    assert_memory_equal(labels, d.labels, (size_t)d.rows.count * sizeof *labels);
    for (uint32_t replicate = 1; replicate < 40; replicate++) {
        assert_fine(permute_labels(p, 1, replicate, labels));
        check_blocks(&d, labels);
        assert_memory_not_equal(labels, d.labels, (size_t)d.rows.count * sizeof *labels);
    }
    permute_close(p);
}

/* A replicate depends on nothing but its key. */
static void replicates_have_their_own_key(void **state) {
    (void)state;
    static Drawn d;
    draw_people(&d);
    Permutation *p;
    double one[MOST], other[MOST];
    assert_fine(permute_open(&d.rows, &p));
    assert_fine(permute_labels(p, 1, 7, one));
    assert_fine(permute_labels(p, 2, 7, other));
    assert_memory_not_equal(one, other, (size_t)d.rows.count * sizeof *one);
    assert_fine(permute_labels(p, 1, 8, other));
    assert_memory_not_equal(one, other, (size_t)d.rows.count * sizeof *one);
    assert_fine(permute_labels(p, 1, 7, other));
    assert_memory_equal(one, other, (size_t)d.rows.count * sizeof *one);
    permute_close(p);
}

/* Images of nobody move one by one, to images of nobody or of people with one image in that split. */
static void images_of_nobody_move_alone(void **state) {
    (void)state;
    Drawn d = {0};
    for (int i = 0; i < 12; i++)
        add_row(&d, -1, PROBE_TRAIN, i);
    for (int i = 0; i < 12; i++)
        add_row(&d, i / 2, PROBE_TRAIN, 100 + i);
    for (int i = 0; i < 3; i++)
        add_row(&d, 20 + i, PROBE_TEST, i == 1 ? NAN : 200 + i);
    finish(&d);
    Permutation *p;
    double labels[MOST];
    int pairs_kept = 0, unknown_moved = 0;
    assert_fine(permute_open(&d.rows, &p));
    for (uint32_t replicate = 1; replicate <= 50; replicate++) {
        assert_fine(permute_labels(p, 4, replicate, labels));
        for (int row = 0; row < 12; row++)
            assert_true(labels[row] < 12);
        for (int row = 0; row + 1 < 12; row += 2)
            pairs_kept += labels[row] + 1 == labels[row + 1];
        int unknown = 0;
        for (int64_t row = 24; row < 27; row++)
            unknown += isnan(labels[row]);
        assert_int_equal(unknown, 1);
        unknown_moved += !isnan(labels[25]);
    }
    assert_true(pairs_kept < 60); /* of 300; 25 are expected */
    assert_true(unknown_moved > 15 && unknown_moved < 50);
    permute_close(p);
}

/* Each label comes to each place equally often: so no scrambled score has a reason to be over chance. */
static void labels_come_everywhere(void **state) {
    (void)state;
    enum { FEW = 8 };
    Drawn d = {0};
    for (int person = 0; person < FEW; person++)
        for (int eye = 0; eye < 2; eye++)
            add_row(&d, person, PROBE_TEST, 2 * person + eye);
    finish(&d);
    int times[2 * FEW][2 * FEW] = {0};
    Permutation *p;
    double labels[MOST];
    assert_fine(permute_open(&d.rows, &p));
    for (uint32_t replicate = 1; replicate <= REPLICATES; replicate++) {
        assert_fine(permute_labels(p, 9, replicate, labels));
        for (int row = 0; row < 2 * FEW; row++)
            times[row][(int)labels[row]]++;
    }
    /* Binomial: 37.5 +- 5.9; of 256 numbers the farthest is 3 to 4 deviations away. */
    for (int row = 0; row < 2 * FEW; row++)
        for (int label = 0; label < 2 * FEW; label++)
            assert_in_range(times[row][label], 37 - 25, 38 + 25);
    permute_close(p);
}

/* The labels of a row stay together. */
static void rows_of_several_labels(void **state) {
    (void)state;
    enum { FEW = 10 };
    Drawn d = {0};
    double pairs[FEW][2], labels[FEW][2];
    int moved = 0;
    for (int person = 0; person < FEW; person++) {
        add_row(&d, person, PROBE_TRAIN, 0);
        pairs[person][0] = person;
        pairs[person][1] = -person;
    }
    finish(&d);
    d.rows.kind = EVAL_MULTILABEL;
    d.rows.outputs = 2;
    d.rows.labels = pairs[0];
    Permutation *p;
    assert_fine(permute_open(&d.rows, &p));
    assert_fine(permute_labels(p, 1, 1, labels[0]));
    for (int row = 0; row < FEW; row++) {
        assert_true(labels[row][0] == -labels[row][1]);
        moved += labels[row][0] != row;
    }
    assert_true(moved > FEW / 2);
    permute_close(p);
}

static void those_alone_are_counted(void **state) {
    (void)state;
    Drawn d = {0};
    for (int i = 0; i < 4; i++)
        add_row(&d, i / 2, PROBE_TEST, i);
    for (int i = 0; i < 3; i++)
        add_row(&d, 2, PROBE_TEST, i);
    add_row(&d, 3, PROBE_TEST, 0);
    add_row(&d, 3, PROBE_TRAIN, 0);
    add_row(&d, 4, PROBE_TRAIN, 0);
    finish(&d);
    Permutation *p;
    assert_fine(permute_open(&d.rows, &p));
    assert_int_equal(permute_alone(p, PROBE_TEST), 4);
    assert_int_equal(permute_alone(p, PROBE_TRAIN), 2);
    permute_close(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_exchange_whole_blocks), cmocka_unit_test(replicates_have_their_own_key),
        cmocka_unit_test(images_of_nobody_move_alone),  cmocka_unit_test(labels_come_everywhere),
        cmocka_unit_test(rows_of_several_labels),       cmocka_unit_test(those_alone_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
