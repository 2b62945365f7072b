/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/summary.cuh"

#include "kernels/cuda/vector_load.cuh"

namespace {

enum { THREADS = SUMMARY_THREADS, COUNT_THREADS = 512 };

/* Bytes: an element's size each; floor for a ViT-L's 304 million gradients in FP32: 0.4 ms. */
template <typename T>
__global__ void __launch_bounds__(THREADS)
    summarise_parts(const T *x, size_t count, size_t part, TensorSummary *parts) {
    enum { COUNT = Pack<T>::COUNT };
    const size_t start = blockIdx.x * part, end = start + part < count ? start + part : count;
    const size_t whole = start + (end - start) / COUNT * COUNT;
    Tally tally = {};
#pragma unroll 4
    for (size_t i = start + threadIdx.x * COUNT; i < whole; i += THREADS * COUNT) {
        const Pack<T> pack = load_pack(x + i);
#pragma unroll
        for (int j = 0; j < COUNT; j++)
            tally_value(tally, to_float(pack.values[j]));
    }
    const size_t rest = whole + threadIdx.x;
    if (rest < end)
        tally_value(tally, to_float(x[rest]));
    store_tallies(tally, parts + blockIdx.x);
}

/* At most 16 KB: the time of one launch. */
__global__ void __launch_bounds__(THREADS)
    add_summaries(const TensorSummary *parts, unsigned count, TensorSummary *to) {
    Tally tally = {};
    for (unsigned i = threadIdx.x; i < count; i += THREADS) {
        const TensorSummary part = parts[i];
        tally.squares += part.squares;
        tally.largest = fmaxf(tally.largest, (float)part.largest);
        tally.zeros += part.zeros;
        tally.nonfinite += part.nonfinite;
    }
    store_tallies(tally, to);
}

template <typename T> void summarise(Ops *ops, const T *x, size_t count, TensorSummary *to) {
    const SummaryParts parts = summary_parts(ops, "summarise_tensor", count, to);
    LAUNCH(ops, "summarise_tensor", (summarise_parts<T>), parts.count, THREADS, 0, x, count, parts.each, parts.at);
    add_summary_parts(ops, parts, to);
}

/* A thread looks for values above 0 in N columns, in every blockDim.y-th row of a part, until each has one: in a
 * healthy layer that takes some ten rows. Bytes: at most the tensor once; floor for the 8,400 x 4,096 of ViT-L's MLP in
 * BF16 with all units idle: 22 us. A part gets a byte for each thread across, with a bit for each column. */
template <typename T, int N>
__global__ void __launch_bounds__(THREADS)
    mark_active(const T *x, unsigned char *marks, int rows, int columns, int part) {
    SHARED(unsigned, slots, [THREADS]);
    enum { ALL = (1 << N) - 1, STEPS = 4 };
    const int group = blockIdx.x * blockDim.x + threadIdx.x, thread = threadIdx.y * blockDim.x + threadIdx.x;
    const int groups = columns / N, end = min(rows, (int)(blockIdx.y + 1) * part), down = blockDim.y;
    unsigned active = group < groups ? 0 : ALL;
    for (int row = blockIdx.y * part + threadIdx.y; row < end && active != ALL; row += STEPS * down) {
        float values[STEPS][N];
#pragma unroll
        for (int i = 0; i < STEPS; i++) /* the last row again, where there are no more */
            load_vector<N>(x + (size_t)min(row + i * down, end - 1) * columns + group * N, values[i]);
#pragma unroll
        for (int i = 0; i < STEPS; i++)
#pragma unroll
            for (int k = 0; k < N; k++)
                active |= !(values[i][k] <= 0) << k;
    }
    slots[thread] = active;
    __syncthreads();
    if (threadIdx.y || group >= groups)
        return;
    for (int y = 1; y < down; y++)
        active |= slots[thread + y * blockDim.x];
    marks[(size_t)blockIdx.y * groups + group] = active;
}

/* Bytes: a part's marks, in the L2 cache: 64 KB for ViT-L; the time of one launch. */
template <int N>
__global__ void __launch_bounds__(COUNT_THREADS)
    count_idle(const unsigned char *marks, int parts, int groups, int32_t *idle) {
    SHARED(int, slots, [COUNT_THREADS / WARP]);
    int count = 0;
    for (int group = threadIdx.x; group < groups; group += COUNT_THREADS) {
        unsigned active = 0;
#pragma unroll 8
        for (int part = 0; part < parts; part++)
            active |= marks[(size_t)part * groups + group];
        count += N - __popc(active);
    }
    count = block_sum<COUNT_THREADS>(count, slots);
    if (threadIdx.x == 0)
        *idle = count;
}

template <typename T, int N> void count_units(Ops *ops, const T *x, const CountIdleUnits *a) {
    const int groups = a->columns / N;
    int across = WARP;
    while (across < THREADS && across < groups)
        across += across;
    const GpuParts parts = gpu_idle_parts(a->rows);
    unsigned char *marks =
        (unsigned char *)cuda_scratch(ops, "count_idle_units", gpu_idle_scratch(a->rows, a->columns));
    LAUNCH(ops, "count_idle_units", (mark_active<T, N>), dim3((groups + across - 1) / across, parts.count),
           dim3(across, THREADS / across), 0, x, marks, a->rows, a->columns, parts.part);
    LAUNCH(ops, "count_idle_units", (count_idle<N>), 1, COUNT_THREADS, 0, marks, parts.count, groups, a->idle);
}

} // namespace

SummaryParts summary_parts(Ops *ops, const char *operation, size_t count, TensorSummary *to) {
    const size_t MIN_PART = 2048, MULTIPLE = 8; /* MIN_PART: worth a block */
    const size_t even = gpu_round_up((count + GPU_SUMMARY_PARTS - 1) / GPU_SUMMARY_PARTS, MULTIPLE);
    const size_t each = even < MIN_PART ? MIN_PART : even;
    const unsigned parts = count > each ? (unsigned)((count + each - 1) / each) : 1;
    return SummaryParts{each, parts,
                        parts == 1 ? to : (TensorSummary *)cuda_scratch(ops, operation, gpu_summary_scratch())};
}

void add_summary_parts(Ops *ops, const SummaryParts &parts, TensorSummary *to) {
    if (parts.count > 1)
        LAUNCH(ops, "add_summary_parts", add_summaries, 1, THREADS, 0, parts.at, parts.count, to);
}

void cuda_summarise_tensor(Ops *ops, const SummariseTensor *a) {
    if (ops->error)
        return;
    WITH_REAL(a->type, T, summarise<T>(ops, (const T *)a->x, a->count, a->summary));
}

void cuda_count_idle_units(Ops *ops, const CountIdleUnits *a) {
    if (ops->error)
        return;
    WITH_REAL(ops->type, T, WITH_VECTOR(a->columns, T, N, count_units<T, N>(ops, (const T *)a->x, a)));
}
