/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and largest values over a warp and over a block, in an order that is always the same. */
#ifndef FOVEA_WARP_CUH
#define FOVEA_WARP_CUH

#include "kernels/cuda/cuda.cuh"

enum { WARP = 32, ALL_LANES = -1 };

/* Every lane gets the sum over the warp's 32 lanes. */
template <typename T> __device__ __forceinline__ T warp_sum(T x) {
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2)
        x += __shfl_xor_sync((unsigned)ALL_LANES, x, distance);
    return x;
}

template <typename T> __device__ __forceinline__ T warp_max(T x) {
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        const T other = __shfl_xor_sync((unsigned)ALL_LANES, x, distance);
        x = other > x ? other : x;
    }
    return x;
}

/* Every thread gets the sum over a block of THREADS threads (one dimension, whole warps). `slots` is shared memory of
 * THREADS / 32 elements, free again on return. */
template <int THREADS, typename T> __device__ __forceinline__ T block_sum(T x, T *slots) {
    x = warp_sum(x);
    if (threadIdx.x % WARP == 0)
        slots[threadIdx.x / WARP] = x;
    __syncthreads();
    T total = 0;
#pragma unroll
    for (int i = 0; i < THREADS / WARP; i++)
        total += slots[i];
    __syncthreads();
    return total;
}

template <int THREADS, typename T> __device__ __forceinline__ T block_max(T x, T *slots) {
    x = warp_max(x);
    if (threadIdx.x % WARP == 0)
        slots[threadIdx.x / WARP] = x;
    __syncthreads();
    T largest = slots[0];
#pragma unroll
    for (int i = 1; i < THREADS / WARP; i++)
        largest = slots[i] > largest ? slots[i] : largest;
    __syncthreads();
    return largest;
}

#endif
