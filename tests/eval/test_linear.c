/* SPDX-License-Identifier: Apache-2.0 */
/* The linear probe as an adapter: predictions of each kind of task, the strength it reports, and that a label set has
 * the same bits alone and beside others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "eval/adapt/linear.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 160, WIDTH = 6, CLASSES = 3, LABELS = 2, SETS = 5 };

typedef struct {
    float features[ROWS][WIDTH];
    double binary[ROWS], classes[ROWS], several[ROWS][LABELS], numbers[ROWS];
    int64_t split[ROWS];
} Drawn;

/* The first feature tells the label; every fourth row is val, every fourth test; a few labels are not known. */
static Drawn draw(void) {
    Drawn d;
    Random random;
    random_start(&random, 6, RANDOM_TEST, 0, 0);
    for (int i = 0; i < ROWS; i++) {
        for (int j = 0; j < WIDTH; j++)
            d.features[i][j] = (float)(3 * random_normal(&random) + j);
        const double score = (double)d.features[i][0] / 3 + 0.7 * random_normal(&random);
        d.binary[i] = i % 11 == 0 ? NAN : score > 0;
        d.classes[i] = score < -0.4 ? 0 : score < 0.5 ? 1 : 2;
        d.several[i][0] = i % 7 == 0 ? NAN : score > 0.2;
        d.several[i][1] = (double)d.features[i][1] - 1 + random_normal(&random) > 0;
        d.numbers[i] = i % 9 == 0 ? NAN : 50 + 10 * score;
        d.split[i] = i % 4 == 1 ? PROBE_VAL : i % 4 == 3 ? PROBE_TEST : PROBE_TRAIN;
    }
    return d;
}

static EvalRows rows_of(const Drawn *d, EvalKind kind) {
    const double *labels[] = {[EVAL_BINARY] = d->binary,
                              [EVAL_MULTICLASS] = d->classes,
                              [EVAL_MULTILABEL] = d->several[0],
                              [EVAL_ORDINAL] = d->classes,
                              [EVAL_REGRESSION] = d->numbers};
    const int classes[] = {2, CLASSES, 2, CLASSES, 1};
    return (EvalRows){.kind = kind,
                      .classes = classes[kind],
                      .outputs = kind == EVAL_MULTILABEL ? LABELS : 1,
                      .count = ROWS,
                      .labels = labels[kind],
                      .split = d->split};
}

static Adapter *open_linear(const Drawn *d, int threads) {
    Adapter *adapter;
    assert_fine(linear_open(d->features[0], WIDTH, threads, &adapter));
    return adapter;
}

/* The mean of a column of predictions over test rows with label 1, less that over those with label 0. */
static double find_lead(const EvalRows *rows, const double *predictions, int column, int output, double label) {
    double sum[2] = {0};
    int count[2] = {0};
    for (int i = 0; i < ROWS; i++) {
        const double own = rows->labels[i * rows->outputs + output];
        if (rows->split[i] != PROBE_TEST || isnan(own))
            continue;
        sum[own == label] += predictions[i * eval_values(rows) + column];
        count[own == label]++;
    }
    return sum[1] / count[1] - sum[0] / count[0];
}

static void predictions_of_each_kind(void **state) {
    (void)state;
    const Drawn d = draw();
    Adapter *adapter = open_linear(&d, 1);
    for (EvalKind kind = EVAL_BINARY; kind <= EVAL_REGRESSION; kind++) {
        const EvalRows rows = rows_of(&d, kind);
        const int values = eval_values(&rows);
        double predictions[ROWS * CLASSES];
        assert_fine(adapter->run(adapter, &rows, rows.labels, 1, predictions));
        for (int i = 0; i < ROWS; i++) {
            double sum = 0;
            for (int v = 0; v < values; v++) {
                const double value = predictions[i * values + v];
                assert_true(isnan(value) == (d.split[i] == PROBE_TRAIN));
                assert_true(kind == EVAL_REGRESSION || !(value < 0 || value > 1));
                sum += value;
            }
            assert_true(values != CLASSES || d.split[i] == PROBE_TRAIN || fabs(sum - 1) < 1e-14);
        }
        /* What a feature shows is predicted, of each output in its own column. */
        for (int output = 0; output < rows.outputs && kind != EVAL_REGRESSION; output++) {
            const int column = values == CLASSES ? 2 : output;
            assert_true(find_lead(&rows, predictions, column, output, values == CLASSES ? 2 : 1) > 0.25);
        }
    }
    adapter->close(adapter);
}

/* On features that tell nothing all strengths score alike and the strongest penalty is chosen. */
static void the_chosen_strength(void **state) {
    (void)state;
    Drawn d = draw();
    Adapter *adapter = open_linear(&d, 1);
    double predictions[ROWS * LABELS];
    const EvalRows several = rows_of(&d, EVAL_MULTILABEL), numbers = rows_of(&d, EVAL_REGRESSION);
    assert_true(isnan(linear_strength(adapter, 0)));
    assert_fine(adapter->run(adapter, &several, several.labels, 1, predictions));
    for (int output = 0; output < LABELS; output++) {
        const double c = linear_strength(adapter, output);
        assert_true(c >= 1e-5 && c <= 100 && fabs(2 * log10(c) - round(2 * log10(c))) < 1e-9);
    }
    memset(d.features, 0, sizeof d.features);
    assert_fine(adapter->run(adapter, &several, several.labels, 1, predictions));
    assert_true(linear_strength(adapter, 0) == 1e-5 && linear_strength(adapter, 1) == 1e-5);
    assert_true(isnan(linear_strength(adapter, LABELS)));
    assert_fine(adapter->run(adapter, &numbers, numbers.labels, 1, predictions));
    assert_true(linear_strength(adapter, 0) == 1e5);
    adapter->close(adapter);
}

/* Labels turned by some rows within their split, those that are not known with them. */
static void turn_labels(const EvalRows *rows, int by, double *labels) {
    for (int i = 0; i < ROWS; i++)
        memcpy(labels + i * rows->outputs, rows->labels + (i + 4 * by) % ROWS * rows->outputs,
               (size_t)rows->outputs * sizeof *labels);
}

static void a_set_is_the_same_beside_others(void **state) {
    (void)state;
    static double labels[SETS * ROWS * LABELS], together[SETS * ROWS * CLASSES], alone[ROWS * CLASSES];
    const Drawn d = draw();
    Adapter *one = open_linear(&d, 1), *two = open_linear(&d, 2);
    for (EvalKind kind = EVAL_BINARY; kind <= EVAL_REGRESSION; kind++) {
        const EvalRows rows = rows_of(&d, kind);
        const int values = eval_values(&rows);
        for (int set = 0; set < SETS; set++)
            turn_labels(&rows, set, labels + set * ROWS * rows.outputs);
        assert_fine(two->run(two, &rows, labels, SETS, together));
        for (int set = 0; set < SETS; set++) {
            assert_fine(one->run(one, &rows, labels + set * ROWS * rows.outputs, 1, alone));
            assert_true(linear_strength(one, 0) == linear_strength(two, 0) || set);
            assert_memory_equal(alone, together + set * ROWS * values, (size_t)(ROWS * values) * sizeof *alone);
        }
        assert_true(memcmp(alone, together, (size_t)(ROWS * values) * sizeof *alone) != 0);
    }
    one->close(one);
    two->close(two);
}

/* More columns than a strip of panels holds, more blocks of rows than there are slices, and enough work that threads
 * start. */
static void many_sets(void **state) {
    (void)state;
    enum { MANY = 50, TALL = 1100, WIDE = 9 };
    static float features[TALL][WIDE];
    static double labels[MANY][TALL], together[MANY][TALL], alone[TALL];
    static int64_t split[TALL];
    Random random;
    random_start(&random, 7, RANDOM_TEST, 0, 0);
    for (int i = 0; i < TALL; i++) {
        for (int j = 0; j < WIDE; j++)
            features[i][j] = (float)random_normal(&random);
        split[i] = i < 800 ? PROBE_TRAIN : i % 2 ? PROBE_VAL : PROBE_TEST;
        for (int set = 0; set < MANY; set++)
            labels[set][i] = random_uniform(&random) < 0.1f
                                 ? NAN
                                 : (double)features[i][set % WIDE] + set / 20. * random_normal(&random) > 0.5;
    }
    const EvalRows rows = {.kind = EVAL_BINARY, .classes = 2, .outputs = 1, .count = TALL, .split = split};
    Adapter *one, *two;
    assert_fine(linear_open(features[0], WIDE, 1, &one));
    assert_fine(linear_open(features[0], WIDE, 2, &two));
    assert_fine(two->run(two, &rows, labels[0], MANY, together[0]));
    for (int set = 0; set < MANY; set += 49) {
        assert_fine(one->run(one, &rows, labels[set], 1, alone));
        assert_memory_equal(alone, together[set], sizeof alone);
    }
    one->close(one);
    two->close(two);
}

static void what_cannot_be_learnt(void **state) {
    (void)state;
    Drawn d = draw();
    Adapter *adapter = open_linear(&d, 1);
    double labels[2 * ROWS], predictions[2 * ROWS];
    const EvalRows rows = rows_of(&d, EVAL_BINARY);
    for (int i = 0; i < ROWS; i++) {
        labels[i] = d.binary[i];
        labels[ROWS + i] = d.split[i] == PROBE_TRAIN ? 1 : d.binary[i];
    }
    assert_refused(adapter->run(adapter, &rows, labels, 2, predictions), EXIT_DATA,
                   "one class: nothing can be learnt (label set 1); choose another label or split");
    assert_true(isnan(linear_strength(adapter, 0)));
    for (int i = 0; i < ROWS; i++)
        labels[i] = d.split[i] == PROBE_VAL ? 0 : d.binary[i];
    assert_refused(adapter->run(adapter, &rows, labels, 1, predictions), EXIT_DATA, "val gives no score");
    adapter->close(adapter);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predictions_of_each_kind),        cmocka_unit_test(the_chosen_strength),
        cmocka_unit_test(a_set_is_the_same_beside_others), cmocka_unit_test(many_sets),
        cmocka_unit_test(what_cannot_be_learnt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
