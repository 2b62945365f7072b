/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_keys.cuh"

#include "kernels/cuda/attention_tiles.cuh"

#include <math.h>

/* dk and dv by tiles of keys. Reads 4 n D elements and 2 n heads floats, writes 2 n D elements; floor as for dq. */
template <typename T, int WIDTH>
__global__ void __launch_bounds__(THREADS, 2)
    plain_backward_keys(const T *__restrict__ dout, const T *__restrict__ qkv, const float *__restrict__ lse,
                        const float *__restrict__ through, T *__restrict__ dqkv, Shape shape) {
    SHARED(float, tile, [SIDE * SIDE]);
    SHARED(float, scores, [SIDE * SIDE]);
    const Place<WIDTH> place(shape);
    const Rows<const T> q = rows_of<T>(qkv, shape, place.index, 3, 0), k = rows_of<T>(qkv, shape, place.index, 3, 1),
                        v = rows_of<T>(qkv, shape, place.index, 3, 2), d = rows_of<T>(dout, shape, place.index, 1, 0);
    const int across = threadIdx.x % ACROSS;
    float p[4][4], slope[4][4];
    Sums<WIDTH> dk, dv;
#pragma unroll
    for (int group = 0; group < Split<WIDTH>::GROUPS; group++) {
        clear_sums(dk[group]);
        clear_sums(dv[group]);
    }
    for (int query = 0; query < shape.tokens; query += SIDE) {
        multiply_rows<T>(p, tile, k, place.row, q, query);
        multiply_rows<T>(slope, tile, v, place.row, d, query);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int row = query + 4 * across + j;
            const bool inside = row < shape.tokens;
            const float shift = inside ? lse[place.index * shape.tokens + row] * LOG2_E : 0;
            const float product = inside ? through[place.index * shape.tokens + row] : 0;
#pragma unroll
            for (int i = 0; i < 4; i++) {
                p[i][j] = exp2f(p[i][j] * (shape.scale * LOG2_E) - shift);
                slope[i][j] = p[i][j] * (slope[i][j] - product) * shape.scale;
            }
        }
        store_scores(scores, p);
        multiply_scores<T, WIDTH>(dv, tile, scores, shape.tokens - place.row, d, query, place.column);
        __syncthreads();
        store_scores(scores, slope);
        multiply_scores<T, WIDTH>(dk, tile, scores, shape.tokens - place.row, q, query, place.column);
    }
    const float one[4] = {1, 1, 1, 1};
    write_sums<T, WIDTH>(dk, one, rows_of<T>(dqkv, shape, place.index, 3, 1), place.row, place.column);
    write_sums<T, WIDTH>(dv, one, rows_of<T>(dqkv, shape, place.index, 3, 2), place.row, place.column);
}

template <typename T, int WIDTH>
static void launch_backward_keys(Ops *ops, const T *dout, const T *qkv, const float *lse, const float *through, T *dqkv,
                                 int batch, const Shape &shape) {
    LAUNCH(ops, "attention_backward", (plain_backward_keys<T, WIDTH>), place_blocks<WIDTH>(shape, batch), THREADS, 0,
           dout, qkv, lse, through, dqkv, shape);
}

void attention_keys_backward(Ops *ops, const AttentionBackward *a, const float *through) {
    const Shape shape = {a->tokens, a->heads, a->head, 1 / sqrtf((float)a->head)};
    WITH_REAL(ops->type, T,
              WITH_WIDTH(a->head, launch_backward_keys, ops, (const T *)a->dout, (const T *)a->qkv, a->lse, through,
                         (T *)a->dqkv, a->batch, shape));
}
