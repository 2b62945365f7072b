/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/codes.cuh"
#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/vector_load.cuh"
#include "kernels/cuda/warp.cuh"
#include "ops/gpu_scratch.h"

#include <math.h>

namespace {

enum {
    THREADS = 128,       /* of a block whose warps take a row each */
    VALUES_AT_ONCE = 16, /* of each tensor that a thread of norm_backward has under way */
    MAX_THREADS = 512    /* of one: the longest row that fits in registers, or 128 registers a thread */
};

__device__ __forceinline__ float keep_of(const float *keep, int row, int rows_per_sample) {
    return keep ? keep[row / rows_per_sample] : 1.0f;
}

/* A row of norm_in_registers(), by a warp. */
template <typename T, int VALUES, bool CODED>
__device__ __forceinline__ void norm_row(const T *x, const T *branch, const float *scale, const float *keep,
                                         int rows_per_sample, const float *weight, const float *bias, float eps, T *sum,
                                         T *y, float *mean, float *rstd, int row, int dim, const Fp8Codes &codes,
                                         Coder &coder) {
    enum { N = Pack<T>::COUNT, PACKS = VALUES / N };
    const int lane = threadIdx.x % WARP;
    const size_t start = (size_t)row * dim;
    Pack<T> seen[PACKS], added[PACKS];
#pragma unroll
    for (int i = 0; i < PACKS; i++) {
        const int column = (i * WARP + lane) * N;
        if (column < dim) {
            seen[i] = load_pack(x + start + column);
            if (branch)
                added[i] = load_pack(branch + start + column);
        }
    }
    const float kept = keep_of(keep, row, rows_per_sample);
    float values[PACKS][N], total = 0;
#pragma unroll
    for (int i = 0; i < PACKS; i++) {
        const int column = (i * WARP + lane) * N;
        if (column < dim) {
            if (branch) {
                float scales[N];
                if (scale)
                    load_vector<N>(scale + column, scales);
#pragma unroll
                for (int k = 0; k < N; k++)
                    seen[i].values[k] = from_float<T>(to_float(seen[i].values[k]) +
                                                      (scale ? kept * scales[k] : kept) * to_float(added[i].values[k]));
                store_pack(sum + start + column, seen[i]);
            }
#pragma unroll
            for (int k = 0; k < N; k++) {
                values[i][k] = to_float(seen[i].values[k]);
                total += values[i][k];
            }
        }
    }
    if (!y)
        return;
    const float centre = warp_sum(total) / dim;
    float squares = 0;
#pragma unroll
    for (int i = 0; i < PACKS; i++)
        if ((i * WARP + lane) * N < dim) {
#pragma unroll
            for (int k = 0; k < N; k++)
                squares += (values[i][k] - centre) * (values[i][k] - centre);
        }
    const float factor = 1.0f / sqrtf(warp_sum(squares) / dim + eps);
#pragma unroll
    for (int i = 0; i < PACKS; i++) {
        const int column = (i * WARP + lane) * N;
        if (column < dim) {
            float weights[N], biases[N];
            load_vector<N>(weight + column, weights);
            load_vector<N>(bias + column, biases);
            Pack<T> pack;
#pragma unroll
            for (int k = 0; k < N; k++)
                pack.values[k] = from_float<T>((values[i][k] - centre) * factor * weights[k] + biases[k]);
            store_pack(y + start + column, pack);
            if constexpr (CODED)
                coder_store(coder, codes.y + start + column, pack);
        }
    }
    if (lane == 0) {
        mean[row] = centre;
        rstd[row] = factor;
    }
}

/* A row a warp, VALUES of it in the registers of each lane; all loads of x and branch start before the first is needed.
 * CODED: in BF16, with y's codes. Two passes over the registers, so that a mean far from zero costs the variance
 * nothing.
 *
 * Bytes: 4 tensors with branch and y, 3 without y, 2 without branch; floor for ViT-L's 51,200 x 1,024 in BF16: 136 us.
 */
template <typename T, int VALUES, bool CODED>
__global__ void __launch_bounds__(THREADS, 2)
    norm_in_registers(const T *x, const T *branch, const float *scale, const float *keep, int rows_per_sample,
                      const float *weight, const float *bias, float eps, T *sum, T *y, float *mean, float *rstd,
                      int rows, int dim, Fp8Codes codes) {
    const int row = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP;
    Coder coder = {};
    if constexpr (CODED)
        coder = coder_begin(codes);
    if (row < rows)
        norm_row<T, VALUES, CODED>(x, branch, scale, keep, rows_per_sample, weight, bias, eps, sum, y, mean, rstd, row,
                                   dim, codes, coder);
    if constexpr (CODED) {
        CODER_SLOTS(slots);
        coder_end(coder, codes, slots);
    }
}

/* The same for any dim: a row a warp, read again for each pass, from the caches where it fits. Bytes and floor as
 * above; no model's dims need it. */
template <typename T>
__global__ void __launch_bounds__(THREADS)
    norm_any(const T *x, const T *branch, const float *scale, const float *keep, int rows_per_sample,
             const float *weight, const float *bias, float eps, T *sum, T *y, float *mean, float *rstd, int rows,
             int dim) {
    const int row = blockIdx.x * (THREADS / WARP) + threadIdx.x / WARP, lane = threadIdx.x % WARP;
    if (row >= rows)
        return;
    const size_t start = (size_t)row * dim;
    const float kept = keep_of(keep, row, rows_per_sample);
    /* A lane reads only what it wrote itself. */
    const T *seen = branch ? sum : x;
    float total = 0;
    for (int i = lane; i < dim; i += WARP) {
        if (branch)
            sum[start + i] =
                from_float<T>(to_float(x[start + i]) + (scale ? kept * scale[i] : kept) * to_float(branch[start + i]));
        total += to_float(seen[start + i]);
    }
    if (!y)
        return;
    const float centre = warp_sum(total) / dim;
    float squares = 0;
    for (int i = lane; i < dim; i += WARP) {
        const float difference = to_float(seen[start + i]) - centre;
        squares += difference * difference;
    }
    const float factor = 1.0f / sqrtf(warp_sum(squares) / dim + eps);
    for (int i = lane; i < dim; i += WARP)
        y[start + i] = from_float<T>((to_float(seen[start + i]) - centre) * factor * weight[i] + bias[i]);
    if (lane == 0) {
        mean[row] = centre;
        rstd[row] = factor;
    }
}

/* What a thread has loaded of AT_ONCE rows: a pack of each tensor's columns, and the rows' means and deviations. */
template <typename T, int AT_ONCE> struct LoadedRows {
    Pack<T> above[AT_ONCE], seen[AT_ONCE], beside[AT_ONCE];
    float centre[AT_ONCE], factor[AT_ONCE];
};

/* Without branches, or one row's loads would wait for another's: rows and columns beyond the end, and a missing dsum,
 * are read from valid places and ignored later. */
template <typename T, int AT_ONCE>
__device__ __forceinline__ void load_rows(LoadedRows<T, AT_ONCE> &rows, const T *dy, const T *dsum, const T *sum,
                                          const float *mean, const float *rstd, int first, int end, int column,
                                          int dim) {
#pragma unroll
    for (int i = 0; i < AT_ONCE; i++) {
        const int row = min(first + i, end - 1);
        const size_t at = (size_t)row * dim + min(column, dim - (int)Pack<T>::COUNT);
        rows.above[i] = load_pack(dy + at);
        rows.seen[i] = load_pack(sum + at);
        rows.beside[i] = load_pack((dsum ? dsum : sum) + at);
        rows.centre[i] = mean[row];
        rows.factor[i] = rstd[row];
    }
}

/* Each total becomes the sum over the block's threads, in the same order for all. Calls in turn need other slots. */
template <int COUNT> __device__ __forceinline__ void sum_over_block(float (&totals)[COUNT], float (*slots)[COUNT]) {
    const int warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
#pragma unroll
    for (int i = 0; i < COUNT; i++) {
        totals[i] = warp_sum(totals[i]);
        if (threadIdx.x % WARP == 0)
            slots[warp][i] = totals[i];
        totals[i] = 0;
    }
    __syncthreads();
    for (int w = 0; w < warps; w++)
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            totals[i] += slots[w][i];
}

/* The branch's part of a row's gradient at element `at`; dscale: summed over rows, where `scaled`. */
template <int N, typename T>
__device__ __forceinline__ void branch_gradient(const float (&gradient)[N], float kept, const T *branch,
                                                const float *scale, T *dbranch, bool scaled, float (&dscale)[N],
                                                size_t at, int column) {
    if (scaled) {
        float values[N];
        load_vector<N>(branch + at, values);
#pragma unroll
        for (int k = 0; k < N; k++)
            dscale[k] += kept * values[k] * gradient[k];
    }
    if (dbranch) {
        float products[N];
        if (scale)
            load_vector<N>(scale + column, products);
#pragma unroll
        for (int k = 0; k < N; k++)
            products[k] = (scale ? kept * products[k] : kept) * gradient[k];
        store_vector<N>(dbranch + at, products);
    }
}

/* dx = dsum + rstd * (g - mean(g) - z mean(g z)), g = dy weight, z = (sum - mean) rstd; dweight += dy z, dbias += dy,
 * dscale += keep branch dx.
 *
 * A block computes a part of the rows, AT_ONCE at a time, and a thread one pack of columns of all of them: weights and
 * sums over rows need 8 registers each however long the rows are, no warp has to pass its share to another, and a
 * thread has 3 x AT_ONCE packs under way. The two means are all that the block's warps exchange, once for AT_ONCE rows;
 * two sets of slots in turn need one barrier for it. CODED: in BF16, with dx's codes.
 *
 * Bytes: 4 tensors, one more each for branch and dbranch, and 8 (12 with dscale) for each part and column; floor for
 * ViT-L's 51,200 x 1,024 in BF16: 138 us. */
template <typename T, bool CODED>
__global__ void __launch_bounds__(MAX_THREADS)
    norm_backward_columns(const T *dy, const T *dsum, const T *sum, const float *mean, const float *rstd,
                          const float *weight, const T *branch, const float *scale, const float *keep,
                          int rows_per_sample, T *dx, T *dbranch, float *parts, int sums, int rows, int dim, int part,
                          Fp8Codes codes) {
    enum { N = Pack<T>::COUNT, AT_ONCE = VALUES_AT_ONCE / N };
    SHARED(float, slots, [2][MAX_THREADS / WARP][2 * AT_ONCE]);
    const int column = threadIdx.x * N;
    const bool inside = column < dim;
    const int begin = blockIdx.x * part, end = min(rows, begin + part);
    const float inverse = 1.0f / dim;
    float weights[N] = {}, dweight[N] = {}, dbias[N] = {}, dscale[N] = {};
    if (inside)
        load_vector<N>(weight + column, weights);
    Coder coder;
    if constexpr (CODED)
        coder = coder_begin(codes);
    int turn = 0;
    for (int first = begin; first < end; first += AT_ONCE, turn ^= 1) {
        LoadedRows<T, AT_ONCE> r;
        float totals[2 * AT_ONCE] = {};
        load_rows(r, dy, dsum, sum, mean, rstd, first, end, column, dim);
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++)
#pragma unroll
            for (int k = 0; k < N; k++) {
                const float d = first + i < end ? to_float(r.above[i].values[k]) : 0.0f;
                const float z = (to_float(r.seen[i].values[k]) - r.centre[i]) * r.factor[i], g = d * weights[k];
                totals[2 * i] += g;
                totals[2 * i + 1] += g * z;
                dweight[k] += d * z;
                dbias[k] += d;
            }
        sum_over_block(totals, slots[turn]);
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++)
            if (first + i < end && inside) {
                const size_t at = (size_t)(first + i) * dim + column;
                const float total = totals[2 * i] * inverse, product = totals[2 * i + 1] * inverse;
                float gradient[N];
#pragma unroll
                for (int k = 0; k < N; k++) {
                    const float z = (to_float(r.seen[i].values[k]) - r.centre[i]) * r.factor[i];
                    const float g = to_float(r.above[i].values[k]) * weights[k];
                    const float residual = dsum ? to_float(r.beside[i].values[k]) : 0.0f;
                    gradient[k] = rounded<T>(residual + r.factor[i] * (g - total - z * product));
                }
                if (dbranch || sums == 3)
                    branch_gradient(gradient, keep_of(keep, first + i, rows_per_sample), branch, scale, dbranch,
                                    sums == 3, dscale, at, column);
                Pack<T> pack;
#pragma unroll
                for (int k = 0; k < N; k++)
                    pack.values[k] = from_float<T>(gradient[k]);
                store_pack(dx + at, pack);
                if constexpr (CODED)
                    coder_store(coder, codes.y + at, pack);
            }
    }
    if constexpr (CODED) {
        CODER_SLOTS(seen);
        coder_end(coder, codes, seen);
    }
    if (!inside)
        return;
    float *to = parts + (size_t)blockIdx.x * sums * dim + column;
    store_vector<N>(to, dweight);
    store_vector<N>(to + dim, dbias);
    if (sums == 3)
        store_vector<N>(to + 2 * dim, dscale);
}

/* The same for any dim: the block's threads traverse a row twice and add to the parts in memory, each to its own
 * columns. Bytes: as above, and 16 (24) for each element in the caches; no model's dims need it. */
template <typename T>
__global__ void __launch_bounds__(THREADS)
    norm_backward_any(const T *dy, const T *dsum, const T *sum, const float *mean, const float *rstd,
                      const float *weight, const T *branch, const float *scale, const float *keep, int rows_per_sample,
                      T *dx, T *dbranch, float *parts, int sums, int rows, int dim, int part) {
    SHARED(float, slots, [THREADS / WARP]);
    const int begin = blockIdx.x * part, end = min(rows, begin + part);
    float *dweight = parts + (size_t)blockIdx.x * sums * dim, *dbias = dweight + dim, *dscale = dbias + dim;
    for (int row = begin; row < end; row++) {
        const size_t start = (size_t)row * dim;
        const float centre = mean[row], factor = rstd[row];
        const float kept = keep_of(keep, row, rows_per_sample);
        float total = 0, product = 0;
        for (int i = threadIdx.x; i < dim; i += THREADS) {
            const float d = to_float(dy[start + i]), g = d * weight[i];
            const float z = (to_float(sum[start + i]) - centre) * factor;
            total += g;
            product += g * z;
            dweight[i] = d * z + (row > begin ? dweight[i] : 0.0f);
            dbias[i] = d + (row > begin ? dbias[i] : 0.0f);
        }
        total = block_sum<THREADS>(total, slots) / dim;
        product = block_sum<THREADS>(product, slots) / dim;
        for (int i = threadIdx.x; i < dim; i += THREADS) {
            const float g = to_float(dy[start + i]) * weight[i];
            const float z = (to_float(sum[start + i]) - centre) * factor;
            const float beside = dsum ? to_float(dsum[start + i]) : 0.0f;
            const float gradient = rounded<T>(beside + factor * (g - total - z * product));
            if (sums == 3)
                dscale[i] = kept * to_float(branch[start + i]) * gradient + (row > begin ? dscale[i] : 0.0f);
            if (dbranch)
                dbranch[start + i] = from_float<T>((scale ? kept * scale[i] : kept) * gradient);
            dx[start + i] = from_float<T>(gradient);
        }
    }
}

} // namespace

/* The codes, where no kernel that also writes them applies. */
static void write_codes(Ops *ops, const Real *x, const Fp8Codes *codes, int rows, int dim) {
    if (!codes || !x)
        return;
    const QuantiseFp8 quantise = {x, codes->scale, codes->seen, codes->y, NULL, rows, dim};
    cuda_quantise_fp8(ops, &quantise);
}

void cuda_norm_forward(Ops *ops, const NormForward *a) {
    if (ops->error || (!a->branch && !a->y))
        return;
    const int each = THREADS / WARP, blocks = (a->rows + each - 1) / each;
#define LAUNCH_FORWARD(T, codes, ...)                                                                                  \
    LAUNCH(ops, "norm_forward", (__VA_ARGS__), blocks, THREADS, 0, (const T *)a->x, (const T *)a->branch, a->scale,    \
           a->keep, a->rows_per_sample, a->weight, a->bias, a->eps, (T *)a->sum, (T *)a->y, a->mean, a->rstd, a->rows, \
           a->dim, codes)
#define FORWARD(VALUES)                                                                                                \
    do {                                                                                                               \
        if (a->codes && a->y && ops->type == REAL_BF16)                                                                \
            LAUNCH_FORWARD(bf16, *a->codes, norm_in_registers<bf16, VALUES, true>);                                    \
        else                                                                                                           \
            WITH_REAL(ops->type, T, LAUNCH_FORWARD(T, Fp8Codes{}, norm_in_registers<T, VALUES, false>));               \
    } while (0)
    const bool fits = gpu_norm_fits(ops->type, a->dim);
    if (!fits)
        WITH_REAL(ops->type, T,
                  LAUNCH(ops, "norm_forward", (norm_any<T>), blocks, THREADS, 0, (const T *)a->x, (const T *)a->branch,
                         a->scale, a->keep, a->rows_per_sample, a->weight, a->bias, a->eps, (T *)a->sum, (T *)a->y,
                         a->mean, a->rstd, a->rows, a->dim));
    else if (a->dim <= 8 * WARP)
        FORWARD(8);
    else if (a->dim <= 16 * WARP)
        FORWARD(16);
    else if (a->dim <= 24 * WARP)
        FORWARD(24);
    else if (a->dim <= 32 * WARP)
        FORWARD(32);
    else if (a->dim <= 40 * WARP)
        FORWARD(40);
    else
        FORWARD(64);
#undef FORWARD
#undef LAUNCH_FORWARD
    if (!fits || ops->type != REAL_BF16)
        write_codes(ops, a->y, a->codes, a->rows, a->dim);
}

void cuda_norm_backward(Ops *ops, const NormBackward *a) {
    if (ops->error)
        return;
    const bool fits = gpu_norm_fits(ops->type, a->dim);
    const GpuParts split = gpu_norm_parts(ops->type, a->rows, a->dim);
    const int warps = gpu_norm_warps(ops->type, a->dim), part = split.part, count = split.count,
              sums = a->dscale ? 3 : 2;
    float *parts = (float *)cuda_scratch(ops, "norm_backward", gpu_norm_scratch(ops->type, a->rows, a->dim, sums));
#define BACKWARD(T, threads, kernel, ...)                                                                              \
    LAUNCH(ops, "norm_backward", kernel, count, threads, 0, (const T *)a->dy, (const T *)a->dsum, (const T *)a->sum,   \
           a->mean, a->rstd, a->weight, (const T *)a->branch, a->scale, a->keep, a->rows_per_sample, (T *)a->dx,       \
           (T *)a->dbranch, parts, sums, a->rows, a->dim, part __VA_ARGS__)
    const bool coded = a->codes && fits && ops->type == REAL_BF16;
    if (coded)
        BACKWARD(bf16, warps * WARP, (norm_backward_columns<bf16, true>), , *a->codes);
    else if (fits)
        WITH_REAL(ops->type, T, BACKWARD(T, warps * WARP, (norm_backward_columns<T, false>), , Fp8Codes{}));
    else
        WITH_REAL(ops->type, T, BACKWARD(T, THREADS, (norm_backward_any<T>), ));
#undef BACKWARD
    add_parts(ops, parts, count, (size_t)sums * a->dim, sums, a->dim, Sums{{a->dweight, a->dbias, a->dscale}}, a->add);
    if (!coded)
        write_codes(ops, a->dx, a->codes, a->rows, a->dim);
}
