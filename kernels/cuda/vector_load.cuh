/* SPDX-License-Identifier: Apache-2.0 */
/* N elements of a row at a time, as floats: 16 bytes where every row starts on a multiple of 16, else one element. */
#ifndef FOVEA_VECTOR_LOAD_CUH
#define FOVEA_VECTOR_LOAD_CUH

#include "kernels/cuda/real.cuh"

template <int N, typename T> __device__ __forceinline__ void load_vector(const T *at, float (&values)[N]) {
    constexpr int COUNT = Pack<T>::COUNT;
    if constexpr (N % COUNT == 0) {
#pragma unroll
        for (int start = 0; start < N; start += COUNT) {
            const Pack<T> pack = load_pack(at + start);
#pragma unroll
            for (int k = 0; k < COUNT; k++)
                values[start + k] = to_float(pack.values[k]);
        }
    } else {
#pragma unroll
        for (int k = 0; k < N; k++)
            values[k] = to_float(at[k]);
    }
}

template <int N, typename T> __device__ __forceinline__ void store_vector(T *at, const float (&values)[N]) {
    constexpr int COUNT = Pack<T>::COUNT;
    if constexpr (N % COUNT == 0) {
#pragma unroll
        for (int start = 0; start < N; start += COUNT) {
            Pack<T> pack;
#pragma unroll
            for (int k = 0; k < COUNT; k++)
                pack.values[k] = from_float<T>(values[start + k]);
            store_pack(at + start, pack);
        }
    } else {
#pragma unroll
        for (int k = 0; k < N; k++)
            at[k] = from_float<T>(values[k]);
    }
}

/* Runs `statement` with N as the number of elements of T that rows of `dim` are read by: WITH_VECTOR(dim, T, N,
 * statement). */
#define WITH_VECTOR(dim, T, N, ...)                                                                                    \
    do {                                                                                                               \
        if ((dim) % Pack<T>::COUNT == 0) {                                                                             \
            constexpr int N = Pack<T>::COUNT;                                                                          \
            __VA_ARGS__;                                                                                               \
        } else {                                                                                                       \
            constexpr int N = 1;                                                                                       \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
    } while (0)

#endif
