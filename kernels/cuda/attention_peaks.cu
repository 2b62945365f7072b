/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_tiles.cuh"

#include <math.h>

__global__ void clear_peaks(int32_t *peaks, int tokens) {
    const int key = blockIdx.x * THREADS + threadIdx.x;
    if (key < tokens)
        peaks[key] = 0;
}

/* The scores of a tile of queries with all keys. Integers are added atomically: their sum is the same in any order.
 * With n = batch x tokens and D = heads x head, 2 n tokens D FLOP, and reads 2 n D elements and n heads floats: beyond
 * some 90 tokens in FP32, 45 in BF16, the FLOP take longer at an H100's 67 TFLOP/s (computed). */
template <typename T>
__global__ void __launch_bounds__(THREADS, 2)
    count_peaks(const T *__restrict__ qkv, const float *__restrict__ lse, int32_t *peaks, Shape shape) {
    SHARED(float, tile, [SIDE * SIDE]);
    const int tiles = (shape.tokens + SIDE - 1) / SIDE, row = blockIdx.x % tiles * SIDE;
    const size_t index = blockIdx.x / tiles;
    const Rows<const T> q = rows_of<T>(qkv, shape, index, 3, 0), k = rows_of<T>(qkv, shape, index, 3, 1);
    const int first = row + threadIdx.x / ACROSS * 4, across = threadIdx.x % ACROSS;
    float p[4][4], limit[4]; /* limit: of a peak's score */
#pragma unroll
    for (int i = 0; i < 4; i++)
        limit[i] = first + i < shape.tokens ? lse[index * shape.tokens + first + i] + logf(ATTENTION_PEAK) : INFINITY;
    for (int key = 0; key < shape.tokens; key += SIDE) {
        multiply_rows<T>(p, tile, q, row, k, key);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            int over = 0;
#pragma unroll
            for (int i = 0; i < 4; i++)
                over += p[i][j] * shape.scale > limit[i];
            if (over && key + 4 * across + j < shape.tokens)
                atomicAdd(peaks + key + 4 * across + j, over);
        }
    }
}

template <typename T> static void launch_count(Ops *ops, const T *qkv, const CountAttentionPeaks *a) {
    const Shape shape = {a->tokens, a->heads, a->head, 1 / sqrtf((float)a->head)};
    const size_t blocks = (size_t)a->batch * a->heads * ((a->tokens + SIDE - 1) / SIDE);
    LAUNCH(ops, "count_attention_peaks", (count_peaks<T>), blocks, THREADS, 0, qkv, a->lse, a->peaks, shape);
}

void cuda_count_attention_peaks(Ops *ops, const CountAttentionPeaks *a) {
    if (ops->error)
        return;
    LAUNCH(ops, "count_attention_peaks", clear_peaks, (a->tokens + THREADS - 1) / THREADS, THREADS, 0, a->peaks,
           a->tokens);
    WITH_REAL(ops->type, T, launch_count<T>(ops, (const T *)a->qkv, a));
}
