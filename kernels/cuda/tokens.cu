/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/kernel_error.cuh"
#include "kernels/cuda/vector_load.cuh"
#include "kernels/cuda/warp.cuh"
#include "ops/gpu_scratch.h"

/* One warp copies and adds a row; sums over rows are computed by warps with WARP groups of columns. */
enum { WARPS = 8, THREADS = WARPS * WARP };

static inline unsigned blocks_of(size_t warps) {
    return (unsigned)((warps + WARPS - 1) / WARPS);
}

/* Warps that a row of `dim` takes when each holds N columns a lane. */
static inline int chunks_of(int dim, int n) {
    return (dim + WARP * n - 1) / (WARP * n);
}

__device__ __forceinline__ size_t warp_index() {
    return (size_t)blockIdx.x * WARPS + threadIdx.x / WARP;
}

/* out = x + y, by a warp. */
template <int N, typename X, typename T>
__device__ __forceinline__ void add_row(const X *x, const float *y, T *out, int dim) {
    for (int i = threadIdx.x % WARP * N; i < dim; i += WARP * N) {
        float sum[N], more[N];
        load_vector(x + i, sum);
        load_vector(y + i, more);
#pragma unroll
        for (int k = 0; k < N; k++)
            sum[k] += more[k];
        store_vector(out + i, sum);
    }
}

/* One warp a row of out. Reads x and writes out, batch dim (1 + 2 keep) sizeof(T) bytes; the positions come from the
 * L2 cache. ViT-L's 49 patches in BF16: 0.20 MB, or 0.066 us a sample (computed). */
template <typename T, int N>
__global__ void embed(const T *x, const float *cls, const float *pos, Places places, T *out, size_t rows, int keep,
                      int dim) {
    const size_t row = warp_index();
    if (row >= rows)
        return;
    const int sample = (int)(row / (1 + keep)), token = (int)(row % (1 + keep));
    if (token == 0) {
        add_row<N>(cls, pos, out + row * dim, dim);
        return;
    }
    const int place = max(place_at(places, sample, token - 1), 0);
    add_row<N>(x + (row - 1 - sample) * dim, pos + (size_t)(1 + place) * dim, out + row * dim, dim);
}

/* One warp a row of out, which goes to its place. Reads x and writes out, batch dim (2 + keep + patches) sizeof(T)
 * bytes; positions and the mask token come from the caches. 49 of 196 patches of 512 in BF16: 0.25 MB, or 0.082 us a
 * sample (computed). */
template <typename T, int N>
__global__ void restore(const T *x, const float *mask_token, const float *pos, Places places, T *out, size_t rows,
                        int keep, int dim) {
    const size_t row = warp_index();
    if (row >= rows)
        return;
    const int tokens = 1 + places.patches, sample = (int)(row / tokens), token = (int)(row % tokens);
    const int to = token == 0 ? 0 : 1 + place_at(places, sample, token - 1);
    if (token > 0 && to == 0)
        return; /* no patch's place: the row's destination is unknown */
    const float *at = pos + (size_t)to * dim;
    T *const o = out + ((size_t)sample * tokens + to) * dim;
    if (token <= keep)
        add_row<N>(x + ((size_t)sample * (1 + keep) + token) * dim, at, o, dim);
    else
        add_row<N>(mask_token, at, o, dim);
}

/* What remains of dout without the class token's rows: a copy, one warp a row. Moves 2 batch keep dim sizeof(T) bytes,
 * for ViT-L's 49 patches in BF16 0.20 MB, or 0.065 us a sample (computed). */
template <typename T, int N> __global__ void drop_class(const T *dout, T *dx, size_t rows, int keep, int dim) {
    const size_t row = warp_index();
    if (row >= rows)
        return;
    const T *from = dout + (row + row / keep + 1) * dim;
    T *to = dx + row * dim;
    for (int i = threadIdx.x % WARP * N; i < dim; i += WARP * N) {
        float values[N];
        load_vector(from + i, values);
        store_vector(to + i, values);
    }
}

/* Where each sample keeps each place: inverse[place][sample], -1 where the place is hidden. One block a sample; moves
 * 4 (keep + patches) bytes a sample, a thousandth of what sum_places does. */
__global__ void invert(Places places, int32_t *inverse, int batch, int keep) {
    const int sample = blockIdx.x;
    for (int place = threadIdx.x; place < places.patches; place += blockDim.x)
        inverse[(size_t)place * batch + sample] = -1;
    __syncthreads();
    for (int j = threadIdx.x; j < keep; j += blockDim.x) {
        const int place = place_at(places, sample, j);
        if (place >= 0)
            inverse[(size_t)place * batch + sample] = j;
    }
}

/* The sum over a part of the samples of the gradients that came from one position (row 0: the class token's), and the
 * copy to dx in the same pass, so that dout is read once: one warp for a position and 32 groups of columns. Reads batch
 * dim (1 + keep) sizeof(T) bytes, writes batch dim keep sizeof(T) and the parts, 4 (1 + patches) dim each; for ViT-L in
 * BF16, all 196 patches kept, 0.81 MB, or 0.26 us a sample (computed). Without `inverse` only the class token. */
template <typename T, int N>
__global__ void sum_places(const T *__restrict__ dout, const int32_t *__restrict__ inverse, T *__restrict__ dx,
                           float *__restrict__ parts, int positions, int part, int batch, int keep, int dim) {
    const int chunks = (dim + WARP * N - 1) / (WARP * N), lane = threadIdx.x % WARP;
    const size_t warp = warp_index();
    if (warp >= (size_t)positions * chunks)
        return;
    const int position = (int)(warp / chunks), column = ((int)(warp % chunks) * WARP + lane) * N;
    const int first = blockIdx.y * part, last = min(first + part, batch);
    float total[N] = {0};
    for (int start = first; start < last; start += WARP) {
        int mine = position ? -1 : 0; /* the token of sample start + lane */
        if (position && start + lane < last)
            mine = 1 + inverse[(size_t)(position - 1) * batch + start + lane];
#pragma unroll 4
        for (int i = 0; i < min((int)WARP, last - start); i++) {
            const int token = __shfl_sync((unsigned)ALL_LANES, mine, i);
            if ((position && token == 0) || column >= dim)
                continue;
            float values[N];
            load_vector(dout + ((size_t)(start + i) * (1 + keep) + token) * dim + column, values);
#pragma unroll
            for (int k = 0; k < N; k++)
                total[k] += values[k];
            if (position)
                store_vector(dx + ((size_t)(start + i) * keep + token - 1) * dim + column, values);
        }
    }
    if (column < dim)
        store_vector(parts + ((size_t)blockIdx.y * positions + position) * dim + column, total);
}

/* The sums of a block's warps, in order: out[0 .. count-1] from each lane's N columns, divided by `divisor`. */
template <int N, typename T>
__device__ __forceinline__ void add_warps(const float (&total)[N], float (*sums)[WARP * N], float divisor, T *out,
                                          int count) {
    store_vector(&sums[threadIdx.x / WARP][threadIdx.x % WARP * N], total);
    __syncthreads();
    for (int i = threadIdx.x; i < min(WARP * N, count); i += THREADS) {
        float sum = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++)
            sum += sums[w][i];
        out[i] = from_float<T>(sum / divisor);
    }
}

/* The class token's and the visible patches' gradients, back in the order of ids, and the sum of all others' over a
 * part of the samples: a block for 32 groups of columns, whose warps take 32 tokens at a time. Reads dout and writes
 * dx, batch dim (2 + patches + keep) sizeof(T) bytes: 49 of 196 patches of 512 in BF16 0.25 MB, or 0.082 us a sample
 * (computed). */
template <typename T, int N>
__global__ void __launch_bounds__(THREADS)
    restore_gradient(const T *__restrict__ dout, Places places, T *__restrict__ dx, float *__restrict__ parts, int part,
                     int batch, int keep, int dim) {
    SHARED(float, sums, [WARPS][WARP * N]);
    const int lane = threadIdx.x % WARP, tokens = 1 + places.patches;
    const int column = (blockIdx.x * WARP + lane) * N, first = blockIdx.y * part;
    const int count = max(0, min(part, batch - first)) * tokens;
    float total[N] = {0};
    for (int start = threadIdx.x / WARP * WARP; start < count; start += THREADS) {
        int from = -1, to = -1; /* rows of this lane's token in dout and dx: -1 where there is none */
        if (start + lane < count) {
            const int sample = first + (start + lane) / tokens, token = (start + lane) % tokens;
            const int place = token ? 1 + place_at(places, sample, token - 1) : 0;
            from = token && !place ? -1 : sample * tokens + place;
            to = token <= keep ? sample * (1 + keep) + token : -1;
        }
#pragma unroll 4
        for (int i = 0; i < min((int)WARP, count - start); i++) {
            const int row = __shfl_sync((unsigned)ALL_LANES, from, i), target = __shfl_sync((unsigned)ALL_LANES, to, i);
            if (row < 0 || column >= dim)
                continue;
            float values[N];
            load_vector(dout + (size_t)row * dim + column, values);
            if (target >= 0) {
                store_vector(dx + (size_t)target * dim + column, values);
                continue;
            }
#pragma unroll
            for (int k = 0; k < N; k++)
                total[k] += values[k];
        }
    }
    const int begin = blockIdx.x * WARP * N;
    add_warps<N>(total, sums, 1.0f, parts + (size_t)blockIdx.y * dim + begin, dim - begin);
}

/* The tokens of each sample that are seen: the patches, or the class token. */
typedef struct {
    int first, end;
} Seen;

static Seen seen_by(Pool pool, int tokens) {
    const Seen patches = {1, tokens}, cls = {0, 1};
    return pool == POOL_CLS ? cls : patches;
}

/* The mean of the tokens that are seen. A block for a sample and 32 groups of columns, whose warps take tokens in turn.
 * Reads x and branch: of patches 2 batch (tokens - 1) dim sizeof(T) bytes, for ViT-L's 196 in BF16 0.80 MB, or 0.26 us
 * a sample (computed). */
template <typename T, int N>
__global__ void __launch_bounds__(THREADS)
    pool(const T *__restrict__ x, const T *__restrict__ branch, const float *__restrict__ scale,
         const float *__restrict__ keep, float *__restrict__ y, Seen seen, int batch, int tokens, int dim) {
    SHARED(float, sums, [WARPS][WARP * N]);
    const int begin = blockIdx.x * WARP * N, column = begin + threadIdx.x % WARP * N;
    for (int sample = blockIdx.y; sample < batch; sample += gridDim.y) {
        float total[N] = {0}, scales[N];
        const float kept = keep ? keep[sample] : 1.0f;
#pragma unroll
        for (int k = 0; k < N; k++)
            scales[k] = kept;
        if (scale && column < dim) {
            load_vector(scale + column, scales);
#pragma unroll
            for (int k = 0; k < N; k++)
                scales[k] *= kept;
        }
        if (column < dim)
#pragma unroll 4
            for (int token = seen.first + threadIdx.x / WARP; token < seen.end; token += WARPS) {
                const size_t at = ((size_t)sample * tokens + token) * dim + column;
                float values[N], added[N] = {0};
                load_vector(x + at, values);
                if (branch)
                    load_vector(branch + at, added);
#pragma unroll
                for (int k = 0; k < N; k++)
                    total[k] += values[k] + scales[k] * added[k];
            }
        add_warps<N>(total, sums, (float)(seen.end - seen.first), y + (size_t)sample * dim + begin, dim - begin);
        __syncthreads();
    }
}

/* One warp a row of dx. Writes dx: batch tokens dim sizeof(T) bytes, for ViT-L's 197 tokens in BF16 0.40 MB, or 0.13 us
 * a sample (computed). */
template <typename T, int N>
__global__ void pool_gradient(const float *dy, T *dx, Seen seen, size_t rows, int tokens, int dim) {
    const size_t row = warp_index();
    if (row >= rows)
        return;
    const float *from = dy + row / tokens * dim;
    const int token = (int)(row % tokens);
    const float share = token >= seen.first && token < seen.end ? 1.0f / (float)(seen.end - seen.first) : 0.0f;
    for (int i = threadIdx.x % WARP * N; i < dim; i += WARP * N) {
        float values[N] = {0};
        if (share > 0)
            load_vector(from + i, values);
#pragma unroll
        for (int k = 0; k < N; k++)
            values[k] *= share;
        store_vector(dx + row * dim + i, values);
    }
}

void cuda_embed_forward(Ops *ops, const EmbedForward *a) {
    if (ops->error || !check_keep(ops, "embed_forward", a->patches, a->keep))
        return;
    const Places places = places_of(ops, "embed_forward", a->ids, a->patches);
    const size_t rows = (size_t)a->batch * (1 + a->keep);
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->dim, T, N,
                          LAUNCH(ops, "embed_forward", (embed<T, N>), blocks_of(rows), THREADS, 0, (const T *)a->x,
                                 a->cls, a->pos, places, (T *)a->out, rows, a->keep, a->dim)));
}

template <typename T, int N>
static void embed_gradient(Ops *ops, const T *dout, const int32_t *ids, T *dx, float *dcls, float *dpos, bool add,
                           int batch, int patches, int keep, int dim) {
    const int positions = dpos ? 1 + patches : 1;
    const GpuParts split = gpu_embed_parts(batch, dpos != NULL);
    const int part = split.part, parts = split.count;
    const size_t columns = (size_t)positions * dim;
    float *sums = (float *)cuda_scratch(ops, "embed_backward", gpu_embed_scratch(batch, patches, dim, dpos != NULL));
    if (!sums)
        return;
    int32_t *inverse = dpos ? (int32_t *)(sums + parts * columns) : NULL;
    if (dpos) {
        LAUNCH(ops, "embed_backward", (invert), (unsigned)batch, THREADS, 0,
               places_of(ops, "embed_backward", ids, patches), inverse, batch, keep);
    } else {
        const size_t rows = (size_t)batch * keep;
        LAUNCH(ops, "embed_backward", (drop_class<T, N>), blocks_of(rows), THREADS, 0, dout, dx, rows, keep, dim);
    }
    LAUNCH(ops, "embed_backward", (sum_places<T, N>),
           dim3(blocks_of((size_t)positions * chunks_of(dim, N)), (unsigned)parts), THREADS, 0, dout, inverse, dx, sums,
           positions, part, batch, keep, dim);
    if (dpos)
        add_parts(ops, sums, parts, columns, 1, (int)columns, Sums{{dpos}}, add);
    add_parts(ops, sums, parts, columns, 1, dim, Sums{{dcls}}, add);
}

void cuda_embed_backward(Ops *ops, const EmbedBackward *a) {
    if (ops->error || !check_keep(ops, "embed_backward", a->patches, a->keep))
        return;
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->dim, T, N,
                          embed_gradient<T, N>(ops, (const T *)a->dout, a->ids, (T *)a->dx, a->dcls, a->dpos, a->add,
                                               a->batch, a->patches, a->keep, a->dim)));
}

void cuda_restore_forward(Ops *ops, const RestoreForward *a) {
    if (ops->error || !check_keep(ops, "restore_forward", a->patches, a->keep))
        return;
    const Places places = places_of(ops, "restore_forward", a->ids, a->patches);
    const size_t rows = (size_t)a->batch * (1 + a->patches);
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->dim, T, N,
                          LAUNCH(ops, "restore_forward", (restore<T, N>), blocks_of(rows), THREADS, 0, (const T *)a->x,
                                 a->mask_token, a->pos, places, (T *)a->out, rows, a->keep, a->dim)));
}

void cuda_restore_backward(Ops *ops, const RestoreBackward *a) {
    if (ops->error || !check_keep(ops, "restore_backward", a->patches, a->keep))
        return;
    const Places places = places_of(ops, "restore_backward", a->ids, a->patches);
    const GpuParts split = gpu_restore_parts(a->batch);
    const int part = split.part, parts = split.count;
    float *sums = (float *)cuda_scratch(ops, "restore_backward", gpu_restore_scratch(a->batch, a->dim));
    if (!sums)
        return;
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->dim, T, N,
                          LAUNCH(ops, "restore_backward", (restore_gradient<T, N>),
                                 dim3((unsigned)chunks_of(a->dim, N), (unsigned)parts), THREADS, 0, (const T *)a->dout,
                                 places, (T *)a->dx, sums, part, a->batch, a->keep, a->dim)));
    add_parts(ops, sums, parts, a->dim, 1, a->dim, Sums{{a->dmask_token}}, a->add);
}

void cuda_pool_forward(Ops *ops, const PoolForward *a) {
    if (ops->error)
        return;
    const unsigned samples = min((unsigned)a->batch, most_blocks(MAX_GRID_Y));
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->dim, T, N,
                          LAUNCH(ops, "pool_forward", (pool<T, N>), dim3((unsigned)chunks_of(a->dim, N), samples),
                                 THREADS, 0, (const T *)a->x, (const T *)a->branch, a->scale, a->keep, a->y,
                                 seen_by(a->pool, a->tokens), a->batch, a->tokens, a->dim)));
}

void cuda_pool_backward(Ops *ops, const PoolBackward *a) {
    if (ops->error)
        return;
    const size_t rows = (size_t)a->batch * a->tokens;
    WITH_REAL(ops->type, T,
              WITH_VECTOR(a->dim, T, N,
                          LAUNCH(ops, "pool_backward", (pool_gradient<T, N>), blocks_of(rows), THREADS, 0, a->dy,
                                 (T *)a->dx, seen_by(a->pool, a->tokens), rows, a->tokens, a->dim)));
}
