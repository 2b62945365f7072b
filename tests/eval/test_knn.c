/* SPDX-License-Identifier: Apache-2.0 */
/* The nearest neighbours as an adapter: whose labels are in which column of the predictions, and label sets beside each
 * other. The votes themselves: tests/stats/test_probe.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/adapt/knn.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <string.h>

enum { GROUPS = 3, EACH = 24, ROWS = GROUPS * (EACH + 2), LABELS = 2 };

/* Groups of train rows along an axis each, more than vote; of each group one val and one test row. */
typedef struct {
    float features[ROWS][GROUPS];
    double group[ROWS], several[ROWS][LABELS];
    int64_t split[ROWS];
} Drawn;

static Drawn draw(void) {
    Drawn d = {0};
    for (int i = 0; i < ROWS; i++) {
        const int group = i % GROUPS;
        d.features[i][group] = (float)(1 + i);
        d.split[i] = i < GROUPS * EACH ? PROBE_TRAIN : i < GROUPS * (EACH + 1) ? PROBE_VAL : PROBE_TEST;
        /* Labels of val and test rows are not looked at. */
        d.group[i] = d.split[i] == PROBE_TRAIN ? group : 0;
        d.several[i][0] = i % 5 == 0 ? NAN : group == 0;
        d.several[i][1] = group != 2;
    }
    return d;
}

static EvalRows rows_of(const Drawn *d, EvalKind kind, int classes, int outputs) {
    return (EvalRows){.kind = kind, .classes = classes, .outputs = outputs, .count = ROWS, .split = d->split};
}

/* The neighbours of a row are those of its group alone: cosine 1, others 0, which weighs exp(-1 / 0.07) < 1e-6. */
static void each_kind_has_its_columns(void **state) {
    (void)state;
    const Drawn d = draw();
    Adapter *adapter;
    assert_fine(knn_open(d.features[0], GROUPS, 1, &adapter));
    const EvalRows kinds[] = {rows_of(&d, EVAL_ORDINAL, GROUPS, 1), rows_of(&d, EVAL_MULTICLASS, GROUPS, 1),
                              rows_of(&d, EVAL_REGRESSION, 1, 1), rows_of(&d, EVAL_MULTILABEL, 2, LABELS)};
    for (int k = 0; k < 4; k++) {
        const EvalRows *rows = &kinds[k];
        const int values = eval_values(rows);
        double predictions[ROWS * GROUPS];
        assert_fine(adapter->run(adapter, rows, rows->outputs == 1 ? d.group : d.several[0], 1, predictions));
        for (int i = 0; i < ROWS; i++)
            for (int v = 0; v < values; v++) {
                const int group = i % GROUPS;
                const double want = rows->kind == EVAL_REGRESSION   ? group
                                    : rows->kind == EVAL_MULTILABEL ? (v ? group != 2 : group == 0)
                                                                    : group == v;
                const double got = predictions[i * values + v];
                assert_true(d.split[i] == PROBE_TRAIN ? isnan(got) : fabs(got - want) < 1e-5);
            }
    }
    adapter->close(adapter);
}

static void sets_are_by_themselves(void **state) {
    (void)state;
    const Drawn d = draw();
    const EvalRows rows = rows_of(&d, EVAL_BINARY, 2, 1);
    double labels[2][ROWS], together[2][ROWS], alone[ROWS];
    Adapter *one, *two;
    for (int i = 0; i < ROWS; i++) {
        labels[0][i] = i % 3 == 1;
        labels[1][i] = i % 7 == 1 ? NAN : i % 4 == 1;
    }
    assert_fine(knn_open(d.features[0], GROUPS, 1, &one));
    assert_fine(knn_open(d.features[0], GROUPS, 2, &two));
    assert_fine(two->run(two, &rows, labels[0], 2, together[0]));
    for (int set = 0; set < 2; set++) {
        assert_fine(one->run(one, &rows, labels[set], 1, alone));
        assert_memory_equal(alone, together[set], sizeof alone);
    }
    for (int i = 0; i < ROWS; i++)
        labels[1][i] = d.split[i] == PROBE_TRAIN;
    assert_refused(two->run(two, &rows, labels[0], 2, together[0]), EXIT_DATA,
                   "the labels of train are one class: nothing can be learnt (label set 1); choose another label");
    for (int i = 0; i < ROWS; i++)
        labels[0][i] = NAN;
    assert_refused(one->run(one, &rows, labels[0], 1, alone), EXIT_DATA, "no train row has a label; choose another");
    one->close(one);
    two->close(two);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_columns),
        cmocka_unit_test(sets_are_by_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
