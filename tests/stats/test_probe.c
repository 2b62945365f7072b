/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: which rows enter what, the choice of a strength, and what is refused. The recorded cases are in
 * tests/e2e/stats.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "stats/knn.h"
#include "stats/probe.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { ROWS = 120, WIDTH = 5, LABELS = 2, STRENGTHS = 4 };

typedef struct {
    float features[ROWS][WIDTH];
    double classes[ROWS], several[ROWS][LABELS], numbers[ROWS];
    int64_t split[ROWS];
} Drawn;

static const double grid[STRENGTHS] = {0.01, 0.1, 1, 10};

/* Three classes; two labels, of which a few are not known; a number. Every fourth row is val, every fourth test. */
static Drawn draw(void) {
    Drawn d;
    Random random;
    random_start(&random, 5, RANDOM_TEST, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < WIDTH; j++)
            d.features[i][j] = (float)(10 * random_normal(&random) + 3);
        const double score = (double)d.features[i][0] / 10 + random_normal(&random);
        d.classes[i] = score < -0.3 ? 0 : score < 0.8 ? 1 : 2;
        d.several[i][0] = i % 7 == 0 ? NAN : score > 0;
        d.several[i][1] = (double)d.features[i][1] / 10 + random_normal(&random) > 0;
        d.numbers[i] = i % 9 == 0 ? NAN : 50 + 10 * score;
        d.split[i] = i % 4 == 1 ? PROBE_VAL : i % 4 == 3 ? PROBE_TEST : PROBE_TRAIN;
    }
    return d;
}

static ProbeInput input_of(const Drawn *d, ProbeTask task) {
    return (ProbeInput){.task = task,
                        .classes = task == PROBE_MULTICLASS ? 3 : 2,
                        .features = d->features[0],
                        .rows = ROWS,
                        .width = WIDTH,
                        .labels = task == PROBE_MULTICLASS   ? d->classes
                                  : task == PROBE_MULTILABEL ? d->several[0]
                                                             : d->numbers,
                        .outputs = task == PROBE_MULTILABEL ? LABELS : 1,
                        .split = d->split,
                        .grid = grid,
                        .strengths = STRENGTHS,
                        .threads = 1};
}

static void shapes_and_sums(void **state) {
    (void)state;
    const Drawn d = draw();
    const ProbeInput input = input_of(&d, PROBE_MULTICLASS);
    ProbeResult r;
    assert_fine(probe_run(&input, &r));
    assert_true(r.logits == 3 && r.values == 3 && r.tests == ROWS / 4);
    for (int64_t i = 0; i < STRENGTHS * r.tests; i++)
        assert_true(fabs(r.predictions[3 * i] + r.predictions[3 * i + 1] + r.predictions[3 * i + 2] - 1) < 1e-14);
    for (int s = 0; s < STRENGTHS; s++)
        assert_true(r.scores[s] <= r.scores[r.chosen[0]] && r.scores[s] > 0.5);
    probe_free(&r);
}

/* Scaling and shifting a feature changes nothing: it is standardised. Values by powers of 2 keep float exact. */
static void features_may_have_any_scale(void **state) {
    (void)state;
    Drawn d = draw();
    const ProbeInput input = input_of(&d, PROBE_REGRESS);
    ProbeResult r, scaled;
    assert_fine(probe_run(&input, &r));
    for (int i = 0; i < ROWS; i++)
        d.features[i][2] *= -64;
    assert_fine(probe_run(&input, &scaled));
    for (int64_t i = 0; i < STRENGTHS * r.tests; i++)
        assert_true(fabs(scaled.predictions[i] - r.predictions[i]) < 1e-10);
    assert_true(fabs(scaled.coefficients[2] + r.coefficients[2]) < 1e-12 && !r.neighbours);
    probe_free(&r);
    probe_free(&scaled);
}

/* Labels of test rows and rows with an unknown label may be anything, as far as fit and choice go; but the features of
 * train rows with an unknown label count for the scale. */
static void unknown_and_test_labels_do_not_enter(void **state) {
    (void)state;
    Drawn d = draw();
    const ProbeInput input = input_of(&d, PROBE_REGRESS);
    ProbeResult r, other;
    assert_fine(probe_run(&input, &r));
    for (int i = 0; i < ROWS; i++)
        d.numbers[i] = d.split[i] == PROBE_TEST ? -7 : d.numbers[i];
    assert_fine(probe_run(&input, &other));
    assert_memory_equal(r.predictions, other.predictions, STRENGTHS * (size_t)r.tests * sizeof(double));
    assert_memory_equal(r.scores, other.scores, STRENGTHS * sizeof(double));
    probe_free(&other);
    d.features[0][0] += 1000; /* train, unknown */
    assert_true(isnan(d.numbers[0]) && d.split[0] == PROBE_TRAIN);
    assert_fine(probe_run(&input, &other));
    assert_true(other.scores[0] != r.scores[0]);
    probe_free(&other);
    probe_free(&r);
}

static void each_label_is_a_probe_of_its_own(void **state) {
    (void)state;
    const Drawn d = draw();
    ProbeInput input = input_of(&d, PROBE_MULTILABEL);
    ProbeResult all, one;
    assert_fine(probe_run(&input, &all));
    for (int label = 0; label < LABELS; label++) {
        double labels[ROWS];
        for (int i = 0; i < ROWS; i++)
            labels[i] = d.several[i][label];
        input = input_of(&d, PROBE_BINARY);
        input.labels = labels;
        assert_fine(probe_run(&input, &one));
        const size_t guesses = STRENGTHS * (size_t)one.tests * 2;
        assert_memory_equal(all.predictions + (size_t)label * guesses, one.predictions, guesses * sizeof(double));
        assert_memory_equal(all.neighbours + label * one.tests * 2, one.neighbours, (size_t)one.tests * 2 * 8);
        assert_memory_equal(all.coefficients + label * STRENGTHS * WIDTH, one.coefficients, STRENGTHS * WIDTH * 8);
        assert_true(all.chosen[label] == one.chosen[0]);
        probe_free(&one);
    }
    probe_free(&all);
}

/* Features that are all zero give every strength the same score. */
static void of_equal_scores_the_stronger_penalty(void **state) {
    (void)state;
    Drawn d = draw();
    memset(d.features, 0, sizeof d.features);
    ProbeResult r;
    ProbeInput input = input_of(&d, PROBE_MULTICLASS);
    assert_fine(probe_run(&input, &r));
    assert_true(r.scores[0] == 0.5 && r.scores[3] == 0.5 && r.chosen[0] == 0); /* the smallest C */
    probe_free(&r);
    input = input_of(&d, PROBE_REGRESS);
    assert_fine(probe_run(&input, &r));
    assert_true(r.scores[0] == r.scores[3] && r.chosen[0] == 3); /* the largest alpha */
    probe_free(&r);
}

static void a_class_that_train_lacks(void **state) {
    (void)state;
    Drawn d = draw();
    for (int i = 0; i < ROWS; i++)
        if (d.split[i] == PROBE_TRAIN && d.classes[i] == 1)
            d.split[i] = PROBE_TEST;
    const ProbeInput input = input_of(&d, PROBE_MULTICLASS);
    ProbeResult r;
    assert_fine(probe_run(&input, &r));
    assert_true(r.intercepts[1] == -INFINITY && isfinite(r.intercepts[2]) && r.coefficients[WIDTH] == 0);
    for (int64_t i = 0; i < r.tests; i++) {
        assert_true(r.predictions[3 * i + 1] == 0 && r.neighbours[3 * i + 1] == 0);
        assert_true(fabs(r.predictions[3 * i] + r.predictions[3 * i + 2] - 1) < 1e-14);
    }
    probe_free(&r);
}

/* More classes than a softmax has axes for (stats/probe/loss.h); each lies around a point of its own. */
static void very_many_classes(void **state) {
    (void)state;
    enum { CLASSES = 66, EACH = 4, MANY = CLASSES * EACH };
    static float features[MANY][WIDTH];
    double labels[MANY];
    int64_t split[MANY];
    Random random;
    random_start(&random, 8, RANDOM_TEST, 0, 0);
    for (int i = 0; i < MANY; i++) {
        labels[i] = i % CLASSES;
        split[i] = i < 2 * CLASSES ? PROBE_TRAIN : i < 3 * CLASSES ? PROBE_VAL : PROBE_TEST;
        for (int j = 0; j < WIDTH; j++)
            features[i][j] = i < CLASSES ? (float)random_normal(&random)
                                         : features[i % CLASSES][j] + 0.1f * (float)random_normal(&random);
    }
    ProbeResult r;
    const Drawn d = draw();
    ProbeInput input = input_of(&d, PROBE_MULTICLASS);
    input.classes = CLASSES;
    input.features = features[0];
    input.rows = MANY;
    input.labels = labels;
    input.split = split;
    assert_fine(probe_run(&input, &r));
    assert_true(r.scores[3] > 0.95 && r.tests == CLASSES);
    double sum = 0;
    for (int k = 0; k < CLASSES; k++)
        sum += r.intercepts[3 * CLASSES + k];
    assert_true(fabs(sum) < 1e-9);
    probe_free(&r);
}

static void refuse(const ProbeInput *input, const char *part) {
    ProbeResult r;
    assert_refused(probe_run(input, &r), EXIT_DATA, part);
    probe_free(&r);
}

static void what_is_refused(void **state) {
    (void)state;
    Drawn d = draw(), kept = d;
    ProbeInput input = input_of(&d, PROBE_MULTICLASS);
    d.classes[2] = 3;
    refuse(&input, "the label of row 2 is 3");
    d = kept;
    d.split[7] = 3;
    refuse(&input, "row 7 is in the split 3");
    d = kept;
    for (int i = 0; i < ROWS; i++)
        d.classes[i] = d.split[i] == PROBE_VAL && d.classes[i] == 2 ? 1 : d.classes[i];
    refuse(&input, "val gives no score");
    d = kept;
    for (int i = 0; i < ROWS; i++)
        d.classes[i] = 1;
    refuse(&input, "the labels of train are one class");
    for (int i = 0; i < ROWS; i++)
        d.classes[i] = NAN;
    refuse(&input, "no train row has a label");
    d = kept;
    d.features[3][1] = INFINITY;
    refuse(&input, "feature 1 of row 3 is inf");
    d = kept;
    for (int i = 0; i < ROWS; i++)
        d.numbers[i] = d.split[i] == PROBE_VAL ? NAN : d.numbers[i];
    input = input_of(&d, PROBE_REGRESS);
    refuse(&input, "val gives no score to choose a strength by: no row there has a label");
    const double odd[] = {1, 0};
    input.grid = odd;
    input.strengths = 2;
    refuse(&input, "strength 1 is 0");
}

enum { KNOWN = 25 };

/* Votes on `asked` by the first `known_rows`. */
static void ask(const float *features, int64_t known_rows, const double *labels, int classes, double *out) {
    int64_t known[KNOWN];
    const int64_t asked[] = {KNOWN};
    for (int i = 0; i < KNOWN; i++)
        known[i] = i;
    const KnnInput input = {.features = features,
                            .width = 2,
                            .known = known,
                            .known_rows = known_rows,
                            .asked = asked,
                            .asked_rows = 1,
                            .threads = 1};
    Neighbours *neighbours;
    assert_fine(neighbours_find(&input, &neighbours));
    assert_fine(neighbours_vote(neighbours, labels, classes, out));
    neighbours_close(neighbours);
}

/* Of 25 known rows the 20 nearest in angle vote; length is nothing. */
static void neighbours_by_hand(void **state) {
    (void)state;
    float features[KNOWN + 1][2];
    double labels[KNOWN], numbers[KNOWN], want[3] = {0}, got[3], total = 0, sum = 0;
    for (int i = 0; i < KNOWN; i++) {
        const double angle = 0.1 * i, length = 1 + i % 3;
        features[i][0] = (float)(length * cos(angle));
        features[i][1] = (float)(length * sin(angle));
        labels[i] = i < KNN_NEIGHBOURS ? i % 2 : 2;
        numbers[i] = i * i - 7;
        const double weight = i < KNN_NEIGHBOURS ? exp((cos(angle) - 1) / 0.07) : 0;
        want[i % 2] += weight;
        sum += weight * numbers[i];
        total += weight;
    }
    features[KNOWN][0] = 9;
    features[KNOWN][1] = 0;
    ask(features[0], KNOWN, labels, 3, got);
    /* Features were rounded to float, 6e-8, over 0.07. */
    assert_true(fabs(got[0] - want[0] / total) < 3e-6 && fabs(got[1] - want[1] / total) < 3e-6 && got[2] == 0);
    ask(features[0], KNOWN, numbers, 0, got);
    assert_true(fabs(got[0] - sum / total) < 1e-4); /* the same of numbers of some 30 */
    /* Nothing but zeros: all cosines are equal, so the first 20 vote alike. */
    features[KNOWN][0] = 0;
    ask(features[0], KNOWN, labels, 3, got);
    assert_true(fabs(got[0] - 0.5) < 1e-15 && got[2] == 0);
    ask(features[0], 1, labels, 3, got);
    assert_true(got[0] == 1);
}

/* Rows without a label do not vote, as if they were not known, whether a few or most are without: more than are kept.
 * Several chunks of asked rows, several blocks of known ones, and two threads. */
static void neighbours_without_a_label(void **state) {
    (void)state;
    enum { MANY = 230, ASKED = 110, WIDE = 5 };
    static float features[MANY + ASKED][WIDE];
    int64_t known[MANY], asked[ASKED], labelled[MANY];
    double labels[MANY], own[MANY], all[ASKED], alone[ASKED];
    Random random;
    random_start(&random, 9, RANDOM_TEST, 0, 0);
    for (int i = 0; i < (MANY + ASKED) * WIDE; i++)
        features[i / WIDE][i % WIDE] = (float)random_normal(&random);
    KnnInput input = {.features = features[0], .width = WIDE, .asked = asked, .asked_rows = ASKED};
    for (int i = 0; i < ASKED; i++)
        asked[i] = MANY + i;
    for (int every = 2; every <= 8; every += 6) {
        int64_t count = 0;
        for (int i = 0; i < MANY; i++) {
            known[i] = i;
            labels[i] = i % every == 0 || (every == 2 && i % 5) ? i : NAN;
            if (isnan(labels[i]))
                continue;
            labelled[count] = i;
            own[count++] = labels[i];
        }
        Neighbours *neighbours;
        input.known = known;
        input.known_rows = MANY;
        input.threads = 2;
        assert_fine(neighbours_find(&input, &neighbours));
        assert_fine(neighbours_vote(neighbours, labels, 0, all));
        for (int i = 0; i < MANY; i++)
            labels[i] = NAN;
        assert_refused(neighbours_vote(neighbours, labels, 0, alone), EXIT_DATA, "no train row has a label");
        neighbours_close(neighbours);
        input.known = labelled;
        input.known_rows = count;
        input.threads = 1;
        assert_fine(neighbours_find(&input, &neighbours));
        assert_fine(neighbours_vote(neighbours, own, 0, alone));
        neighbours_close(neighbours);
        assert_memory_equal(all, alone, sizeof all);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_and_sums),
        cmocka_unit_test(features_may_have_any_scale),
        cmocka_unit_test(unknown_and_test_labels_do_not_enter),
        cmocka_unit_test(each_label_is_a_probe_of_its_own),
        cmocka_unit_test(of_equal_scores_the_stronger_penalty),
        cmocka_unit_test(a_class_that_train_lacks),
        cmocka_unit_test(very_many_classes),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(neighbours_by_hand),
        cmocka_unit_test(neighbours_without_a_label),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
