/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/attention_short.cuh"
#include "kernels/cuda/mma.cuh"
#include "kernels/cuda/real.cuh"
#include "kernels/cuda/warp.cuh"

#include <math.h>

/* One block for each sample and head, one warp for each 16 tokens of it: HEAD elements, TILES times 16 tokens. Each
 * warp owns 16 queries; scores stay in its registers from the first product to the last, since a lane's results of one
 * product are exactly its part of the next one's factor. Tokens beyond the last are zeros in shared memory and are not
 * written.
 *
 * The tiles of shared memory have rows of CHUNKS 16-byte chunks. A chunk's place is its number, changed by the
 * row's: the same chunk of eight consecutive rows covers all 32 banks, so that reading matrices and writing results has
 * no conflicts. */
template <int CHUNKS> __device__ __forceinline__ bf16 *chunk_at(bf16 *tile, int row, int chunk) {
    return tile + (row * CHUNKS + (chunk ^ (row * CHUNKS / 8 % CHUNKS))) * 8;
}

/* The address that this lane passes to load_matrices() for the four 8 x 8 matrices of 16 rows and two chunks: numbered
 * down the rows first (for a left factor, or a right one transposed), or along the chunks first (vice versa). */
template <int CHUNKS> __device__ __forceinline__ const bf16 *rows_first(bf16 *tile, int row, int chunk) {
    const int lane = threadIdx.x % WARP;
    return chunk_at<CHUNKS>(tile, row + lane % 16, chunk + lane / 16);
}
template <int CHUNKS> __device__ __forceinline__ const bf16 *chunks_first(bf16 *tile, int row, int chunk) {
    const int lane = threadIdx.x % WARP;
    return chunk_at<CHUNKS>(tile, row + lane / 16 * 8 + lane % 8, chunk + lane / 8 % 2);
}

/* c = a b^T for 16 rows of a from `row` and all of b. */
template <int CHUNKS, int TILES>
__device__ __forceinline__ void multiply_transposed(float (&c)[2 * TILES][4], bf16 *a, int row, bf16 *b) {
#pragma unroll
    for (int i = 0; i < 2 * TILES; i++)
        c[i][0] = c[i][1] = c[i][2] = c[i][3] = 0;
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; chunk += 2) {
        uint32_t left[4], right[4];
        load_matrices(left, rows_first<CHUNKS>(a, row, chunk));
#pragma unroll
        for (int i = 0; i < TILES; i++) {
            load_matrices(right, chunks_first<CHUNKS>(b, 16 * i, chunk));
            mma_bf16(c[2 * i], left, right);
            mma_bf16(c[2 * i + 1], left, right + 2);
        }
    }
}

/* c += a b for 16 columns of a and the 16 rows of b from `row`. */
template <int CHUNKS>
__device__ __forceinline__ void multiply_rows(float (&c)[CHUNKS][4], const uint32_t a[4], bf16 *b, int row) {
#pragma unroll
    for (int chunk = 0; chunk < CHUNKS; chunk += 2) {
        uint32_t right[4];
        load_matrices_transposed(right, rows_first<CHUNKS>(b, row, chunk));
        mma_bf16(c[chunk], a, right);
        mma_bf16(c[chunk + 1], a, right + 2);
    }
}

/* c = a b for a in registers. */
template <int CHUNKS, int TILES>
__device__ __forceinline__ void multiply(float (&c)[CHUNKS][4], const uint32_t (&a)[TILES][4], bf16 *b) {
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
        c[i][0] = c[i][1] = c[i][2] = c[i][3] = 0;
#pragma unroll
    for (int i = 0; i < TILES; i++)
        multiply_rows<CHUNKS>(c, a[i], b, 16 * i);
}

/* c = a^T b for 16 columns of a from `column`; a has rows of WIDE chunks. */
template <int CHUNKS, int TILES, int WIDE>
__device__ __forceinline__ void multiply_columns(float (&c)[CHUNKS][4], bf16 *a, int column, bf16 *b) {
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
        c[i][0] = c[i][1] = c[i][2] = c[i][3] = 0;
#pragma unroll
    for (int i = 0; i < TILES; i++) {
        uint32_t left[4];
        load_matrices_transposed(left, chunks_first<WIDE>(a, 16 * i, column / 8));
        multiply_rows<CHUNKS>(c, left, b, 16 * i);
    }
}

/* Two floats as BF16, the first in the lower half. */
__device__ __forceinline__ uint32_t pack_pair(float low, float high) {
    const __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const uint32_t *>(&both);
}

/* The results of a product as the left factor of the next. */
template <int TILES>
__device__ __forceinline__ void pack_factor(uint32_t (&a)[TILES][4], const float (&c)[2 * TILES][4]) {
#pragma unroll
    for (int i = 0; i < 2 * TILES; i++) {
        a[i / 2][i % 2 * 2] = pack_pair(c[i][0], c[i][1]);
        a[i / 2][i % 2 * 2 + 1] = pack_pair(c[i][2], c[i][3]);
    }
}

/* Stores two rows of 8 elements, which four lanes each have, into a chunk of the tile. */
template <int CHUNKS>
__device__ __forceinline__ void store_chunk(bf16 *tile, int row, int chunk, uint32_t first, uint32_t second) {
    const int lane = threadIdx.x % WARP;
    *reinterpret_cast<uint32_t *>(chunk_at<CHUNKS>(tile, row + lane / 4, chunk) + lane % 4 * 2) = first;
    *reinterpret_cast<uint32_t *>(chunk_at<CHUNKS>(tile, row + lane / 4 + 8, chunk) + lane % 4 * 2) = second;
}

/* Starts copying `tokens` rows, `stride` apart, into a tile of 16 TILES rows. */
template <int CHUNKS, int TILES>
__device__ __forceinline__ void start_tile(bf16 *tile, const bf16 *from, size_t stride, int tokens) {
#pragma unroll
    for (int i = 0; i < CHUNKS / 2; i++) {
        const int index = i * TILES * WARP + threadIdx.x, row = index / CHUNKS, chunk = index % CHUNKS;
        const bool inside = row < tokens;
        copy_start(chunk_at<CHUNKS>(tile, row, chunk), from + (inside ? row : 0) * stride + chunk * 8, inside);
    }
}

/* Writes this warp's 16 rows from `row`: through the same rows of `tile`, which no other warp uses any more, so that
 * each lane writes 16 bytes. `factor` is for rows lane / 4 and lane / 4 + 8. */
template <int CHUNKS>
__device__ __forceinline__ void write_rows(const float (&c)[CHUNKS][4], const float (&factor)[2], bf16 *tile, int row,
                                           bf16 *to, size_t stride, int tokens) {
    __syncwarp();
#pragma unroll
    for (int i = 0; i < CHUNKS; i++)
        store_chunk<CHUNKS>(tile, row, i, pack_pair(c[i][0] * factor[0], c[i][1] * factor[0]),
                            pack_pair(c[i][2] * factor[1], c[i][3] * factor[1]));
    __syncwarp();
#pragma unroll
    for (int i = 0; i < CHUNKS / 2; i++) {
        const int index = i * WARP + threadIdx.x % WARP, at = row + index / CHUNKS, chunk = index % CHUNKS;
        if (at < tokens)
            store_pack_whole(to + at * stride + chunk * 8, load_pack(chunk_at<CHUNKS>(tile, at, chunk)));
    }
}

/* Over the four lanes that share a row. */
__device__ __forceinline__ float row_sum(float x) {
    x += __shfl_xor_sync((unsigned)ALL_LANES, x, 1);
    return x + __shfl_xor_sync((unsigned)ALL_LANES, x, 2);
}
__device__ __forceinline__ float row_max(float x) {
    x = fmaxf(x, __shfl_xor_sync((unsigned)ALL_LANES, x, 1));
    return fmaxf(x, __shfl_xor_sync((unsigned)ALL_LANES, x, 2));
}

#define LOG2_E 1.44269504f
#define LN_2 0.693147181f

/* Each element of a product's results: c[i][j] is in the lane's row j / 2. */
#define EACH_SCORE(i, j)                                                                                               \
    _Pragma("unroll") for (int i = 0; i < 2 * TILES; i++) _Pragma("unroll") for (int j = 0; j < 4; j++)

/* Whether its column is a token; only the last tile has others. */
template <int TILES> __device__ __forceinline__ bool is_token(int i, int j, int tokens) {
    return i / 2 < TILES - 1 || i * 8 + (int)threadIdx.x % 4 * 2 + j % 2 < tokens;
}

/* With n = batch x tokens and D = heads x head: reads 6 n D bytes, writes 2 n D and 4 n heads; at 50 tokens and D =
 * 1024 0.13 us a sample at 3.08 TB/s (computed). Four tiles of head 64 take 24 KiB and 75 registers a thread: 6 blocks
 * a multiprocessor of an H100, 115 KB on their way at 50 tokens; of head 32, 12 KiB and 63 registers: 8 blocks. A warp
 * issues 1052 instructions a head, 0.6 us at 1.755 GHz, where memory takes 1.1 us, so that the other blocks' loads hide
 * them. */
template <int HEAD, int TILES>
__global__ void __launch_bounds__(TILES *WARP)
    short_forward(const bf16 *__restrict__ qkv, bf16 *__restrict__ out, float *__restrict__ lse, int tokens, int heads,
                  float scale) {
    enum { CHUNKS = HEAD / 8, TILE = TILES * 16 * HEAD };
    DYNAMIC_SHARED(bf16, q);
    bf16 *const k = q + TILE, *const v = k + TILE;
    const size_t width = (size_t)heads * HEAD, sample = blockIdx.x / heads;
    const int row = threadIdx.x / WARP * 16, offset = blockIdx.x % heads * HEAD;
    const bf16 *from = qkv + sample * tokens * 3 * width + offset;
    start_tile<CHUNKS, TILES>(q, from, 3 * width, tokens);
    start_tile<CHUNKS, TILES>(k, from + width, 3 * width, tokens);
    copy_commit();
    start_tile<CHUNKS, TILES>(v, from + 2 * width, 3 * width, tokens);
    copy_commit();
    copy_wait<1>();
    __syncthreads();

    float p[2 * TILES][4], most[2] = {-INFINITY, -INFINITY}, sum[2] = {0, 0};
    multiply_transposed<CHUNKS, TILES>(p, q, row, k);
    EACH_SCORE(i, j) {
        p[i][j] = is_token<TILES>(i, j, tokens) ? p[i][j] * (scale * LOG2_E) : -INFINITY;
        most[j / 2] = fmaxf(most[j / 2], p[i][j]);
    }
    most[0] = row_max(most[0]);
    most[1] = row_max(most[1]);
    EACH_SCORE(i, j) {
        p[i][j] = exp2f(p[i][j] - most[j / 2]);
        sum[j / 2] += p[i][j];
    }
    sum[0] = row_sum(sum[0]);
    sum[1] = row_sum(sum[1]);
    uint32_t a[TILES][4];
    pack_factor<TILES>(a, p);
    if (threadIdx.x % 4 < 2) { /* of the four lanes with these rows, the first writes one, the second the other */
        const bool second = threadIdx.x % 4;
        const int at = row + threadIdx.x % WARP / 4 + (second ? 8 : 0);
        if (at < tokens)
            lse[(size_t)blockIdx.x * tokens + at] =
                (second ? most[1] : most[0]) * LN_2 + logf(second ? sum[1] : sum[0]);
    }

    copy_wait<0>();
    __syncthreads();
    float c[CHUNKS][4];
    multiply<CHUNKS, TILES>(c, a, v);
    const float factor[2] = {1 / sum[0], 1 / sum[1]};
    write_rows<CHUNKS>(c, factor, q, row, out + sample * tokens * width + offset, width, tokens);
}

/* With dp = dout v^T and ds = p (dp - through): the sum of p dp over the keys is dout . out, which is `through`,
 * so that `out` is not read and its rounding does not matter. p and ds, rounded to BF16 for the products, pass
 * through shared memory once, [query][key], for the two products that sum over the queries: there each warp owns 16
 * keys.
 *
 * Reads 8 n D bytes and 4 n heads, writes 6 n D; at 50 tokens and D = 1024 0.23 us a sample at 3.08 TB/s (computed).
 * Four tiles of head 64 take 48 KiB, all that a launch gets by default, and 112 registers a thread: 4 blocks a
 * multiprocessor of an H100; of head 32, 32 KiB and 80 registers: 6 blocks. A warp issues 1485 instructions a head,
 * 0.85 us where memory takes 1.9 us. */
template <int HEAD, int TILES>
__global__ void __launch_bounds__(TILES *WARP, HEAD == 32 && TILES == 4 ? 6 : 0)
    short_backward(const bf16 *__restrict__ dout, const bf16 *__restrict__ qkv, const float *__restrict__ lse,
                   bf16 *__restrict__ dqkv, int tokens, int heads, float scale) {
    enum { CHUNKS = HEAD / 8, TILE = TILES * 16 * HEAD, WIDE = TILES < 3 ? 2 * TILES : 8 };
    DYNAMIC_SHARED(bf16, q);
    bf16 *const k = q + TILE, *const v = k + TILE, *const d = v + TILE, *const ps = d + TILE;
    bf16 *const slopes = ps + TILES * 16 * WIDE * 8;
    const size_t width = (size_t)heads * HEAD, sample = blockIdx.x / heads;
    const int row = threadIdx.x / WARP * 16, offset = blockIdx.x % heads * HEAD;
    const bf16 *from = qkv + sample * tokens * 3 * width + offset;
    start_tile<CHUNKS, TILES>(q, from, 3 * width, tokens);
    start_tile<CHUNKS, TILES>(k, from + width, 3 * width, tokens);
    copy_commit();
    start_tile<CHUNKS, TILES>(v, from + 2 * width, 3 * width, tokens);
    start_tile<CHUNKS, TILES>(d, dout + sample * tokens * width + offset, width, tokens);
    copy_commit();
    float shift[2];
#pragma unroll
    for (int j = 0; j < 2; j++) {
        const int at = row + threadIdx.x % WARP / 4 + 8 * j;
        shift[j] = at < tokens ? lse[(size_t)blockIdx.x * tokens + at] * LOG2_E : 0;
    }
    copy_wait<1>();
    __syncthreads();

    uint32_t a[TILES][4];
    {
        float p[2 * TILES][4], slope[2 * TILES][4], through[2] = {0, 0};
        multiply_transposed<CHUNKS, TILES>(p, q, row, k);
        EACH_SCORE(i, j)
        p[i][j] = is_token<TILES>(i, j, tokens) ? exp2f(p[i][j] * (scale * LOG2_E) - shift[j / 2]) : 0;
        copy_wait<0>();
        __syncthreads();
        multiply_transposed<CHUNKS, TILES>(slope, d, row, v);
        EACH_SCORE(i, j)
        through[j / 2] += p[i][j] * slope[i][j];
        through[0] = row_sum(through[0]);
        through[1] = row_sum(through[1]);
        EACH_SCORE(i, j)
        slope[i][j] = p[i][j] * (slope[i][j] - through[j / 2]) * scale;
        pack_factor<TILES>(a, p);
#pragma unroll
        for (int i = 0; i < 2 * TILES; i++)
            store_chunk<WIDE>(ps, row, i, a[i / 2][i % 2 * 2], a[i / 2][i % 2 * 2 + 1]);
        pack_factor<TILES>(a, slope);
#pragma unroll
        for (int i = 0; i < 2 * TILES; i++)
            store_chunk<WIDE>(slopes, row, i, a[i / 2][i % 2 * 2], a[i / 2][i % 2 * 2 + 1]);
    }

    const float one[2] = {1, 1};
    bf16 *const dq = dqkv + sample * tokens * 3 * width + offset;
    float c[CHUNKS][4];
    multiply<CHUNKS, TILES>(c, a, k);
    __syncthreads(); /* all have read v and written their rows of the tiles */
    write_rows<CHUNKS>(c, one, v, row, dq, 3 * width, tokens);
    multiply_columns<CHUNKS, TILES, WIDE>(c, ps, row, d);
    write_rows<CHUNKS>(c, one, v, row, dq + 2 * width, 3 * width, tokens);
    multiply_columns<CHUNKS, TILES, WIDE>(c, slopes, row, q);
    write_rows<CHUNKS>(c, one, v, row, dq + width, 3 * width, tokens);
}

bool attention_is_short(const Ops *ops, int tokens, int head) {
    return ops->type == REAL_BF16 && tokens <= SHORT_TOKENS && (head == 32 || head == 64);
}

/* Launches with the fewest tiles that hold all tokens. */
template <int HEAD, int TILES>
static void launch_forward(Ops *ops, const bf16 *qkv, bf16 *out, float *lse, int batch, int tokens, int heads) {
    if constexpr (TILES > 1) {
        if (tokens <= 16 * (TILES - 1)) {
            launch_forward<HEAD, TILES - 1>(ops, qkv, out, lse, batch, tokens, heads);
            return;
        }
    }
    const size_t shared = 3 * TILES * 16 * HEAD * sizeof(bf16);
    LAUNCH(ops, "attention_forward", (short_forward<HEAD, TILES>), (size_t)batch * heads, TILES * WARP, shared, qkv,
           out, lse, tokens, heads, 1 / sqrtf(HEAD));
}

template <int HEAD, int TILES>
static void launch_backward(Ops *ops, const bf16 *dout, const bf16 *qkv, const float *lse, bf16 *dqkv, int batch,
                            int tokens, int heads) {
    if constexpr (TILES > 1) {
        if (tokens <= 16 * (TILES - 1)) {
            launch_backward<HEAD, TILES - 1>(ops, dout, qkv, lse, dqkv, batch, tokens, heads);
            return;
        }
    }
    const size_t shared = (4 * HEAD + 2 * (TILES < 3 ? 2 * TILES : 8) * 8) * TILES * 16 * sizeof(bf16);
    LAUNCH(ops, "attention_backward", (short_backward<HEAD, TILES>), (size_t)batch * heads, TILES * WARP, shared, dout,
           qkv, lse, dqkv, tokens, heads, 1 / sqrtf(HEAD));
}

void attention_short_forward(Ops *ops, const Real *qkv, Real *out, float *lse, int batch, int tokens, int heads,
                             int head) {
    if (head == 64)
        launch_forward<64, 4>(ops, (const bf16 *)qkv, (bf16 *)out, lse, batch, tokens, heads);
    else
        launch_forward<32, 4>(ops, (const bf16 *)qkv, (bf16 *)out, lse, batch, tokens, heads);
}

void attention_short_backward(Ops *ops, const Real *dout, const Real *qkv, const float *lse, Real *dqkv, int batch,
                              int tokens, int heads, int head) {
    if (head == 64)
        launch_backward<64, 4>(ops, (const bf16 *)dout, (const bf16 *)qkv, lse, (bf16 *)dqkv, batch, tokens, heads);
    else
        launch_backward<32, 4>(ops, (const bf16 *)dout, (const bf16 *)qkv, lse, (bf16 *)dqkv, batch, tokens, heads);
}
