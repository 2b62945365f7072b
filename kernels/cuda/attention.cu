/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_keys.cuh"
#include "kernels/cuda/attention_library.cuh"
#include "kernels/cuda/attention_short.cuh"
#include "kernels/cuda/attention_tiles.cuh"
#include "kernels/cuda/autotune.cuh"
#include "ops/gpu_scratch.h"

#include <math.h>
#include <stdio.h>

/* For any head and any number of tokens, without memory quadratic in the tokens: FlashAttention-2's loops (Dao, arXiv
 * 2307.08691).
 *
 * Two arrays of 16 KiB; 95 to 128 registers, two blocks a multiprocessor. With n = batch x tokens and D = heads x head,
 * 4 n tokens D FLOP forward and 14 n tokens D backward: beyond some 90 tokens in FP32, 45 in BF16, they take longer at
 * an H100's 67 TFLOP/s than memory does (computed). */

/* Keys tile by tile: when a tile raises a query's largest score, its sums so far shrink accordingly. Reads 3 n D
 * elements, writes n D and n heads floats; floor 16 n D bytes / 3.08 TB/s in FP32, half in BF16 (computed). A tile of
 * queries reads all keys and values, from the L2 cache. */
template <typename T, int WIDTH>
__global__ void __launch_bounds__(THREADS, 2)
    plain_forward(const T *__restrict__ qkv, T *__restrict__ out, float *__restrict__ lse, Shape shape) {
    SHARED(float, tile, [SIDE * SIDE]);
    SHARED(float, scores, [SIDE * SIDE]);
    const Place<WIDTH> place(shape);
    const Rows<const T> q = rows_of<T>(qkv, shape, place.index, 3, 0), k = rows_of<T>(qkv, shape, place.index, 3, 1),
                        v = rows_of<T>(qkv, shape, place.index, 3, 2);
    const int down = threadIdx.x / ACROSS, across = threadIdx.x % ACROSS;
    float most[4], sum[4], p[4][4];
    Sums<WIDTH> c;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        most[i] = -INFINITY;
        sum[i] = 0;
    }
#pragma unroll
    for (int group = 0; group < Split<WIDTH>::GROUPS; group++)
        clear_sums(c[group]);
    for (int key = 0; key < shape.tokens; key += SIDE) {
        multiply_rows<T>(p, tile, q, place.row, k, key);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float largest = most[i];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                p[i][j] = key + 4 * across + j < shape.tokens ? p[i][j] * (shape.scale * LOG2_E) : -INFINITY;
                largest = fmaxf(largest, p[i][j]);
            }
            largest = across_max(largest);
            const float shrink = exp2f(most[i] - largest);
            most[i] = largest;
            sum[i] *= shrink;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                p[i][j] = exp2f(p[i][j] - largest);
                sum[i] += p[i][j];
            }
#pragma unroll
            for (int group = 0; group < Split<WIDTH>::GROUPS; group++)
#pragma unroll
                for (int j = 0; j < Split<WIDTH>::EACH; j++)
                    c[group][i][j] *= shrink;
        }
        store_scores(scores, p);
        multiply_scores<T, WIDTH>(c, tile, scores, shape.tokens - place.row, v, key, place.column);
    }
    float factor[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int row = place.row + 4 * down + i;
        sum[i] = across_sum(sum[i]);
        factor[i] = 1 / sum[i];
        if (across == 0 && place.column == 0 && row < shape.tokens)
            lse[place.index * shape.tokens + row] = most[i] * LN_2 + logf(sum[i]);
    }
    write_sums<T, WIDTH>(c, factor, rows_of<T>(out, shape, place.index, 1, 0), place.row, place.column);
}

/* dq by tiles of queries, and also through = dout . out, for the keys' gradient. Reads 5 n D elements and n heads
 * floats, writes n D and n heads floats; floor 24 n D bytes / 3.08 TB/s in FP32, half in BF16 (computed). */
template <typename T, int WIDTH>
__global__ void __launch_bounds__(THREADS, 2)
    plain_backward_queries(const T *__restrict__ dout, const T *__restrict__ qkv, const T *__restrict__ out,
                           const float *__restrict__ lse, float *__restrict__ through, T *__restrict__ dqkv,
                           Shape shape) {
    SHARED(float, tile, [SIDE * SIDE]);
    SHARED(float, scores, [SIDE * SIDE]);
    SHARED(float, shifts, [SIDE]);
    SHARED(float, products, [SIDE]);
    const Place<WIDTH> place(shape);
    const Rows<const T> q = rows_of<T>(qkv, shape, place.index, 3, 0), k = rows_of<T>(qkv, shape, place.index, 3, 1),
                        v = rows_of<T>(qkv, shape, place.index, 3, 2), d = rows_of<T>(dout, shape, place.index, 1, 0),
                        o = rows_of<T>(out, shape, place.index, 1, 0);
    const int down = threadIdx.x / ACROSS, across = threadIdx.x % ACROSS;
    float p[4][4], slope[4][4];
    Sums<WIDTH> c;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const int row = place.row + 4 * down + i;
        float product = 0;
        for (int column = across * Pack<T>::COUNT; column < shape.head; column += ACROSS * Pack<T>::COUNT) {
            const Pack<T> x = load_part<T>(d, row, column), y = load_part<T>(o, row, column);
#pragma unroll
            for (int j = 0; j < Pack<T>::COUNT; j++)
                product += to_float(x.values[j]) * to_float(y.values[j]);
        }
        product = across_sum(product);
        if (across == 0) {
            const bool inside = row < shape.tokens;
            products[4 * down + i] = product;
            shifts[4 * down + i] = inside ? lse[place.index * shape.tokens + row] * LOG2_E : 0;
            if (inside && place.column == 0)
                through[place.index * shape.tokens + row] = product;
        }
    }
#pragma unroll
    for (int group = 0; group < Split<WIDTH>::GROUPS; group++)
        clear_sums(c[group]);
    for (int key = 0; key < shape.tokens; key += SIDE) {
        multiply_rows<T>(p, tile, q, place.row, k, key);
        multiply_rows<T>(slope, tile, d, place.row, v, key);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float shift = shifts[4 * down + i], product = products[4 * down + i];
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const bool inside = key + 4 * across + j < shape.tokens;
                p[i][j] = inside ? exp2f(p[i][j] * (shape.scale * LOG2_E) - shift) : 0;
                slope[i][j] = p[i][j] * (slope[i][j] - product) * shape.scale;
            }
        }
        store_scores(scores, slope);
        multiply_scores<T, WIDTH>(c, tile, scores, shape.tokens - place.row, k, key, place.column);
    }
    const float one[4] = {1, 1, 1, 1};
    write_sums<T, WIDTH>(c, one, rows_of<T>(dqkv, shape, place.index, 3, 0), place.row, place.column);
}

template <typename T, int WIDTH>
static void launch_forward(Ops *ops, const T *qkv, T *out, float *lse, int batch, const Shape &shape) {
    LAUNCH(ops, "attention_forward", (plain_forward<T, WIDTH>), place_blocks<WIDTH>(shape, batch), THREADS, 0, qkv, out,
           lse, shape);
}

template <typename T, int WIDTH>
static void launch_backward_queries(Ops *ops, const T *dout, const T *qkv, const T *out, const float *lse,
                                    float *through, T *dqkv, int batch, const Shape &shape) {
    LAUNCH(ops, "attention_backward", (plain_backward_queries<T, WIDTH>), place_blocks<WIDTH>(shape, batch), THREADS, 0,
           dout, qkv, out, lse, through, dqkv, shape);
}

/* Whether cuDNN is faster than our kernel for short sequences, which serves where nothing is timed. */
template <typename Ours, typename Library>
static bool library_is_faster(Ops *ops, const AttentionShape *shape, const Ours &ours, const Library &library) {
    static const Variants variants = {"our kernel", "cuDNN"};
    if (!autotune_is_timed(ops))
        return false;
    char key[200];
    snprintf(key, sizeof key, "attention_%s of %d x %d tokens, %d heads of %d, BF16: our kernel or cuDNN",
             shape->backward ? "backward" : "forward", shape->batch, shape->tokens, shape->heads, shape->head);
    const char *choice = autotune_chosen_variant(ops, key, variants);
    if (choice ? !strcmp(choice, variants.standard) : !autotune_may_time(ops))
        return false;
    return attention_library_has(ops, shape, true) && autotune_picks_other(ops, key, variants, ours, library);
}

void cuda_attention_forward(Ops *ops, const AttentionForward *a) {
    if (ops->error)
        return;
    const AttentionShape wanted = {false, a->batch, a->tokens, a->heads, a->head};
    const auto library = [=] {
        attention_library_run(ops, &wanted, {a->qkv, NULL, a->out, NULL, a->lse, NULL});
        return !ops->error;
    };
    const auto ours = [=] {
        attention_short_forward(ops, a->qkv, a->out, a->lse, a->batch, a->tokens, a->heads, a->head);
        return !ops->error;
    };
    if (attention_is_short(ops, a->tokens, a->head) ? library_is_faster(ops, &wanted, ours, library)
                                                    : attention_library_has(ops, &wanted)) {
        library();
        return;
    }
    if (attention_is_short(ops, a->tokens, a->head)) {
        ours();
        return;
    }
    const Shape shape = {a->tokens, a->heads, a->head, 1 / sqrtf((float)a->head)};
    WITH_REAL(ops->type, T,
              WITH_WIDTH(a->head, launch_forward, ops, (const T *)a->qkv, (T *)a->out, a->lse, a->batch, shape));
}

void cuda_attention_backward(Ops *ops, const AttentionBackward *a) {
    if (ops->error)
        return;
    const AttentionShape wanted = {true, a->batch, a->tokens, a->heads, a->head};
    const auto library = [=] {
        attention_library_run(ops, &wanted, {a->qkv, a->dout, (Real *)a->out, a->dqkv, (float *)a->lse, NULL});
        return !ops->error;
    };
    const auto ours = [=] {
        attention_short_backward(ops, a->dout, a->qkv, a->lse, a->dqkv, a->batch, a->tokens, a->heads, a->head);
        return !ops->error;
    };
    if (attention_is_short(ops, a->tokens, a->head) ? library_is_faster(ops, &wanted, ours, library)
                                                    : attention_library_has(ops, &wanted)) {
        library();
        return;
    }
    if (attention_is_short(ops, a->tokens, a->head)) {
        ours();
        return;
    }
    float *through =
        (float *)cuda_scratch(ops, "attention_backward", gpu_attention_sums(a->batch, a->heads, a->tokens));
    if (!through)
        return;
    const Shape shape = {a->tokens, a->heads, a->head, 1 / sqrtf((float)a->head)};
    WITH_REAL(ops->type, T,
              WITH_WIDTH(a->head, launch_backward_queries, ops, (const T *)a->dout, (const T *)a->qkv,
                         (const T *)a->out, a->lse, through, (T *)a->dqkv, a->batch, shape));
    attention_keys_backward(ops, a, through);
}
