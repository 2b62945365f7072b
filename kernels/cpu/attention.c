/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/approx.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/real.h"

#include <math.h>
#include <stdlib.h>

/* One thread's memory for one head at a time. Scores are transposed, a row for each key and a column for each query, so
 * that a query's softmax is computed in one lane of a vector, whatever the number of tokens. Rows are `stride` apart,
 * whole vectors; no query uses the columns beyond the last one. Panels hold one packed operand. */
typedef struct {
    const Tile *tile;
    float *scores, *slopes, *panel, *most, *sums;
    int tokens, head, stride;
} Work;

enum { LANES = 16, LINE = 64 };

static size_t round_up(size_t n, size_t unit) {
    return (n + unit - 1) / unit * unit;
}

/* Floats of each thread's share: scores and slopes, a panel, and two values for each query. */
static size_t work_floats(const Tile *tile, int tokens, int head) {
    const size_t stride = round_up(tokens, LANES), deep = tokens > head ? tokens : head;
    return round_up(2 * tokens * stride + deep * tile->columns + 2 * stride, LINE);
}

static Work work_at(const Tile *tile, float *share, int tokens, int head) {
    const size_t stride = round_up(tokens, LANES), scores = tokens * stride, deep = tokens > head ? tokens : head;
    Work w = {.tile = tile, .scores = share, .tokens = tokens, .head = head, .stride = (int)stride};
    w.slopes = w.scores + scores;
    w.panel = w.slopes + scores;
    w.most = w.panel + deep * tile->columns;
    w.sums = w.most + stride;
    for (size_t i = 0; i < 2 * scores; i++)
        share[i] = 0; /* the last columns are computed with, though nothing comes of it */
    return w;
}

/* c [tokens][stride] = x y^T for x and y [tokens][head], whose rows are `x_row` and `y_row` apart. */
static void multiply_transposed(const Work *w, const float *x, size_t x_row, const float *y, size_t y_row, float *c) {
    for (int j = 0; j < w->tokens; j += w->tile->columns) {
        tile_pack_transposed(w->tile, y, y_row, w->head, w->tokens, j, w->panel);
        const int columns = (int)round_up(cpu_min(w->tile->columns, w->tokens - j), w->tile->lanes);
        tile_multiply(w->tile, x, x_row, 1, w->panel, NULL, c + j, w->stride, w->tokens, columns, w->head, false);
    }
}

/* c [tokens][head] = p y for p [tokens][tokens], with any distances, and y [tokens][head]. */
static void multiply_tiles(const Work *w, const float *p, size_t row, size_t column, const float *y, size_t y_row,
                           float *c, size_t c_row) {
    for (int j = 0; j < w->head; j += w->tile->columns) {
        tile_pack(w->tile, y, y_row, w->tokens, w->head, j, w->panel);
        tile_multiply(w->tile, p, row, column, w->panel, NULL, c + j, c_row, w->tokens,
                      (int)cpu_min(w->tile->columns, w->head - j), w->tokens, false);
    }
}

/* Over the lanes of a row, in whole vectors. */
#define EACH_LANE(w, i)                                                                                                \
    for (int block = 0; block < (w)->stride; block += LANES)                                                           \
        for (int i = block; i < block + LANES; i++)

/* Turns each query's scores into their softmax, and lse into the logarithm of the sum of e^(scale score). */
WIDE static void softmax_rows(const Work *w, float scale, float *lse) {
    const float to_power = scale * 1.44269504f;
    float *restrict most = w->most, *restrict sums = w->sums;
    EACH_LANE(w, i) {
        most[i] = w->scores[i];
        sums[i] = 0;
    }
    for (int j = 1; j < w->tokens; j++) {
        const float *restrict row = w->scores + (size_t)j * w->stride;
        EACH_LANE(w, i)
        most[i] = row[i] > most[i] ? row[i] : most[i];
    }
    for (int j = 0; j < w->tokens; j++) {
        float *restrict row = w->scores + (size_t)j * w->stride;
        EACH_LANE(w, i) {
            const float power = (row[i] - most[i]) * to_power;
            row[i] = approx_exp2(power < -126.0f ? -126.0f : power);
            sums[i] += row[i];
        }
    }
    for (int i = 0; i < w->tokens; i++)
        lse[i] = most[i] * scale + logf(sums[i]);
    EACH_LANE(w, i)
    sums[i] = 1.0f / sums[i];
    for (int j = 0; j < w->tokens; j++) {
        float *restrict row = w->scores + (size_t)j * w->stride;
        EACH_LANE(w, i)
        row[i] *= sums[i];
    }
}

/* Scores become probabilities p by the lse of the forward pass; slopes, the gradient of p, becomes that of the scores:
 * scale p (slope - dout . out). */
WIDE static void softmax_backward(const Work *w, float scale, const float *lse, const float *dout, const float *out,
                                  size_t width) {
    const float to_power = scale * 1.44269504f;
    float *restrict shift = w->most, *restrict through = w->sums;
    EACH_LANE(w, i)
    shift[i] = through[i] = 0;
    for (int i = 0; i < w->tokens; i++) {
        float product = 0;
#pragma omp simd reduction(+ : product)
        for (int d = 0; d < w->head; d++)
            product += dout[i * width + d] * out[i * width + d];
        through[i] = product;
        shift[i] = lse[i] * 1.44269504f;
    }
    for (int j = 0; j < w->tokens; j++) {
        float *restrict row = w->scores + (size_t)j * w->stride, *restrict slope = w->slopes + (size_t)j * w->stride;
        EACH_LANE(w, i) {
            const float power = row[i] * to_power - shift[i];
            const float p = approx_exp2(power < -126.0f ? -126.0f : power);
            row[i] = p;
            slope[i] = p * (slope[i] - through[i]) * scale;
        }
    }
}

/* One head of a tensor, in the thread's `place`-th plane of scratch. */
#define READ(x, at, stride, place)                                                                                     \
    real_read_rows(type, x, at, stride, a->tokens, a->head, scratch_at(&scratch, (place)*plane))

void cpu_attention_forward(Ops *ops, const AttentionForward *a) {
    if (ops->error)
        return;
    const size_t width = (size_t)a->heads * a->head, stride = 3 * width;
    const float scale = 1.0f / sqrtf((float)a->head);
    const Tile *tile = tile_best();
    const size_t each = work_floats(tile, a->tokens, a->head);
    const RealType type = ops->type;
    const size_t plane = (size_t)a->tokens * a->head, row = real_stride(type, width, a->head),
                 row3 = real_stride(type, stride, a->head);
    ThreadScratch scratch;
    if (!scratch_open(&scratch, ops, "attention_forward's heads", 4 * plane))
        return;
    float *shares = cpu_scratch(ops, "attention_forward's scores", each * ops->threads);
    if (!shares) {
        scratch_close(&scratch);
        return;
    }
#pragma omp parallel for num_threads(ops->threads) schedule(static, 1)
    for (int t = 0; t < ops->threads; t++) {
        const Work w = work_at(tile, shares + t * each, a->tokens, a->head);
        const size_t count = (size_t)a->batch * a->heads;
        for (size_t i = count * t / ops->threads; i < count * (t + 1) / ops->threads; i++) {
            const size_t at = i / a->heads * a->tokens * width + i % a->heads * a->head;
            const size_t at3 = i / a->heads * a->tokens * stride + i % a->heads * a->head;
            const float *q = READ(a->qkv, at3, stride, 0), *k = READ(a->qkv, at3 + width, stride, 1),
                        *v = READ(a->qkv, at3 + 2 * width, stride, 2);
            float *to = real_target(type, a->out, at, scratch_at(&scratch, 3 * plane));
            multiply_transposed(&w, k, row3, q, row3, w.scores);
            softmax_rows(&w, scale, a->lse + i * a->tokens);
            multiply_tiles(&w, w.scores, 1, w.stride, v, row3, to, row);
            real_store_rows(type, to, a->out, at, width, a->tokens, a->head);
        }
    }
    scratch_close(&scratch);
    free(shares);
}

/* qkv to out, and lse; two products of tokens x tokens x head. */
OpCost cost_attention_forward(const AttentionForward *a, RealType type) {
    const double rows = (double)a->batch * a->tokens * a->heads;
    return (OpCost){rows * (4.0 * (double)real_size(type) * a->head + sizeof(float)), 4 * rows * a->tokens * a->head};
}

void cpu_attention_backward(Ops *ops, const AttentionBackward *a) {
    if (ops->error)
        return;
    const size_t width = (size_t)a->heads * a->head, stride = 3 * width;
    const float scale = 1.0f / sqrtf((float)a->head);
    const Tile *tile = tile_best();
    const size_t each = work_floats(tile, a->tokens, a->head);
    const RealType type = ops->type;
    const size_t plane = (size_t)a->tokens * a->head, row = real_stride(type, width, a->head),
                 row3 = real_stride(type, stride, a->head);
    ThreadScratch scratch;
    if (!scratch_open(&scratch, ops, "attention_backward's heads", 6 * plane))
        return;
    float *shares = cpu_scratch(ops, "attention_backward's scores", each * ops->threads);
    if (!shares) {
        scratch_close(&scratch);
        return;
    }
#pragma omp parallel for num_threads(ops->threads) schedule(static, 1)
    for (int t = 0; t < ops->threads; t++) {
        const Work w = work_at(tile, shares + t * each, a->tokens, a->head);
        const size_t count = (size_t)a->batch * a->heads;
        for (size_t i = count * t / ops->threads; i < count * (t + 1) / ops->threads; i++) {
            const size_t at = i / a->heads * a->tokens * width + i % a->heads * a->head;
            const size_t at3 = i / a->heads * a->tokens * stride + i % a->heads * a->head;
            const float *q = READ(a->qkv, at3, stride, 0), *k = READ(a->qkv, at3 + width, stride, 1),
                        *v = READ(a->qkv, at3 + 2 * width, stride, 2), *d = READ(a->dout, at, width, 3),
                        *o = READ(a->out, at, width, 4);
            float *work = scratch_at(&scratch, 5 * plane);
            multiply_transposed(&w, k, row3, q, row3, w.scores);
            multiply_transposed(&w, v, row3, d, row, w.slopes);
            softmax_backward(&w, scale, a->lse + i * a->tokens, d, o, row);
            float *dv = real_target(type, a->dqkv, at3 + 2 * width, work);
            multiply_tiles(&w, w.scores, w.stride, 1, d, row, dv, row3);
            real_store_rows(type, dv, a->dqkv, at3 + 2 * width, stride, a->tokens, a->head);
            float *dq = real_target(type, a->dqkv, at3, work);
            multiply_tiles(&w, w.slopes, 1, w.stride, k, row3, dq, row3);
            real_store_rows(type, dq, a->dqkv, at3, stride, a->tokens, a->head);
            float *dk = real_target(type, a->dqkv, at3 + width, work);
            multiply_tiles(&w, w.slopes, w.stride, 1, q, row3, dk, row3);
            real_store_rows(type, dk, a->dqkv, at3 + width, stride, a->tokens, a->head);
        }
    }
    scratch_close(&scratch);
    free(shares);
}

/* dout, qkv, out to dqkv, and lse; five products, one of them the scores' again. */
OpCost cost_attention_backward(const AttentionBackward *a, RealType type) {
    const double rows = (double)a->batch * a->tokens * a->heads;
    return (OpCost){rows * (8.0 * (double)real_size(type) * a->head + sizeof(float)), 10 * rows * a->tokens * a->head};
}
