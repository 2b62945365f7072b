/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_library.cuh"
#include "kernels/cuda/attention_short.cuh"
#include "kernels/cuda/autotune.cuh"
#include "kernels/cuda/real.cuh"
#include "kernels/cuda/warp.cuh"
#include "ops/gpu_scratch.h"

#include <math.h>
#include <stdio.h>

/* For any head and any number of tokens, on the CUDA cores in FP32, without memory quadratic in the tokens:
 * FlashAttention-2's loops (Dao, arXiv 2307.08691).
 *
 * A block of 16 x 16 threads computes tiles of SIDE x SIDE scores, each thread 4 x 4 of them, and WIDTH columns of a
 * result, 32, 64, 128 or 256, the least that holds the head; a head beyond 256 is cut into slices, each with its own
 * scores. Every product's factors pass through shared memory as the rows [depth][SIDE] that it sums over, converted to
 * floats. Groups of four elements are permuted within such a row by the row's number, so that threads that write down a
 * column and threads that read along a row both use all banks.
 *
 * Two arrays of 16 KiB; 95 to 128 registers for heads up to 128, two blocks a multiprocessor, and up to 247 beyond, one
 * block. With n = batch x tokens and D = heads x head, 4 n tokens D FLOP forward and 14 n tokens D backward: beyond
 * some 90 tokens in FP32, 45 in BF16, they take longer at an H100's 67 TFLOP/s than memory does (computed). */
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

/* Keys tile by tile: when a tile raises a query's largest score, its sums so far shrink accordingly. Reads 3 n D
 * elements, writes n D and n heads floats; floor 16 n D bytes / 3.08 TB/s in FP32, half in BF16 (computed). A tile of
 * queries reads all keys and values, from the L2 cache. */
template <typename T, int WIDTH>
__global__ void __launch_bounds__(THREADS, WIDTH > 128 ? 1 : 2)
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
__global__ void __launch_bounds__(THREADS, WIDTH > 128 ? 1 : 2)
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

/* dk and dv by tiles of keys. Reads 4 n D elements and 2 n heads floats, writes 2 n D elements; floor as for dq. */
template <typename T, int WIDTH>
__global__ void __launch_bounds__(THREADS, WIDTH > 128 ? 1 : 2)
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

template <int WIDTH> static unsigned blocks(const Shape &shape, int batch) {
    return (size_t)batch * shape.heads * ((shape.tokens + SIDE - 1) / SIDE) * ((shape.head + WIDTH - 1) / WIDTH);
}

template <typename T, int WIDTH>
static void launch_forward(Ops *ops, const T *qkv, T *out, float *lse, int batch, const Shape &shape) {
    LAUNCH(ops, "attention_forward", (plain_forward<T, WIDTH>), blocks<WIDTH>(shape, batch), THREADS, 0, qkv, out, lse,
           shape);
}

template <typename T, int WIDTH>
static void launch_backward(Ops *ops, const T *dout, const T *qkv, const T *out, const float *lse, float *through,
                            T *dqkv, int batch, const Shape &shape) {
    LAUNCH(ops, "attention_backward", (plain_backward_queries<T, WIDTH>), blocks<WIDTH>(shape, batch), THREADS, 0, dout,
           qkv, out, lse, through, dqkv, shape);
    LAUNCH(ops, "attention_backward", (plain_backward_keys<T, WIDTH>), blocks<WIDTH>(shape, batch), THREADS, 0, dout,
           qkv, lse, through, dqkv, shape);
}

/* The least width that holds a head, else the largest. */
#define WITH_WIDTH(head, function, ...)                                                                                \
    ((head) <= 32    ? function<T, 32>(__VA_ARGS__)                                                                    \
     : (head) <= 64  ? function<T, 64>(__VA_ARGS__)                                                                    \
     : (head) <= 128 ? function<T, 128>(__VA_ARGS__)                                                                   \
                     : function<T, 256>(__VA_ARGS__))

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
              WITH_WIDTH(a->head, launch_backward, ops, (const T *)a->dout, (const T *)a->qkv, (const T *)a->out,
                         a->lse, through, (T *)a->dqkv, a->batch, shape));
}
