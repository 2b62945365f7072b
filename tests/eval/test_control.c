/* SPDX-License-Identifier: Apache-2.0 */
/* The leakage control: its figures by hand, and what each verdict takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/control/scramble.h"
#include "tests/fixtures/check.h"
#include "tests/fixtures/planted.h"

/* The excess and its error, from the scores and chances of each replicate. */
static void check_excess(const Drawn *d, Planted *p, const ControlResult *r) {
    double scores[200], chances[200], mean = 0, squares = 0;
    Permutation *permutation;
    assert_fine(permute_open(&d->rows, &permutation));
    const Scramble scramble = {&d->rows, &r->metric, permutation, 11, 199, CONTROL_OTHERS, 1 << 24, 2};
    assert_fine(scramble_run(&scramble, &p->adapter, scores, chances));
    for (int i = 1; i < 200; i++)
        mean += (scores[i] - chances[i]) / 199;
    for (int i = 1; i < 200; i++)
        squares += (scores[i] - chances[i] - mean) * (scores[i] - chances[i] - mean);
    assert_true(fabs(mean - r->excess) < 1e-12);
    assert_true(fabs(sqrt(squares / 198 / 199) - r->excess_error) < 1e-12);
    permute_close(permutation);
}

/* What a sound procedure learns is clean; the figures are what they say. */
static void sound_is_clean(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    draw_set(&d, 200, 1, false, 1);
    plant(&p, SOUND, &d);
    const ControlInput input = input_of(&d, &p.adapter, "auroc", 199);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_CLEAN);
    assert_int_equal(r.reason_count, 0);
    assert_true(r.score > 0.6 && r.p <= 0.05);
    assert_int_equal(r.b, 199);
    double sum = 0, as_good = 1;
    for (int i = 0; i < r.b; i++) {
        sum += r.null[i];
        as_good += r.null[i] >= r.score - 1e-12;
    }
    assert_true(fabs(r.null_mean - sum / r.b) < 1e-12 && fabs(r.p - as_good / 200) < 1e-12);
    /* Everybody can exchange labels: chance is the metric's own. 199 scores of deviation 0.08 have an error of 0.006.
     */
    assert_true(fabs(r.null_chance - 0.5) < 0.01 && r.chance == 0.5);
    assert_true(r.excess_error > 0.003 && r.excess_error < 0.01);
    check_excess(&d, &p, &r);
    control_free(&r);
    /* Where less is better. */
    const ControlInput brier = input_of(&d, &p.adapter, "brier", 99);
    assert_fine(control_run(&brier, &r));
    assert_true(r.p <= 0.05 && r.score < r.null_mean && r.verdict == CONTROL_CLEAN);
    control_free(&r);
    /* A score of no worth. */
    plant(&p, CONSTANT, &d);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_CLEAN);
    assert_true(r.p == 1 && has_reason(&r, "nothing learnt: "));
    control_free(&r);
    /* A correlation with a constant is not defined, and counts as chance. */
    d.rows.kind = EVAL_REGRESSION;
    d.rows.classes = 1;
    const ControlInput numbers = input_of(&d, &p.adapter, "pearson", 19);
    assert_fine(control_run(&numbers, &r));
    assert_true(r.score == 0 && r.null[7] == 0 && r.p == 1);
    control_free(&r);
}

static void telling_metadata_is_suspect(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    draw_set(&d, 200, 1, true, 4);
    plant(&p, SOUND, &d);
    const ControlInput input = input_of(&d, &p.adapter, "auroc", 99);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_SUSPECT);
    assert_true(r.reason_count == 1 && has_reason(&r, "metadata: "));
    assert_true(r.metadata > 0.85 && r.metadata_low > 0.5 && r.metadata_low < r.metadata);
    control_free(&r);
    /* Another column takes nothing away. */
    int32_t half[MOST_ROWS];
    for (int64_t row = 0; row < d.rows.count; row++)
        half[row] = row / 2 % 3 - 1;
    const EvalColumn columns[] = {d.column, {.name = "device", .categories = 2, .category = half}};
    d.rows.columns = columns;
    d.rows.column_count = 2;
    assert_fine(control_run(&input, &r));
    assert_true(r.metadata > 0.85 && has_reason(&r, "metadata: "));
    control_free(&r);
    d.rows.columns = &d.column;
    d.rows.column_count = 1;
    /* Numbers tell as well; one that is not known is no obstacle. */
    double number[MOST_ROWS];
    for (int64_t row = 0; row < d.rows.count; row++)
        number[row] = row % 16 == 0 ? NAN : 1000 + 5 * d.site[row];
    d.column = (EvalColumn){.name = "exposure", .number = number};
    assert_fine(control_run(&input, &r));
    assert_true(r.metadata > 0.8 && has_reason(&r, "metadata: "));
    control_free(&r);
    /* What is known of the person, such as the age, is none. */
    d.column.of_person = true;
    assert_fine(control_run(&input, &r));
    assert_true(r.metadata < 0.7 && !has_reason(&r, "metadata: "));
    control_free(&r);
    d.column.of_person = false;
    /* As does the order of the rows. */
    draw_set(&d, 200, 1, false, 4);
    for (int64_t row = 0; row < d.rows.count; row++)
        d.labels[row] = row < 160;
    assert_fine(control_run(&input, &r));
    assert_true(r.metadata > 0.95 && has_reason(&r, "metadata: "));
    control_free(&r);
}

/* People whose number of images tells the label keep it in part; that is no leak. Half of them are alone with theirs.
 */
static void uneven_people_are_no_leak(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    Random random;
    draw_set(&d, 200, 0, false, 5);
    random_start(&random, 7, RANDOM_TEST, 4, 0);
    int64_t row = 0;
    for (int64_t person = 0; row < d.rows.count; person++) {
        const int64_t images = 1 + person * 7 % 9;
        const int label = random_below(&random, 9) < images;
        for (int64_t i = 0; i < images && row < d.rows.count; i++, row++) {
            d.person[row] = person;
            d.labels[row] = label;
            d.split[row] = person % 4 < 2 ? PROBE_TRAIN : person % 4 == 2 ? PROBE_VAL : PROBE_TEST;
            d.features[row][0] = (float)(images + random_normal(&random));
        }
    }
    plant(&p, SOUND, &d);
    const ControlInput input = input_of(&d, &p.adapter, "auroc", 199);
    assert_fine(control_run(&input, &r));
    assert_false(has_reason(&r, "scramble: "));
    assert_true(r.null_mean > 0.55); /* so chance is more than 0.5 here */
    control_free(&r);
}

/* Right and left eyes, in this order: labels that depend on the place alone are scrambled, too. */
static void laterality_is_learnt(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    draw_set(&d, 120, 0, false, 6);
    for (int64_t row = 0; row < d.rows.count; row++) {
        d.labels[row] = row % 2;
        d.features[row][0] += 4 * (float)(row % 2);
    }
    plant(&p, SOUND, &d);
    const ControlInput input = input_of(&d, &p.adapter, "auroc", 99);
    assert_fine(control_run(&input, &r));
    assert_int_equal(r.verdict, CONTROL_CLEAN);
    assert_true(r.p == 0.01 && r.score > 0.95 && fabs(r.null_mean - 0.5) < 0.05);
    control_free(&r);
}

/* Sets come in batches, and what a batch holds changes nothing. Chance is that of the next replicates' test labels. */
static void batches_change_nothing(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    enum { B = 20, OTHERS = 4 };
    double one[2][B + 1], other[2][B + 1], labels[MOST_ROWS], predictions[MOST_ROWS];
    MainMetric metric;
    Permutation *permutation;
    draw_set(&d, 60, 1, false, 7);
    plant(&p, SOUND, &d);
    assert_fine(main_metric_find(&d.rows, "auroc", &metric));
    assert_fine(permute_open(&d.rows, &permutation));
    Scramble scramble = {&d.rows, &metric, permutation, 3, B, OTHERS, 1 << 20, 1};
    assert_fine(scramble_run(&scramble, &p.adapter, one[0], one[1]));
    assert_true(p.calls == 1 && p.most_sets == B + 1);
    p.most_sets = 0;
    scramble.threads = 3;
    scramble.batch = 5 * 120 * 2 * sizeof(double) + 1000;
    assert_fine(scramble_run(&scramble, &p.adapter, other[0], other[1]));
    assert_true(p.calls == 6 && p.most_sets == 5);
    assert_memory_equal(one, other, sizeof one);
    const int replicates[] = {0, 1, 18};
    const int next[][OTHERS] = {{1, 2, 3, 4}, {2, 3, 4, 5}, {19, 20, 1, 2}};
    for (int i = 0; i < 3; i++) {
        assert_fine(permute_labels(permutation, 3, (uint32_t)replicates[i], labels));
        compare_means(&p, &d.rows, labels, predictions);
        assert_true(fabs(area_by_pairs(&d.rows, labels, predictions) - one[0][replicates[i]]) < 1e-12);
        double sum = 0;
        for (int k = 0; k < OTHERS; k++) {
            assert_fine(permute_labels(permutation, 3, (uint32_t)next[i][k], labels));
            sum += area_by_pairs(&d.rows, labels, predictions);
        }
        assert_true(fabs(sum / OTHERS - one[1][replicates[i]]) < 1e-12);
    }
    permute_close(permutation);
}

/* A threshold of val is that of the replicate's own labels, whichever test labels are measured. */
static void thresholds_keep_their_labels(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    enum { B = 19 };
    double scores[B + 1], chances[B + 1], labels[MOST_ROWS], other[MOST_ROWS], predictions[MOST_ROWS], want;
    MainMetric metric;
    Permutation *permutation;
    draw_set(&d, 60, 1, false, 9);
    plant(&p, SOUND, &d);
    assert_fine(main_metric_find(&d.rows, "balanced_accuracy_youden", &metric));
    assert_fine(permute_open(&d.rows, &permutation));
    const Scramble scramble = {&d.rows, &metric, permutation, 3, B, 1, 1 << 20, 1};
    assert_fine(scramble_run(&scramble, &p.adapter, scores, chances));
    for (uint32_t replicate = 1; replicate < B; replicate++) {
        assert_fine(permute_labels(permutation, 3, replicate, labels));
        compare_means(&p, &d.rows, labels, predictions);
        assert_fine(permute_labels(permutation, 3, replicate + 1, other));
        for (int64_t row = 0; row < d.rows.count; row++)
            labels[row] = d.split[row] == PROBE_TEST ? other[row] : labels[row];
        assert_fine(main_metric_measure(&metric, &d.rows, labels, predictions, PROBE_TEST, &want));
        assert_true(chances[replicate] == want);
    }
    permute_close(permutation);
}

static void what_cannot_be_run(void **state) {
    (void)state;
    static Drawn d;
    static Planted p;
    ControlResult r;
    draw_set(&d, 60, 1, false, 8);
    plant(&p, SOUND, &d);
    ControlInput input = input_of(&d, &p.adapter, "auroc", 18);
    assert_refused(control_run(&input, &r), EXIT_USAGE,
                   "p is at least 0.0526 with as few, and cannot be 0.05; take 19");
    control_free(&r);
    input.b = 99;
    input.alpha = 0.001;
    assert_refused(control_run(&input, &r), EXIT_USAGE, "take 999 or more");
    control_free(&r);
    input = input_of(&d, &p.adapter, "rmse", 19);
    assert_refused(control_run(&input, &r), EXIT_USAGE, "there is no metric rmse");
    control_free(&r);
    d.labels[0] = 2;
    input = input_of(&d, &p.adapter, "auroc", 19);
    assert_refused(control_run(&input, &r), EXIT_DATA, "the label of row 0 is 2");
    control_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_is_clean),
        cmocka_unit_test(telling_metadata_is_suspect),
        cmocka_unit_test(uneven_people_are_no_leak),
        cmocka_unit_test(laterality_is_learnt),
        cmocka_unit_test(batches_change_nothing),
        cmocka_unit_test(thresholds_keep_their_labels),
        cmocka_unit_test(what_cannot_be_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
