/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <float.h>
#include <math.h>

/* Zeros of either sign, values that are not finite, the ends of the range, among them the first and the last. */
static void spoil_values(Check *check, float *x, size_t count) {
    static const float special[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 0x1p-149f, -1e-40f, 3e38f};
    enum { SPECIAL = sizeof special / sizeof *special };
    for (int i = 0; count && i < 3 * SPECIAL; i++)
        x[random_below(&check->random, (uint32_t)count)] = special[i % SPECIAL];
    if (count && check->round % 2)
        x[count - 1] = special[check_between(check, 0, SPECIAL - 1)];
    if (count && check->round % 3 == 1)
        x[0] = special[check_between(check, 0, SPECIAL - 1)];
}

static void compare_summary(Check *check, const char *what, const TensorSummary *got, const float *x, size_t count) {
    TensorSummary want = {0};
    for (size_t i = 0; i < count; i++) {
        want.nonfinite += !isfinite(x[i]);
        want.zeros += x[i] == 0;
        want.squares += isfinite(x[i]) ? (double)x[i] * x[i] : 0;
        want.largest = isfinite(x[i]) ? fmax(want.largest, fabs(x[i])) : want.largest;
    }
    if (got->zeros != want.zeros || got->nonfinite != want.nonfinite || got->largest != want.largest)
        check_fail(check, "%s has %llu zeros, %llu not finite, largest %.9g, not %llu, %llu, %.9g", what,
                   (unsigned long long)got->zeros, (unsigned long long)got->nonfinite, got->largest,
                   (unsigned long long)want.zeros, (unsigned long long)want.nonfinite, want.largest);
    /* A million terms, each added with a double's rounding; one term less is more than that. */
    check_scalar(check, what, got->squares, want.squares, 1e-10 * want.squares);
}

/* Of a tensor of activations and one of gradients, which stay FP32. */
void check_summarise_tensor(Check *check) {
    enum { MOST_PARTS = 528 * 2048 };                         /* beyond it parts grow */
    const size_t count = check->round == 0   ? 0              /* there is a result, too */
                         : check->round == 4 ? MOST_PARTS + 5 /* the last part is short, its end no whole pack */
                         : check->round == 7 ? 2048           /* one part, full */
                                             : (size_t)check_between(check, 1, check->round % 2 ? 12000 : 3000);
    const size_t gradients = count > MOST_PARTS ? 9 : count;
    check_shape(check, "count=%zu, %zu", count, gradients);
    check->fp32_only = count > MOST_PARTS; /* parts do not depend on the type, and BF16 would take as long again */
    /* Squares beyond a float's range at either end. */
    const double deviation = check->round % 4 == 2 ? 1e25 : check->round % 4 == 3 ? 1e-25 : 1;
    float *x = check_reals(check, "x", BUFFER_INPUT, count, deviation);
    float *grad = check_floats(check, "grad", BUFFER_INPUT, gradients, deviation);
    if (check->round % 5) {
        spoil_values(check, x, count);
        spoil_values(check, grad, gradients);
    }
    TensorSummary *of_x = check_bytes(check, "summary", BUFFER_OUTPUT, 1, sizeof *of_x);
    TensorSummary *of_grad = check_bytes(check, "summary of grad", BUFFER_OUTPUT, 1, sizeof *of_grad);
    check_own_comparison(check, of_x); /* sums of doubles in an order of each backend */
    check_own_comparison(check, of_grad);
    RUN(check) {
        check->ops.summarise_tensor(
            &check->ops, &(SummariseTensor){.x = AT(x), .type = check->ops.type, .count = count, .summary = AT(of_x)});
        check->ops.summarise_tensor(
            &check->ops,
            &(SummariseTensor){.x = AT(grad), .type = REAL_FP32, .count = gradients, .summary = AT(of_grad)});
    }
    EACH(check) {
        compare_summary(check, "summary", of_x, x, count);
        compare_summary(check, "summary of grad", of_grad, grad, gradients);
    }
}

/* Shapes: none of either; wide, so that blocks stand side by side; deep, so that parts grow; rows of whole packs or
 * not. */
static const int unit_shapes[][2] = {{0, 40}, {40, 0}, {33, 4104}, {4200, 24}, {9, 2049}, {4099, 7}, {1, 1}};
enum { UNIT_SHAPES = sizeof unit_shapes / sizeof *unit_shapes };

/* Where each column's only value above 0 is. */
typedef enum { ACTIVE_NOWHERE, ACTIVE_FIRST, ACTIVE_LAST, ACTIVE_SOMEWHERE, ACTIVE_NAN, ACTIVE_KINDS } ActiveKind;

void check_count_idle_units(Check *check) {
    int rows = check_between(check, 1, 300), columns = check_between(check, 1, 300);
    columns = check_coin(check) ? columns : (columns + 7) / 8 * 8;
    if (check->round < UNIT_SHAPES) {
        rows = unit_shapes[check->round][0];
        columns = unit_shapes[check->round][1];
    }
    float *x = check_reals(check, "x", BUFFER_INPUT, (size_t)rows * columns, 1);
    for (size_t i = 0; i < (size_t)rows * columns; i++)
        x[i] = check_between(check, 0, 9) ? -fabsf(x[i]) : 0.0f;
    int want = 0;
    for (int c = 0; c < columns; c++) {
        ActiveKind kind = check_between(check, 0, ACTIVE_KINDS - 1);
        if (check->round % 4 == 3) /* all idle but a few */
            kind = check_between(check, 0, 20) ? ACTIVE_NOWHERE : ACTIVE_LAST;
        const int at = kind == ACTIVE_FIRST ? 0 : kind == ACTIVE_LAST ? rows - 1 : check_between(check, 0, rows - 1);
        if (rows && kind != ACTIVE_NOWHERE)
            x[(size_t)at * columns + c] = kind == ACTIVE_NAN ? NAN : 1e-30f;
        want += !rows || kind == ACTIVE_NOWHERE;
    }
    check_shape(check, "rows=%d columns=%d idle=%d", rows, columns, want);
    int32_t *idle = check_bytes(check, "idle", BUFFER_OUTPUT, 1, sizeof *idle);
    RUN(check)
    check->ops.count_idle_units(&check->ops,
                                &(CountIdleUnits){.x = AT(x), .rows = rows, .columns = columns, .idle = AT(idle)});
    if (*idle != want)
        check_fail(check, "%d idle", (int)*idle);
}
