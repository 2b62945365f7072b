/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/gemm.h"

#include "base/simd.h"
#include "kernels/cpu/cpu.h"
#include <string.h>

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif

/* 24 accumulators leave 8 of 32 registers for a row of B and a factor of A; 12 leave 4 of AVX2's 16. */
#if defined(__x86_64__)
#define NAME tile_avx512
#define TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw")))
#define LANES 16
#define ROWS 8
#include "kernels/cpu/gemm_tile.h"
static const Tile avx512 = {8, 48, 16, tile_avx512};
#define NAME tile_default
#define TARGET
#define LANES 8
#define ROWS 4
#include "kernels/cpu/gemm_tile.h"
static const Tile usual = {4, 24, 8, tile_default};
#else
#define NAME tile_default
#define TARGET
#define LANES 4
#define ROWS 8
#include "kernels/cpu/gemm_tile.h"
static const Tile usual = {8, 12, 4, tile_default};
#endif

const Tile *tile_get(int i) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw"))
        return i == 0 ? &avx512 : i == 1 ? &usual : NULL;
#endif
    return i == 0 ? &usual : NULL;
}

int tile_panels(const Tile *tile, int n) {
    return (n + tile->columns - 1) / tile->columns;
}

/* Columns of a panel that hold `width` of B: whole vectors. */
static int padded_width(const Tile *tile, int width) {
    return (width + tile->lanes - 1) / tile->lanes * tile->lanes;
}

void tile_pack(const Tile *tile, const float *b, size_t row, int k, int n, int first, float *panel) {
    const int width = (int)cpu_min(tile->columns, n - first), end = padded_width(tile, width);
    for (int p = 0; p < k; p++) {
        float *to = panel + (size_t)p * tile->columns;
        memcpy(to, b + p * row + first, width * sizeof *to);
        for (int j = width; j < end; j++)
            to[j] = 0;
    }
}

void tile_pack_transposed(const Tile *tile, const float *b, size_t row, int k, int n, int first, float *panel) {
    const int width = (int)cpu_min(tile->columns, n - first), columns = tile->columns;
    const int fours = width / 4 * 4, deep = k / 4 * 4;
    b += first * row;
    for (int j = width; j < padded_width(tile, width); j++)
        for (int p = 0; p < k; p++)
            panel[(size_t)p * columns + j] = 0;
    for (int p = 0; p < deep; p += 4)
        for (int j = 0; j < fours; j += 4)
            transpose_four(b + j * row + p, row, panel + (size_t)p * columns + j, columns);
    for (int j = 0; j < width; j++)
        for (int p = j < fours ? deep : 0; p < k; p++)
            panel[(size_t)p * columns + j] = b[j * row + p];
}

void tile_multiply(const Tile *tile, const float *a, size_t row, size_t column, const float *panel, const float *start,
                   float *c, size_t stride, int rows, int columns, int k, bool add) {
    /* Heights as equal as can be: a last tile of one row would use an eighth of the registers. */
    const int count = (rows + tile->rows - 1) / tile->rows;
    for (int i = 0, done = 0; i < count; i++) {
        const int height = (rows - done + count - i - 1) / (count - i);
        tile->multiply(a + done * row, row, column, panel, start, c + done * stride, stride, height, columns, k, add);
        done += height;
    }
}
