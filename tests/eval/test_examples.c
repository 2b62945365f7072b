/* SPDX-License-Identifier: Apache-2.0 */
/* Which test images a report shows, and the colours over them. Drawn from packs: tests/e2e/eval.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/draw/heat.h"
#include "eval/run/examples.h"
#include "tests/fixtures/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 16 };

/* All rows are of test but the first, which would always be chosen. */
static void expect_rows(EvalKind kind, int classes, int outputs, int count, const double *labels,
                        const double *predictions, const char *wanted) {
    int64_t split[MOST_ROWS];
    ExampleRow list[EXAMPLES];
    char text[EXAMPLES * 8] = "";
    int found;
    for (int i = 0; i < count; i++)
        split[i] = i ? PROBE_TEST : PROBE_VAL;
    const EvalRows rows = {
        .kind = kind, .classes = classes, .outputs = outputs, .count = count, .labels = labels, .split = split};
    examples_choose(&rows, predictions, list, &found);
    for (int i = 0; i < found; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%c%d ", list[i].right ? '+' : '-', (int)list[i].row);
        assert_true(list[i].label == labels[list[i].row * outputs]);
    }
    assert_string_equal(text, wanted);
}

static void chooses_the_surest(void **state) {
    (void)state;
    /* Rows 2, 7 and 8 are equally sure, and so are 4 and 9. 0.5 is called as in the confusion matrices. */
    const double labels[] = {1, 1, 0, 1, 0, 1, 0, 1, 0, 1};
    const double p[] = {1, 0.7, 0.1, 0.95, 0.8, 0.5, 0.6, 0.9, 0.1, 0.2};
    expect_rows(EVAL_BINARY, 2, 1, 10, labels, p, "+3 +2 +7 -4 -9 -6 ");
    expect_rows(EVAL_BINARY, 2, 1, 4, labels, p, "+3 +2 +1 ");
    expect_rows(EVAL_BINARY, 2, 1, 1, labels, p, "");
    expect_rows(EVAL_BINARY, 2, 1, 2, labels, (const double[]){1, 0.5}, "-1 ");
    expect_rows(EVAL_MULTILABEL, 2, 1, 2, labels, (const double[]){1, 0.5}, "+1 ");
}

static void chooses_by_the_first_label(void **state) {
    (void)state;
    const double labels[] = {1, 1, 1, 0, NAN, 1, 0, 0, 1, 1}, p[] = {1, 0, 0.6, 1, 0.99, 1, 0.5, 0, 0.9, 0};
    expect_rows(EVAL_MULTILABEL, 2, 2, 5, labels, p, "+4 +1 -3 ");
}

static void chooses_by_the_most_probable_class(void **state) {
    (void)state;
    const double labels[] = {0, 2, 1, 0, 1};
    const double p[] = {1, 0, 0, 0.1, 0.2, 0.7, 0.4, 0.4, 0.2, 0.9, 0.1, 0, 0.05, 0.05, 0.9};
    expect_rows(EVAL_MULTICLASS, 3, 1, 5, labels, p, "+3 +1 -4 -2 ");
    expect_rows(EVAL_ORDINAL, 3, 1, 5, labels, p, "+3 +1 -4 -2 ");
}

static void chooses_small_and_large_errors(void **state) {
    (void)state;
    const double labels[] = {0, 10, 20, 30, 40, 50, 60, 70}, p[] = {0, 11, 18, 30, 43, 49, 65, 64};
    expect_rows(EVAL_REGRESSION, 1, 1, 8, labels, p, "+3 +1 +5 -7 -6 -4 ");
    expect_rows(EVAL_REGRESSION, 1, 1, 5, labels, p, "+3 +1 +2 -4 "); /* none is on both sides */
}

/* Relative luminance of sRGB. */
static double luminance(const uint8_t rgb[3]) {
    const double weights[] = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    for (int c = 0; c < 3; c++) {
        const double v = rgb[c] / 255.0;
        sum += weights[c] * (v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4));
    }
    return sum;
}

/* In even steps of CIE lightness, which needs no colour to be seen. */
static void colours_are_in_order(void **state) {
    (void)state;
    enum { STEPS = 20 };
    double before = 0, first = 0, last = 0;
    for (int i = 0; i <= STEPS; i++) {
        uint8_t rgb[3];
        heat_color((double)i / STEPS, rgb);
        const double y = luminance(rgb), lightness = y > 0.008856 ? 116 * cbrt(y) - 16 : 903.3 * y;
        if (i) /* 80 in 20 steps, and a level of 255 is up to 1 in the dark */
            assert_true(lightness - before > 3 && lightness - before < 5.2);
        first = i ? first : lightness;
        last = before = lightness;
    }
    assert_true(first < 15 && last > 88);
}

static void colours_are_where_the_shares_are(void **state) {
    (void)state;
    enum { SIDE = 8, GRID = 2 };
    uint8_t image[SIDE * SIDE * 3], out[SIDE * SIDE * 3], dark[3], light[3];
    const double shares[GRID * GRID] = {0.1, 0.1, 0.3, 0.1}, even[GRID * GRID] = {0.2, 0.2, 0.2, 0.2};
    memset(image, 100, sizeof image);
    heat_color(0, dark);
    heat_color(1, light);
    heat_draw(image, SIDE, shares, GRID, out);
    for (int c = 0; c < 3; c++) { /* the corners' pixels are beyond the middles of their patches */
        assert_int_equal(out[(SIDE - 1) * SIDE * 3 + c], lrint(0.6 * light[c] + 0.4 * (64 + 128 * 100 / 255.0)));
        assert_int_equal(out[c], lrint(0.6 * dark[c] + 0.4 * (64 + 128 * 100 / 255.0)));
        assert_int_equal(out[(SIDE * SIDE - 1) * 3 + c], lrint(0.6 * dark[c] + 0.4 * (64 + 128 * 100 / 255.0)));
    }
    const uint8_t *left = out, *bottom = out + (SIDE - 1) * SIDE * 3;
    for (int i = 1; i < SIDE; i++) { /* lighter down the left side, darker along the bottom, where not beyond middles */
        const bool rises = i > SIDE / 4 && i < SIDE * 3 / 4;
        const double down = luminance(left + i * SIDE * 3) - luminance(left + (i - 1) * SIDE * 3),
                     along = luminance(bottom + i * 3) - luminance(bottom + (i - 1) * 3);
        assert_true(rises ? down > 0 : down >= 0);
        assert_true(rises ? along < 0 : along <= 0);
    }
    uint8_t between[3]; /* pixel 3 of 0 to 7 is 0.375 of the way from the first patch's middle to the second's */
    heat_color(0.375 * (1 - 0.375), between);
    for (int c = 0; c < 3; c++)
        assert_int_equal(out[(3 * SIDE + 3) * 3 + c], lrint(0.6 * between[c] + 0.4 * (64 + 128 * 100 / 255.0)));
    heat_draw(image, SIDE, even, GRID, out);
    for (int i = 3; i < SIDE * SIDE * 3; i++)
        assert_int_equal(out[i], out[i % 3]);
}

/* Licensed images are not looked at, nor is an encoder that is gone: there is neither here. */
static void some_data_are_not_shown(void **state) {
    (void)state;
    for (int round = 0; round < 3; round++) {
        Evaluated list[1] = {{0}};
        Evaluation evaluation = {.list = list, .count = 1};
        TaskConfig *task = calloc(1, sizeof *task);
        assert_non_null(task);
        Cohort cohort = {.records.licensed = round == 0}, external = {.records.licensed = round == 1};
        const Setting setting = {.task = task, .cohort = &cohort, .external = round == 1 ? &external : NULL};
        task->adapt.method = round == 2 ? TASK_FINETUNE : TASK_LINEAR;
        assert_fine(examples_draw(&setting, &(TestRows){0}, &evaluation));
        assert_int_equal(evaluation.example_count, 0);
        assert_non_null(strstr(evaluation.no_examples, round < 2 ? "licensed" : "fine-tuned"));
        free(task);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chooses_the_surest),
        cmocka_unit_test(chooses_by_the_first_label),
        cmocka_unit_test(chooses_by_the_most_probable_class),
        cmocka_unit_test(chooses_small_and_large_errors),
        cmocka_unit_test(colours_are_in_order),
        cmocka_unit_test(colours_are_where_the_shares_are),
        cmocka_unit_test(some_data_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
