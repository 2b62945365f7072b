/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

typedef struct {
    int batch, tokens, heads, head;
    double *qkv, *out, *lse, *p; /* p: one row of probabilities */
    const float *dout;
} Attention;

/* One and none of everything; the models' heads and lengths; heads that are no multiple of anything and wider than a
 * kernel holds at once; with both heads of tensor cores, lengths of one to four tiles, full ones, too. Every fourth is
 * not run in BF16 backward. */
static const int shapes[][4] = {
    {1, 1, 1, 1},   {0, 5, 2, 8},    {2, 12, 3, 64}, {1, 197, 2, 64}, {1, 33, 1, 64},  {1, 40, 1, 97}, {1, 50, 2, 64},
    {1, 50, 2, 32}, {1, 197, 1, 32}, {1, 65, 1, 54}, {1, 257, 1, 80}, {1, 70, 1, 150}, {1, 9, 2, 304}, {1, 64, 1, 64},
    {2, 20, 1, 64}, {2, 37, 3, 32},  {1, 20, 2, 32}, {1, 16, 1, 32},  {2, 10, 1, 32},  {1, 48, 1, 32},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };
_Static_assert((int)SHAPES <= (int)ROUNDS, "shapes that no round has");

static Attention draw_attention(Check *check) {
    static const int heads[] = {8, 16, 24, 32, 64, 80};
    Attention a = {.batch = check_between(check, 1, 3),
                   .tokens = check_between(check, 1, 70),
                   .heads = check_between(check, 1, 3),
                   .head = check_coin(check) ? heads[check_between(check, 0, 5)] : check_between(check, 1, 70)};
    if (check->round < SHAPES) {
        const int *shape = shapes[check->round];
        a = (Attention){.batch = shape[0], .tokens = shape[1], .heads = shape[2], .head = shape[3]};
    }
    check_shape(check, "batch=%d tokens=%d heads=%d head=%d", a.batch, a.tokens, a.heads, a.head);
    return a;
}

static size_t element_index(const Attention *a, int b, int token, int part, int h) {
    return ((((size_t)b * a->tokens + token) * 3 + part) * a->heads + h) * a->head;
}

static size_t out_at(const Attention *a, int b, int token, int h) {
    return (((size_t)b * a->tokens + token) * a->heads + h) * a->head;
}

static double dot_product(const double *x, const double *y, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += x[i] * y[i];
    return sum;
}

/* p = softmax of one query's scores; returns their log-sum-exp. */
static double attention_row(const Attention *a, int b, int h, int i) {
    double largest = -INFINITY, sum = 0;
    for (int j = 0; j < a->tokens; j++) {
        a->p[j] = dot_product(a->qkv + element_index(a, b, i, 0, h), a->qkv + element_index(a, b, j, 1, h), a->head) /
                  sqrt(a->head);
        largest = fmax(largest, a->p[j]);
    }
    for (int j = 0; j < a->tokens; j++)
        sum += exp(a->p[j] - largest);
    for (int j = 0; j < a->tokens; j++)
        a->p[j] = exp(a->p[j] - largest) / sum;
    return largest + log(sum);
}

static void forward_attention(const Attention *a) {
    for (int b = 0; b < a->batch; b++)
        for (int h = 0; h < a->heads; h++)
            for (int i = 0; i < a->tokens; i++) {
                a->lse[((size_t)b * a->heads + h) * a->tokens + i] = attention_row(a, b, h, i);
                for (int d = 0; d < a->head; d++) {
                    double sum = 0;
                    for (int j = 0; j < a->tokens; j++)
                        sum += a->p[j] * a->qkv[element_index(a, b, j, 2, h) + d];
                    a->out[out_at(a, b, i, h) + d] = sum;
                }
            }
}

static void allocate_results(Check *check, Attention *a, const float *qkv) {
    const size_t rows = (size_t)a->batch * a->tokens, width = (size_t)a->heads * a->head;
    a->qkv = check_copy(check, qkv, rows * 3 * width);
    a->out = check_numbers(check, rows * width);
    a->lse = check_numbers(check, rows * a->heads);
    a->p = check_numbers(check, a->tokens);
}

/* Of queries and keys: scores spread by its square, from what training starts with to softmax near one-hot, where e to
 * the power of a score would overflow. */
static double draw_deviation(Check *check) {
    return check->round % 3 == 2 ? 2.5 : check->round % 5 == 4 ? 6 : 1;
}

/* Scores reach 5 squared deviations in size, the sum of their terms' sizes several times that, and they err by some
 * roundings of it; exp makes it a relative error. */
static double relative_error(Check *check) {
    return 40 * (4 + draw_deviation(check) * draw_deviation(check)) * ROUNDING;
}

void check_attention_forward(Check *check) {
    Attention a = draw_attention(check);
    const size_t rows = (size_t)a.batch * a.tokens, width = (size_t)a.heads * a.head;
    float *qkv = check_reals(check, "qkv", BUFFER_INPUT, rows * 3 * width, draw_deviation(check));
    float *out = check_real_output(check, "out", rows * width), *lse = check_float_output(check, "lse", rows * a.heads);
    check_tolerance(check, out, relative_error(check), 0);
    check_tolerance(check, lse, relative_error(check), 0);
    RUN(check)
    check->ops.attention_forward(&check->ops, &(AttentionForward){.qkv = AT(qkv),
                                                                  .out = AT(out),
                                                                  .lse = AT(lse),
                                                                  .batch = a.batch,
                                                                  .tokens = a.tokens,
                                                                  .heads = a.heads,
                                                                  .head = a.head});
    allocate_results(check, &a, qkv);
    forward_attention(&a);
    check_near(check, "out", out, a.out, relative_error(check), rows * width);
    double *bound = check_numbers(check, rows * a.heads);
    for (size_t i = 0; i < rows * a.heads; i++)
        bound[i] = relative_error(check);
    check_bounds(check, "lse", lse, a.lse, bound, rows * a.heads);
}

/* Counts each key's peaks and notes lse. A query whose weight is too near the limit for floats to tell becomes 0, so
 * that its weights are all alike: scores err by up to relative_error(), below 2e-4, and so do the weights' logarithms.
 */
static void count_peaks(Attention *a, float *qkv, float *lse, int32_t *want) {
    const double limit = ATTENTION_PEAK;
    for (int b = 0; b < a->batch; b++)
        for (int h = 0; h < a->heads; h++)
            for (int i = 0; i < a->tokens; i++) {
                const size_t query = element_index(a, b, i, 0, h), row = ((size_t)b * a->heads + h) * a->tokens + i;
                lse[row] = (float)attention_row(a, b, h, i);
                bool near = false;
                for (int key = 0; key < a->tokens; key++)
                    near |= fabs(a->p[key] - limit) < 1e-3;
                for (int d = 0; d < a->head && near; d++)
                    a->qkv[query + d] = qkv[query + d] = 0;
                lse[row] = near ? (float)attention_row(a, b, h, i) : lse[row];
                for (int key = 0; key < a->tokens; key++)
                    want[key] += a->p[key] > limit;
            }
}

void check_count_attention_peaks(Check *check) {
    Attention a = draw_attention(check);
    const size_t rows = (size_t)a.batch * a.tokens, width = (size_t)a.heads * a.head;
    /* Near one-hot in half of the rounds; in others there are few peaks, or none. */
    float *qkv =
        check_reals(check, "qkv", BUFFER_INPUT, rows * 3 * width, check->round % 2 ? 6 : draw_deviation(check));
    float *lse = check_floats(check, "lse", BUFFER_INPUT, rows * a.heads, 1);
    int32_t *peaks = check_bytes(check, "peaks", BUFFER_OUTPUT, (size_t)a.tokens, sizeof *peaks), want[257] = {0};
    if (rows && check->round % 4 == 2) /* a query that is not a number has no peak */
        qkv[element_index(&a, 0, a.tokens - 1, 0, 0)] = NAN;
    for (size_t i = 0; i < rows * 3 * width && check->round % 6 == 4; i++) /* all scores, and lse, are below 0 */
        qkv[i] = i / width % 3 == 0 ? fabsf(qkv[i]) : -fabsf(qkv[i]);
    for (size_t i = 0; i < rows * 3 * width; i++) /* lse belongs to qkv, whatever the type */
        qkv[i] = reference_rounded(qkv[i]);
    a.qkv = check_copy(check, qkv, rows * 3 * width);
    a.p = check_numbers(check, a.tokens);
    count_peaks(&a, qkv, lse, want);
    RUN(check)
    check->ops.count_attention_peaks(&check->ops, &(CountAttentionPeaks){.qkv = AT(qkv),
                                                                         .lse = AT(lse),
                                                                         .batch = a.batch,
                                                                         .tokens = a.tokens,
                                                                         .heads = a.heads,
                                                                         .head = a.head,
                                                                         .peaks = AT(peaks)});
    EACH(check)
    for (int key = 0; key < a.tokens; key++)
        if (peaks[key] != want[key])
            check_fail(check, "peaks[%d] is %d, not %d", key, (int)peaks[key], (int)want[key]);
}

/* The gradient from the formulas of softmax and products. */
static void backward_attention(const Attention *a, double *dqkv) {
    for (int b = 0; b < a->batch; b++)
        for (int h = 0; h < a->heads; h++)
            for (int i = 0; i < a->tokens; i++) {
                attention_row(a, b, h, i);
                const float *g = a->dout + out_at(a, b, i, h);
                double through = check_dot(a->out + out_at(a, b, i, h), g, a->head);
                for (int j = 0; j < a->tokens; j++) {
                    double dp = check_dot(a->qkv + element_index(a, b, j, 2, h), g, a->head);
                    double ds = a->p[j] * (dp - through) / sqrt(a->head);
                    for (int d = 0; d < a->head; d++) {
                        dqkv[element_index(a, b, i, 0, h) + d] += ds * a->qkv[element_index(a, b, j, 1, h) + d];
                        dqkv[element_index(a, b, j, 1, h) + d] += ds * a->qkv[element_index(a, b, i, 0, h) + d];
                        dqkv[element_index(a, b, j, 2, h) + d] += a->p[j] * g[d];
                    }
                }
            }
}

static double attention_loss(const void *context) {
    const Attention *a = context;
    forward_attention(a);
    return check_dot(a->out, a->dout, (size_t)a->batch * a->tokens * a->heads * a->head);
}

static double largest_value(const double *x, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(x[i]));
    return largest;
}

/* A gradient through the softmax has the product of out and dout in it, or the same from the probabilities. In BF16 out
 * has been rounded: four deviations of what that does to the product, times the largest query or key, beside the
 * ordinary bound. */
static double through_error(const Attention *a, const double *dqkv) {
    const size_t rows = (size_t)a->batch * a->tokens * a->heads;
    double most = 0;
    for (size_t r = 0; r < rows; r++) {
        double squares = 0;
        for (int d = 0; d < a->head; d++)
            squares += pow(a->out[r * a->head + d] * a->dout[r * a->head + d], 2);
        most = fmax(most, sqrt(squares));
    }
    const double error = 4 * 0x1p-9 * most / sqrt(a->head) * largest_value(a->qkv, rows * 3 * a->head);
    return 0x1p-8 + error / fmax(largest_value(dqkv, rows * 3 * a->head), 1e-30);
}

void check_attention_backward(Check *check) {
    Attention a = draw_attention(check);
    const size_t rows = (size_t)a.batch * a.tokens, width = (size_t)a.heads * a.head;
    float *qkv = check_reals(check, "qkv", BUFFER_INPUT, rows * 3 * width, draw_deviation(check));
    float *dout = check_reals(check, "dout", BUFFER_INPUT, rows * width, 1);
    float *out = check_reals(check, "out", BUFFER_INPUT, rows * width, 1);
    float *lse = check_floats(check, "lse", BUFFER_INPUT, rows * a.heads, 1);
    float *dqkv = check_real_output(check, "dqkv", rows * 3 * width);
    /* lse and out belong to qkv: where BF16 runs, it must not be rounded only then. */
    check->fp32_only = check->round % 4 == 1;
    for (size_t i = 0; i < rows * 3 * width && !check->fp32_only; i++)
        qkv[i] = reference_rounded(qkv[i]);
    allocate_results(check, &a, qkv);
    a.dout = dout;
    forward_attention(&a);
    for (size_t i = 0; i < rows * width; i++)
        out[i] = (float)a.out[i];
    for (size_t i = 0; i < rows * a.heads; i++)
        lse[i] = (float)a.lse[i];
    double *want = check_numbers(check, rows * 3 * width);
    backward_attention(&a, want);
    check_tolerance(check, dqkv, 2 * relative_error(check), through_error(&a, want));
    RUN(check)
    check->ops.attention_backward(&check->ops, &(AttentionBackward){.dout = AT(dout),
                                                                    .qkv = AT(qkv),
                                                                    .out = AT(out),
                                                                    .lse = AT(lse),
                                                                    .dqkv = AT(dqkv),
                                                                    .batch = a.batch,
                                                                    .tokens = a.tokens,
                                                                    .heads = a.heads,
                                                                    .head = a.head});
    /* dp - through cancels, so terms may be some times larger than the largest result. */
    check_near(check, "dqkv", dqkv, want, 2 * relative_error(check), rows * 3 * width);
    if (rows * a.tokens * width < 100000)
        check_slopes(check, "dqkv", dqkv, a.qkv, rows * 3 * width, attention_loss, &a);
}
