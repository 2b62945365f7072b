/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/real.h"

#include <math.h>
#include <stdlib.h>

/* One thread's memory: a panel of queries, their scores with each key, and for each of them the least scaled score of a
 * peak, infinite beyond the last query. */
typedef struct {
    const Tile *tile;
    float *panel, *scores, *limits;
} Work;

static size_t work_floats(const Tile *tile, int tokens, int head) {
    enum { LINE = 16 };
    return ((size_t)tile->columns * (head + tokens + 1) + LINE - 1) / LINE * LINE;
}

static Work work_at(const Tile *tile, float *share, int tokens, int head) {
    float *scores = share + (size_t)tile->columns * head;
    return (Work){tile, share, scores, scores + (size_t)tile->columns * tokens};
}

WIDE static int count_over(const float *scores, const float *limits, float scale, int count) {
    int over = 0;
#pragma omp simd reduction(+ : over)
    for (int i = 0; i < count; i++)
        over += scores[i] * scale > limits[i];
    return over;
}

/* Adds one head's peaks. */
static void count_head(const Work *w, const CountAttentionPeaks *a, const float *q, const float *k, size_t row,
                       const float *lse) {
    const Tile *tile = w->tile;
    const float scale = 1.0f / sqrtf((float)a->head), least = logf(ATTENTION_PEAK);
    for (int first = 0; first < a->tokens; first += tile->columns) {
        const int columns = (int)cpu_min(tile->columns, a->tokens - first);
        for (int i = 0; i < tile->columns; i++)
            w->limits[i] = i < columns ? lse[first + i] + least : INFINITY;
        tile_pack_transposed(tile, q, row, a->head, a->tokens, first, w->panel);
        tile_multiply(tile, k, row, 1, w->panel, NULL, w->scores, tile->columns, a->tokens, tile->columns, a->head,
                      false);
        for (int key = 0; key < a->tokens; key++) {
            const int over = count_over(w->scores + (size_t)key * tile->columns, w->limits, scale, tile->columns);
            if (over)
#pragma omp atomic
                a->peaks[key] += over;
        }
    }
}

void cpu_count_attention_peaks(Ops *ops, const CountAttentionPeaks *a) {
    if (ops->error)
        return;
    const RealType type = ops->type;
    const Tile *tile = tile_best();
    const size_t width = (size_t)a->heads * a->head, stride = 3 * width, plane = (size_t)a->tokens * a->head,
                 row = real_stride(type, stride, a->head), each = work_floats(tile, a->tokens, a->head);
    ThreadScratch scratch;
    if (!scratch_open(&scratch, ops, "count_attention_peaks' heads", 2 * plane))
        return;
    float *shares = cpu_scratch(ops, "count_attention_peaks' scores", each * ops->threads);
    if (!shares) {
        scratch_close(&scratch);
        return;
    }
    for (int key = 0; key < a->tokens; key++)
        a->peaks[key] = 0;
#pragma omp parallel for num_threads(ops->threads) schedule(static, 1)
    for (int t = 0; t < ops->threads; t++) {
        const Work w = work_at(tile, shares + t * each, a->tokens, a->head);
        const size_t count = (size_t)a->batch * a->heads;
        for (size_t i = count * t / ops->threads; i < count * (t + 1) / ops->threads; i++) {
            const size_t at = i / a->heads * a->tokens * stride + i % a->heads * a->head;
            const float *q = real_read_rows(type, a->qkv, at, stride, a->tokens, a->head, scratch_at(&scratch, 0)),
                        *k = real_read_rows(type, a->qkv, at + width, stride, a->tokens, a->head,
                                            scratch_at(&scratch, plane));
            count_head(&w, a, q, k, row, a->lse + i * a->tokens);
        }
    }
    scratch_close(&scratch);
    free(shares);
}

/* Queries, keys and lse; one product of tokens x tokens x head. */
OpCost cost_count_attention_peaks(const CountAttentionPeaks *a, RealType type) {
    const double rows = (double)a->batch * a->tokens * a->heads;
    return (OpCost){rows * (2.0 * (double)real_size(type) * a->head + sizeof(float)), 2 * rows * a->tokens * a->head};
}
