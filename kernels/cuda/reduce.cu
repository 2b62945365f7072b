/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/cuda.cuh"
#include "kernels/cuda/real.cuh"
#include "kernels/cuda/warp.cuh"
#include "ops/gpu_scratch.h"

namespace {

enum { THREADS = 256 };
/* Elements that are worth a part. */
const size_t MIN_PART = 1024;

/* The size of each of at most GPU_NORM_PARTS parts of `count`, in whole packs. */
size_t part_of(size_t count) {
    const size_t part = (count + GPU_NORM_PARTS - 1) / GPU_NORM_PARTS;
    return part < MIN_PART ? MIN_PART : (part + 3) / 4 * 4;
}

/* The squares' sums by parts. Doubles hold any float's square, so that only an element that is not finite makes a sum
 * so. Bytes: 4 an element; floor for the 304 million of ViT-L: 0.4 ms. */
__global__ void __launch_bounds__(THREADS) sum_squares(const float *x, size_t count, size_t part, double *parts) {
    SHARED(double, slots, [THREADS / WARP]);
    typedef Pack<float> Four;
    const size_t start = blockIdx.x * part, end = start + part < count ? start + part : count;
    const size_t whole = start + (end - start) / Four::COUNT * Four::COUNT;
    double sums[Four::COUNT] = {0, 0, 0, 0};
#pragma unroll 4
    for (size_t i = start + threadIdx.x * Four::COUNT; i < whole; i += THREADS * Four::COUNT) {
        const Four four = load_pack(x + i);
#pragma unroll
        for (int j = 0; j < Four::COUNT; j++)
            sums[j] += (double)four.values[j] * four.values[j];
    }
    const size_t rest = whole + threadIdx.x;
    if (rest < end)
        sums[0] += (double)x[rest] * x[rest];
    const double sum = block_sum<THREADS>((sums[0] + sums[1]) + (sums[2] + sums[3]), slots);
    if (threadIdx.x == 0)
        parts[blockIdx.x] = sum;
}

/* At most 8 KB: the time of one launch. */
__global__ void __launch_bounds__(THREADS) sum_parts(const double *parts, int count, float *norm) {
    SHARED(double, slots, [THREADS / WARP]);
    double sum = 0;
    for (int i = threadIdx.x; i < count; i += THREADS)
        sum += parts[i];
    sum = block_sum<THREADS>(sum, slots);
    if (threadIdx.x == 0)
        *norm = (float)sqrt(sum);
}

__global__ void no_nonfinite(size_t count, unsigned long long *first) {
    *first = count;
}

/* The lowest index found is the same in any order. Bytes: an element's size each; floor for ViT-L's 304 million
 * gradients in FP32: 0.4 ms. */
template <typename T>
__global__ void __launch_bounds__(THREADS) first_nonfinite(const T *x, size_t count, unsigned long long *first) {
    const size_t start = ((size_t)blockIdx.x * THREADS + threadIdx.x) * Pack<T>::COUNT;
    if (start >= count)
        return;
    int found = Pack<T>::COUNT;
    if (start + Pack<T>::COUNT <= count) {
        const Pack<T> pack = load_pack(x + start);
#pragma unroll
        for (int i = Pack<T>::COUNT - 1; i >= 0; i--)
            found = isfinite(to_float(pack.values[i])) ? found : i;
    } else {
        for (int i = (int)(count - start) - 1; i >= 0; i--)
            found = isfinite(to_float(x[start + i])) ? found : i;
    }
    if (found < Pack<T>::COUNT)
        atomicMin(first, (unsigned long long)(start + found));
}

template <typename T> void find_first(Ops *ops, const T *x, size_t count, unsigned long long *first) {
    const size_t each = (size_t)THREADS * Pack<T>::COUNT;
    LAUNCH(ops, "find_nonfinite", (first_nonfinite<T>), (unsigned)((count + each - 1) / each), THREADS, 0, x, count,
           first);
}

} // namespace

void cuda_global_norm(Ops *ops, const GlobalNorm *a) {
    if (ops->error)
        return;
    double *parts = (double *)cuda_scratch(ops, "global_norm", gpu_global_norm_scratch());
    const size_t part = part_of(a->count);
    const int used = (int)((a->count + part - 1) / part);
    LAUNCH(ops, "global_norm", sum_squares, used, THREADS, 0, a->x, a->count, part, parts);
    LAUNCH(ops, "global_norm", sum_parts, 1, THREADS, 0, parts, used, a->norm);
}

void cuda_find_nonfinite(Ops *ops, const FindNonfinite *a) {
    if (ops->error)
        return;
    unsigned long long *at = (unsigned long long *)a->first;
    LAUNCH(ops, "find_nonfinite", no_nonfinite, 1, 1, 0, a->count, at);
    WITH_REAL(a->type, T, find_first<T>(ops, (const T *)a->x, a->count, at));
}
