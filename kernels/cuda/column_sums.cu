/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/vector_load.cuh"
#include "kernels/cuda/warp.cuh"
#include "ops/gpu_scratch.h"

namespace {

enum { THREADS = 256, MAX_GROUPS = 32 /* of threads that share the parts of WARP columns */ };

/* Thread group g of the block's adds parts g, g + groups, ...; then the groups are added in order. Bytes: 4 for each
 * part, sum and column, in the L2 cache where the first kernel left them; floor for 528 parts of two sums of 1024: 1.4
 * us. */
__global__ void __launch_bounds__(WARP *MAX_GROUPS)
    sum_column_parts(const float *parts, int count, size_t stride, int columns, float *first, float *second,
                     float *third, bool add) {
    SHARED(float, slots, [MAX_GROUPS][WARP]);
    const int lane = threadIdx.x % WARP, group = threadIdx.x / WARP, groups = blockDim.x / WARP;
    const int column = blockIdx.x * WARP + lane;
    float *const to = blockIdx.y == 0 ? first : blockIdx.y == 1 ? second : third;
    if (!to)
        return;
    float sum = 0;
    if (column < columns) {
        const float *at = parts + (size_t)blockIdx.y * columns + column;
#pragma unroll 8
        for (int part = group; part < count; part += groups)
            sum += at[part * stride];
    }
    slots[group][lane] = sum;
    __syncthreads();
    if (group || column >= columns)
        return;
    for (int other = 1; other < groups; other++)
        sum += slots[other][lane];
    to[column] = add ? to[column] + sum : sum;
}

/* A thread sums N columns over every blockDim.y-th row of a part; eight blocks a multiprocessor, as gpu_column_sums()
 * counts on. Bytes: the tensor once; floor for the 51,200 x 4,096 of ViT-L's dy in BF16: 136 us. */
template <typename T, int N>
__global__ void __launch_bounds__(THREADS, 8) sum_rows(const T *x, float *parts, int rows, int columns, int part) {
    SHARED(float, slots, [THREADS][N]);
    const int column = (blockIdx.x * blockDim.x + threadIdx.x) * N, thread = threadIdx.y * blockDim.x + threadIdx.x;
    const int end = min(rows, (int)(blockIdx.y + 1) * part);
    float sums[N] = {};
    if (column < columns) {
#pragma unroll 4
        for (int row = blockIdx.y * part + threadIdx.y; row < end; row += blockDim.y) {
            float values[N];
            load_vector<N>(x + (size_t)row * columns + column, values);
#pragma unroll
            for (int k = 0; k < N; k++)
                sums[k] += values[k];
        }
    }
#pragma unroll
    for (int k = 0; k < N; k++)
        slots[thread][k] = sums[k];
    __syncthreads();
    if (threadIdx.y || column >= columns)
        return;
    for (unsigned y = 1; y < blockDim.y; y++)
#pragma unroll
        for (int k = 0; k < N; k++)
            sums[k] += slots[thread + y * blockDim.x][k];
    store_vector<N>(parts + (size_t)blockIdx.y * columns + column, sums);
}

template <typename T, int N> void sum_columns(Ops *ops, const T *x, float *sum, bool add, int rows, int columns) {
    const GpuColumnSums sums = gpu_column_sums(rows, columns, N);
    const int across = sums.across, count = sums.rows.count;
    float *parts = (float *)cuda_scratch(ops, "column_sums", gpu_column_sums_scratch(ops->type, rows, columns));
    LAUNCH(ops, "column_sums", (sum_rows<T, N>), dim3(gpu_ceiling(columns, across * N), count),
           dim3(across, THREADS / across), 0, x, parts, rows, columns, sums.rows.part);
    add_parts(ops, parts, count, columns, 1, columns, Sums{{sum}}, add);
}

} // namespace

void add_parts(Ops *ops, const float *parts, int count, size_t stride, int sums, int columns, Sums out, bool add) {
    const int groups = count < 1 ? 1 : count < MAX_GROUPS ? count : MAX_GROUPS;
    LAUNCH(ops, "add_parts", sum_column_parts, dim3(gpu_ceiling(columns, WARP), sums), WARP * groups, 0, parts, count,
           stride, columns, out.to[0], out.to[1], out.to[2], add);
}

void column_sums(Ops *ops, const Real *x, float *sum, bool add, int rows, int columns) {
    WITH_REAL(ops->type, T, WITH_VECTOR(columns, T, N, sum_columns<T, N>(ops, (const T *)x, sum, add, rows, columns)));
}
