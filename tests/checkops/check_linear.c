/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <math.h>
#include <string.h>

typedef struct {
    int rows, in, out;
    double *x, *w, *bias;
    Activation act;
    const float *dy;
    double *y;
} Linear;

/* ADD: to the weights' gradient. SIZES: any; with rows that start anywhere; whole blocks of the kernels. */
enum { LINEAR_ACT, LINEAR_BIAS, LINEAR_ADD, LINEAR_SIZES, LINEAR_OPTIONS };
enum { SIZES_ANY, SIZES_ODD, SIZES_WHOLE, SIZES };
static const Options linear_options = {
    .count = LINEAR_OPTIONS, .levels = {[LINEAR_ACT] = 3, [LINEAR_BIAS] = 2, [LINEAR_ADD] = 2, [LINEAR_SIZES] = SIZES}};

static Linear draw_linear(Check *check, int options[LINEAR_OPTIONS]) {
    check_options(check, &linear_options, options);
    Linear l = {.rows = check_between(check, 1, 200),
                .in = check_between(check, 1, 150),
                .out = check_between(check, 1, 150),
                .act = options[LINEAR_ACT]};
    if (options[LINEAR_SIZES] == SIZES_WHOLE)
        l = (Linear){.rows = 64 * check_between(check, 1, 3),
                     .in = 48 * check_between(check, 1, 4),
                     .out = 48 * check_between(check, 1, 4),
                     .act = options[LINEAR_ACT]};
    if (check->round == 0 || check->round == ROUNDS - 1) /* nothing to sum over */
        l.rows = 0;
    if (check->round == ROUNDS - 2)
        l.rows = l.in = l.out = 1;
    if (check->round == ROUNDS - 3) /* sums longer than a cache block */
        l.in = 700, l.rows = 30;
    if (check->round == ROUNDS - 4)
        l.out = 700, l.rows = 30;
    if (check->round == ROUNDS - 5)
        l.rows = 1300, l.in = 30;
    if (check->round == ROUNDS - 6) /* a model's widths */
        l.rows = 10, l.in = 192, l.out = 768;
    if (options[LINEAR_SIZES] == SIZES_ODD)
        l.in |= 1, l.out |= 1;
    if (check->timed && check->round % 4) { /* what the library may fuse */
        l.act = ACTIVATION_GELU_TANH;
        l.in = (l.in + 7) / 8 * 8;
        l.out = (l.out + 7) / 8 * 8;
    }
    check_shape(check, "rows=%d in=%d out=%d act=%d bias=%d add=%d", l.rows, l.in, l.out, l.act, options[LINEAR_BIAS],
                options[LINEAR_ADD]);
    return l;
}

/* y = act(x w^T + bias); pre and the sums of the absolute terms (NULL: not needed). */
static void forward_linear(const Linear *l, double *pre, double *size, double *y) {
    for (int r = 0; r < l->rows; r++)
        for (int o = 0; o < l->out; o++) {
            double sum = l->bias ? l->bias[o] : 0, total = fabs(sum);
            for (int i = 0; i < l->in; i++) {
                double term = l->x[(size_t)r * l->in + i] * l->w[(size_t)o * l->in + i];
                sum += term;
                total += fabs(term);
            }
            const size_t at = (size_t)r * l->out + o;
            if (pre)
                pre[at] = sum;
            if (size)
                size[at] = total;
            y[at] = reference_act(l->act, sum);
        }
}

void check_linear_forward(Check *check) {
    int options[LINEAR_OPTIONS];
    Linear l = draw_linear(check, options);
    const size_t count = (size_t)l.rows * l.out;
    const bool biased = options[LINEAR_BIAS];
    float *x = check_reals(check, "x", BUFFER_INPUT, (size_t)l.rows * l.in, 1);
    float *w = check_reals(check, "w", BUFFER_INPUT, (size_t)l.out * l.in, 1 / sqrt(l.in));
    float *bias = check_reals(check, "bias", BUFFER_INPUT, l.out, 1);
    float *pre = l.act ? check_real_output(check, "pre", count) : NULL;
    float *y = check_real_output(check, "y", count);
    if (l.act) /* of pre, which is rounded first; GELU's slope reaches 1.13 */
        check_tolerance(check, y, 0, 2.13 * 0x1p-8);
    RUN(check)
    check->ops.linear_forward(&check->ops, &(LinearForward){.x = AT(x),
                                                            .w = AT(w),
                                                            .bias = AT(biased ? bias : NULL),
                                                            .act = l.act,
                                                            .pre = AT(pre),
                                                            .y = AT(y),
                                                            .rows = l.rows,
                                                            .in = l.in,
                                                            .out = l.out});
    l.x = check_copy(check, x, (size_t)l.rows * l.in);
    l.w = check_copy(check, w, (size_t)l.out * l.in);
    l.bias = biased ? check_copy(check, bias, l.out) : NULL;
    double *want_pre = check_numbers(check, count), *bound = check_numbers(check, count);
    double *want = check_numbers(check, count);
    forward_linear(&l, want_pre, bound, want);
    /* A sum of n terms in any order errs by at most n roundings of the absolute sum; GELU's slope is below 1.13, and
     * its own error below 2e-7 of the value's size. */
    for (size_t i = 0; i < count; i++)
        bound[i] *= (l.in + 1) * ROUNDING;
    if (pre)
        check_bounds(check, "pre", pre, want_pre, bound, count);
    if (l.act)
        for (size_t i = 0; i < count; i++)
            bound[i] = 1.13 * bound[i] + 2e-7 * (1 + fabs(want_pre[i]));
    check_bounds(check, "y", y, want, bound, count);
}

static double linear_loss(const void *context) {
    const Linear *l = context;
    forward_linear(l, NULL, NULL, l->y);
    return check_dot(l->y, l->dy, (size_t)l->rows * l->out);
}

/* Here the layer's input is x = act(pre), and l.act belongs to it. */
static double loss_through_input(const void *context) {
    const Linear *l = context;
    double sum = 0;
    for (int r = 0; r < l->rows; r++)
        for (int o = 0; o < l->out; o++) {
            double y = 0;
            for (int i = 0; i < l->in; i++)
                y += reference_act(l->act, l->x[(size_t)r * l->in + i]) * l->w[(size_t)o * l->in + i];
            sum += y * l->dy[(size_t)r * l->out + o];
        }
    return sum;
}

void check_linear_backward_input(Check *check) {
    int options[LINEAR_OPTIONS];
    Linear l = draw_linear(check, options);
    if (check->round == 3 && !check->timed) { /* a product that a GPU does not keep in FP32: see gpu_slope_scratch() */
        l = (Linear){.rows = 1, .in = (1 << 20) + 8, .out = 2, .act = ACTIVATION_GELU_ERF};
        check_shape(check, "rows=%d in=%d out=%d act=%d", l.rows, l.in, l.out, l.act);
    }
    const size_t count = (size_t)l.rows * l.in;
    float *dy = check_reals(check, "dy", BUFFER_INPUT, (size_t)l.rows * l.out, 1);
    float *w = check_reals(check, "w", BUFFER_INPUT, (size_t)l.out * l.in, 1 / sqrt(l.in));
    float *pre = check_reals(check, "pre", BUFFER_INPUT, count, 2);
    float *dx = check_real_output(check, "dx", count);
    RUN(check)
    check->ops.linear_backward_input(&check->ops, &(LinearBackwardInput){.dy = AT(dy),
                                                                         .w = AT(w),
                                                                         .act = l.act,
                                                                         .pre = AT(l.act ? pre : NULL),
                                                                         .dx = AT(dx),
                                                                         .rows = l.rows,
                                                                         .in = l.in,
                                                                         .out = l.out});
    double *want = check_numbers(check, count), *bound = check_numbers(check, count);
    for (int r = 0; r < l.rows; r++)
        for (int i = 0; i < l.in; i++) {
            double sum = 0, total = 0;
            for (int o = 0; o < l.out; o++) {
                double term = (double)dy[(size_t)r * l.out + o] * w[(size_t)o * l.in + i];
                sum += term;
                total += fabs(term);
            }
            const size_t at = (size_t)r * l.in + i;
            double slope = l.act ? reference_act_slope(l.act, pre[at]) : 1;
            want[at] = sum * slope;
            /* As above; the slope errs by 5e-7 (check_gelu_everywhere). */
            bound[at] = (l.out + 2) * ROUNDING * total * fabs(slope) + (l.act ? 5e-7 * fabs(sum) : 0) + 1e-37;
        }
    check_bounds(check, "dx", dx, want, bound, count);
    if ((size_t)l.rows * l.in * l.out > 500000)
        return;
    l.x = check_copy(check, pre, count);
    l.w = check_copy(check, w, (size_t)l.out * l.in);
    l.dy = dy;
    check_slopes(check, "dx", dx, l.x, count, loss_through_input, &l);
}

void check_linear_backward_weight(Check *check) {
    int options[LINEAR_OPTIONS];
    Linear l = draw_linear(check, options);
    l.act = ACTIVATION_NONE;
    const bool add = options[LINEAR_ADD], biased = options[LINEAR_BIAS];
    const size_t count = (size_t)l.out * l.in;
    float *dy = check_reals(check, "dy", BUFFER_INPUT, (size_t)l.rows * l.out, 1);
    float *x = check_reals(check, "x", BUFFER_INPUT, (size_t)l.rows * l.in, 1);
    BufferKind kind = add ? BUFFER_BOTH : BUFFER_OUTPUT;
    float *dw = check_floats(check, "dw", kind, count, 1), *dbias = check_floats(check, "dbias", kind, l.out, 1);
    double *want = check_copy(check, dw, count), *bound = check_numbers(check, count);
    double *want_bias = check_copy(check, dbias, l.out), *bound_bias = check_numbers(check, l.out);
    RUN(check)
    check->ops.linear_backward_weight(&check->ops, &(LinearBackwardWeight){.dy = AT(dy),
                                                                           .x = AT(x),
                                                                           .dw = AT(dw),
                                                                           .dbias = AT(biased ? dbias : NULL),
                                                                           .add = add,
                                                                           .rows = l.rows,
                                                                           .in = l.in,
                                                                           .out = l.out});
    for (int o = 0; o < l.out; o++) {
        for (int i = 0; i < l.in; i++) {
            const size_t at = (size_t)o * l.in + i;
            double sum = add ? want[at] : 0, total = fabs(sum);
            for (int r = 0; r < l.rows; r++) {
                double term = (double)dy[(size_t)r * l.out + o] * x[(size_t)r * l.in + i];
                sum += term;
                total += fabs(term);
            }
            want[at] = sum;
            bound[at] = (l.rows + 1) * ROUNDING * total; /* n roundings of the absolute sum */
        }
        double sum = add ? want_bias[o] : 0, total = fabs(sum);
        for (int r = 0; r < l.rows; r++) {
            sum += dy[(size_t)r * l.out + o];
            total += fabs(dy[(size_t)r * l.out + o]);
        }
        want_bias[o] = sum;
        bound_bias[o] = (l.rows + 1) * ROUNDING * total;
    }
    check_bounds(check, "dw", dw, want, bound, count);
    if (biased)
        check_bounds(check, "dbias", dbias, want_bias, bound_bias, l.out);
    if (add || (size_t)l.rows * l.in * l.out > 500000)
        return;
    l.x = check_copy(check, x, (size_t)l.rows * l.in);
    l.w = check_numbers(check, count);
    l.bias = check_numbers(check, l.out);
    l.dy = dy;
    l.y = check_numbers(check, (size_t)l.rows * l.out);
    check_slopes(check, "dw", dw, l.w, count, linear_loss, &l);
    if (biased)
        check_slopes(check, "dbias", dbias, l.bias, l.out, linear_loss, &l);
}

/* How often the emulator has found `choice` to be the faster way of the operation. */
static int times_chosen(const Device *device, const char *operation, const char *choice) {
    size_t count;
    int found = 0;
    const AutotuneChoice *entries = device->autotune_export(device, &count);
    for (size_t i = 0; i < count; i++)
        found += !strncmp(entries[i].key, operation, strlen(operation)) && !strcmp(entries[i].choice, choice);
    return found;
}

/* The same with ways chosen by timing, fused ones among them: what is timed spoils nothing, and either way is right. */
static void check_timed(Check *check, CheckFunction function, const char *operation) {
    enum { ENOUGH = 20 }; /* rounds for both to have been the faster one */
    check->timed = true;
    function(check);
    const Device *emu = check->backends->of[BACKEND_EMU].device;
    if (check->round + 1 < ENOUGH || !emu)
        return;
    const int fused = times_chosen(emu, operation, "epilogue"), plain = times_chosen(emu, operation, "kernels");
    if (fused < 3 || plain < 3)
        check_fail(check, "the emulator took the epilogue for %d shapes and the kernels for %d", fused, plain);
}

void check_linear_forward_timed(Check *check) {
    check_timed(check, check_linear_forward, "linear_forward ");
}

void check_linear_backward_input_timed(Check *check) {
    check_timed(check, check_linear_backward_input, "linear_backward_input ");
}

void check_linear_backward_weight_timed(Check *check) {
    check_timed(check, check_linear_backward_weight, "linear_backward_weight ");
}
