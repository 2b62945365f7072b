/* SPDX-License-Identifier: Apache-2.0 */
/* The products of attention over any head and any number of tokens, in tiles, on the CUDA cores in FP32.
 *
 * A block of 16 x 16 threads computes tiles of SIDE x SIDE scores, each thread 4 x 4 of them, and WIDTH columns of a
 * result, 32, 64 or 128, the least that holds the head; a head beyond 128 is cut into slices, each with its own
 * scores. Every product's factors pass through shared memory as the rows [depth][SIDE] that it sums over, converted to
 * floats. Groups of four elements are permuted within such a row by the row's number, so that threads that write down a
 * column and threads that read along a row both use all banks. */
#ifndef FOVEA_ATTENTION_TILES_CUH
#define FOVEA_ATTENTION_TILES_CUH

#include "kernels/cuda/real.cuh"
#include "kernels/cuda/warp.cuh"

enum { SIDE = 64, ACROSS = 16, THREADS = ACROSS * ACROSS, DEPTH = 32 };

__device__ __forceinline__ float *group_at(float *tile, int row, int group) {
    return tile + row * SIDE + ((group ^ (row / 4)) % ACROSS) * 4;
}

/* The rows of one head in a tensor. */
template <typename T> struct Rows {
    T *data;
    size_t stride;
    int count;   /* rows */
    int columns; /* elements of a row */
    bool packed; /* 16-byte accesses: rows start and end on multiples of 16 bytes */
};

template <typename T> __device__ __forceinline__ Pack<T> load_part(const Rows<const T> &rows, int row, int column) {
    Pack<T> pack;
    const T *const from = rows.data + row * rows.stride + column;
    if (rows.packed && row < rows.count && column < rows.columns)
        return load_pack(from);
#pragma unroll
    for (int i = 0; i < Pack<T>::COUNT; i++)
        pack.values[i] = row < rows.count && column + i < rows.columns ? from[i] : from_float<T>(0);
    return pack;
}

/* tile [DEPTH][SIDE]: columns from `column` of SIDE rows from `row`; zeros where there are none. */
template <typename T>
__device__ __forceinline__ void load_columns(float *tile, const Rows<const T> &rows, int row, int column) {
    enum { COUNT = Pack<T>::COUNT, PARTS = DEPTH / COUNT };
#pragma unroll
    for (int i = threadIdx.x; i < SIDE * PARTS; i += THREADS) {
        const int r = i / PARTS, part = i % PARTS * COUNT;
        const Pack<T> pack = load_part<T>(rows, row + r, column + part);
#pragma unroll
        for (int j = 0; j < COUNT; j++)
            group_at(tile, part + j, r / 4)[r % 4] = to_float(pack.values[j]);
    }
}

/* tile [SIDE][SIDE]: SIDE columns from `column` of SIDE rows from `row`; zeros where there are none. */
template <typename T>
__device__ __forceinline__ void load_rows(float *tile, const Rows<const T> &rows, int row, int column) {
    enum { COUNT = Pack<T>::COUNT, PARTS = SIDE / COUNT };
#pragma unroll
    for (int i = threadIdx.x; i < SIDE * PARTS; i += THREADS) {
        const int r = i / PARTS, part = i % PARTS * COUNT;
        const Pack<T> pack = load_part<T>(rows, row + r, column + part);
#pragma unroll
        for (int j = 0; j < COUNT; j += 4)
            *reinterpret_cast<float4 *>(group_at(tile, r, (part + j) / 4)) =
                make_float4(to_float(pack.values[j]), to_float(pack.values[j + 1]), to_float(pack.values[j + 2]),
                            to_float(pack.values[j + 3]));
    }
}

/* c += a^T b over `depth` rows, rounded up to four: rows 4 down + i of c, columns EACH across + j. Only the first
 * `rows` and `columns` of c are needed: a thread with none of them does nothing, which costs a GPU nothing where the
 * others of its warp do something, and saves the emulator most of its work. */
template <int EACH>
__device__ __forceinline__ void accumulate(float (&c)[4][EACH], float *a, float *b, int depth, int rows, int columns) {
    const int down = threadIdx.x / ACROSS, across = threadIdx.x % ACROSS;
    if (4 * down >= rows || EACH * across >= columns)
        return;
    for (int row = 0; row < depth; row += 4) {
        const float *const left = group_at(a, row, down);
        const float *const right = group_at(b, row, across * EACH / 4) + across * EACH % 4;
#pragma unroll
        for (int k = 0; k < 4; k++) {
            const float4 four = *reinterpret_cast<const float4 *>(left + k * SIDE);
            const float x[4] = {four.x, four.y, four.z, four.w};
            float y[EACH];
            if constexpr (EACH == 4) {
                const float4 other = *reinterpret_cast<const float4 *>(right + k * SIDE);
                y[0] = other.x, y[1] = other.y, y[2] = other.z, y[3] = other.w;
            } else {
                const float2 other = *reinterpret_cast<const float2 *>(right + k * SIDE);
                y[0] = other.x, y[1] = other.y;
            }
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < EACH; j++)
                    c[i][j] += x[i] * y[j];
        }
    }
}

/* The tile [SIDE][SIDE] whose row is the second index of the scores, so that a product can sum over it. */
__device__ __forceinline__ void store_scores(float *tile, const float (&c)[4][4]) {
    const int down = threadIdx.x / ACROSS, across = threadIdx.x % ACROSS;
#pragma unroll
    for (int j = 0; j < 4; j++)
        *reinterpret_cast<float4 *>(group_at(tile, 4 * across + j, down)) =
            make_float4(c[0][j], c[1][j], c[2][j], c[3][j]);
}

template <int EACH> __device__ __forceinline__ void clear_sums(float (&c)[4][EACH]) {
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < EACH; j++)
            c[i][j] = 0;
}

/* c = x y^T for SIDE rows of each. `tile` is free before and after; the first barrier also ends the work before. */
template <typename T>
__device__ __forceinline__ void multiply_rows(float (&c)[4][4], float *tile, const Rows<const T> &x, int x_row,
                                              const Rows<const T> &y, int y_row) {
    clear_sums(c);
    for (int column = 0; column < x.columns; column += DEPTH) {
        __syncthreads();
        load_columns<T>(tile, x, x_row, column);
        load_columns<T>(tile + DEPTH * SIDE, y, y_row, column);
        __syncthreads();
        accumulate(c, tile, tile + DEPTH * SIDE, min((int)DEPTH, x.columns - column), x.count - x_row, y.count - y_row);
    }
}

/* How many times SIDE columns, or half of that, a block computes. */
template <int WIDTH> struct Split {
    enum { EACH = WIDTH < SIDE ? 2 : 4, GROUPS = WIDTH < SIDE ? 1 : WIDTH / SIDE };
};
template <int WIDTH> using Sums = float[Split<WIDTH>::GROUPS][4][Split<WIDTH>::EACH];

/* The first `rows` of c += p^T x for the columns of x from `column`, over SIDE rows from `row`; p has been stored
 * before the call, without a barrier. */
template <typename T, int WIDTH>
__device__ __forceinline__ void multiply_scores(Sums<WIDTH> &c, float *tile, float *p, int rows, const Rows<const T> &x,
                                                int row, int column) {
#pragma unroll
    for (int group = 0; group < Split<WIDTH>::GROUPS; group++) {
        if (column + group * SIDE < x.columns) {
            __syncthreads();
            load_rows<T>(tile, x, row, column + group * SIDE);
            __syncthreads();
            accumulate(c[group], p, tile, min((int)SIDE, x.count - row), rows, x.columns - column - group * SIDE);
        }
    }
}

/* Writes c times each row's factor. */
template <typename T, int WIDTH>
__device__ __forceinline__ void write_sums(const Sums<WIDTH> &c, const float (&factor)[4], const Rows<T> &to, int row,
                                           int column) {
    enum { EACH = Split<WIDTH>::EACH };
    struct alignas(EACH * sizeof(T)) Part {
        T values[EACH];
    };
    const int down = threadIdx.x / ACROSS, across = threadIdx.x % ACROSS;
#pragma unroll
    for (int group = 0; group < Split<WIDTH>::GROUPS; group++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int r = row + 4 * down + i, first = column + group * SIDE + across * EACH;
            if (r >= to.count || first >= to.columns)
                continue;
            Part part;
#pragma unroll
            for (int j = 0; j < EACH; j++)
                part.values[j] = from_float<T>(c[group][i][j] * factor[i]);
            T *const at = to.data + r * to.stride + first;
            if (to.packed) {
                *reinterpret_cast<Part *>(at) = part;
                continue;
            }
#pragma unroll
            for (int j = 0; j < EACH; j++)
                if (first + j < to.columns)
                    at[j] = part.values[j];
        }
}

/* The shape, and what a block works on: the head's number, the first row of its tile and the first column of its
 * slice. */
typedef struct {
    int tokens, heads, head;
    float scale;
} Shape;

template <int WIDTH> struct Place {
    size_t index; /* of sample and head */
    int row, column;
    __device__ explicit Place(const Shape &shape) {
        const unsigned slices = (shape.head + WIDTH - 1) / WIDTH, tiles = (shape.tokens + SIDE - 1) / SIDE;
        column = blockIdx.x % slices * WIDTH;
        row = blockIdx.x / slices % tiles * SIDE;
        index = blockIdx.x / slices / tiles;
    }
};

/* The rows of a head in a tensor [batch][tokens][parts][heads][head]. */
template <typename T, typename U>
__device__ __forceinline__ Rows<U> rows_of(U *tensor, const Shape &shape, size_t index, int parts, int part) {
    const size_t width = (size_t)shape.heads * shape.head, stride = parts * width;
    return {tensor + index / shape.heads * shape.tokens * stride + part * width + index % shape.heads * shape.head,
            stride, shape.tokens, shape.head, shape.head % Pack<T>::COUNT == 0};
}

/* Over the 16 threads that share rows. */
__device__ __forceinline__ float across_sum(float x) {
#pragma unroll
    for (int distance = ACROSS / 2; distance > 0; distance /= 2)
        x += __shfl_xor_sync((unsigned)ALL_LANES, x, distance);
    return x;
}
__device__ __forceinline__ float across_max(float x) {
#pragma unroll
    for (int distance = ACROSS / 2; distance > 0; distance /= 2)
        x = fmaxf(x, __shfl_xor_sync((unsigned)ALL_LANES, x, distance));
    return x;
}

#define LOG2_E 1.44269504f
#define LN_2 0.693147181f

/* Of a grid whose blocks find their Place. */
template <int WIDTH> static inline unsigned place_blocks(const Shape &shape, int batch) {
    return (size_t)batch * shape.heads * ((shape.tokens + SIDE - 1) / SIDE) * ((shape.head + WIDTH - 1) / WIDTH);
}

/* Calls function<T, WIDTH> with the least width that holds a head, else the largest. */
#define WITH_WIDTH(head, function, ...)                                                                                \
    ((head) <= 32   ? function<T, 32>(__VA_ARGS__)                                                                     \
     : (head) <= 64 ? function<T, 64>(__VA_ARGS__)                                                                     \
                    : function<T, 128>(__VA_ARGS__))

#endif
