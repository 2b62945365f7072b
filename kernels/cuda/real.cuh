/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of Real tensors in kernels: float or BF16, read and written 16 bytes at a time where a tensor's rows start
 * on multiples of 16 bytes, and computed with as floats. */
#ifndef FOVEA_REAL_CUH
#define FOVEA_REAL_CUH

#include <cuda_bf16.h>
#include <stdint.h>
#include <string.h>

typedef __nv_bfloat16 bf16;

/* The GPU itself stops at an address that is not a multiple of 16; the emulator checks it. */
#ifdef __CUDACC__
#define CHECK_ALIGNMENT(at) ((void)0)
#endif

__device__ __forceinline__ float to_float(float x) {
    return x;
}
__device__ __forceinline__ float to_float(bf16 x) {
    return __bfloat162float(x);
}

/* The nearest T, ties to even. */
template <typename T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) {
    return x;
}
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) {
    return __float2bfloat16_rn(x);
}

/* The value as a T tensor stores it. */
template <typename T> __device__ __forceinline__ float rounded(float x) {
    return to_float(from_float<T>(x));
}

/* 16 bytes of a tensor: 4 floats or 8 BF16. */
template <typename T> struct alignas(16) Pack {
    enum { COUNT = 16 / sizeof(T) };
    T values[COUNT];
};

/* Reads and writes of 16 bytes; `at` is a multiple of 16. */
template <typename T> __device__ __forceinline__ Pack<T> load_pack(const T *at) {
    CHECK_ALIGNMENT(at);
    return *reinterpret_cast<const Pack<T> *>(at);
}
template <typename T> __device__ __forceinline__ void store_pack(T *at, const Pack<T> &pack) {
    CHECK_ALIGNMENT(at);
    *reinterpret_cast<Pack<T> *>(at) = pack;
}

/* The same to global memory as one instruction, for values that a kernel has just made: there the compiler may split
 * the assignment above into four stores of 4 bytes, four times the requests to the cache. tests/e2e/kernels.sh looks
 * for such. */
template <typename T> __device__ __forceinline__ void store_pack_whole(T *at, const Pack<T> &pack) {
#ifdef __CUDACC__
    uint4 words;
    memcpy(&words, &pack, sizeof words);
    asm volatile("st.global.v4.b32 [%0], {%1,%2,%3,%4};" ::"l"(__cvta_generic_to_global(at)), "r"(words.x),
                 "r"(words.y), "r"(words.z), "r"(words.w)
                 : "memory");
#else
    store_pack(at, pack);
#endif
}

/* Runs `statement` with T as float or bf16, as `type` says: WITH_REAL(ops->type, T, launch<T>(ops, ...)). */
#define WITH_REAL(type, T, ...)                                                                                        \
    do {                                                                                                               \
        if ((type) == REAL_BF16) {                                                                                     \
            typedef bf16 T;                                                                                            \
            __VA_ARGS__;                                                                                               \
        } else {                                                                                                       \
            typedef float T;                                                                                           \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
    } while (0)

#endif
