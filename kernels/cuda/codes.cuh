/* SPDX-License-Identifier: Apache-2.0 */
/* FP8 codes that a kernel writes beside its BF16 results, as quantise_fp8() makes them. */
#ifndef FOVEA_CODES_CUH
#define FOVEA_CODES_CUH

#include "kernels/cuda/real.cuh"
#include "kernels/cuda/warp.cuh"

#include <cuda_fp8.h>

/* A code's value. */
__device__ __forceinline__ float code_value(uint8_t code, int format) {
    const unsigned bits = format == FP8_E4M3 ? 3 : 2, bias = format == FP8_E4M3 ? 7 : 15;
    const unsigned size = code & 0x7fu, exponent = size >> bits, fraction = size & ((1u << bits) - 1);
    float value = exponent ? __uint_as_float(((exponent + 127 - bias) << 23) | (fraction << (23 - bits)))
                           : (float)fraction * __uint_as_float((128 - bias - bits) << 23);
    if (size == 0x7f)
        value = __uint_as_float(0x7fc00000u);
    return code & 0x80u ? -value : value;
}

/* A thread's part: from the scale, and from the values it saw. */
struct Coder {
    float factor, limit;
    __nv_fp8_interpretation_t format;
    unsigned largest, saturated;
};

__device__ __forceinline__ Coder coder_begin(const Fp8Codes &codes) {
    const bool fine = codes.scale->format == FP8_E4M3;
    const float scale = codes.scale->scale;
    return Coder{scale != 0 ? scale : 1.0f, fine ? 448.0f : 57344.0f, fine ? __NV_E4M3 : __NV_E5M2, 0, 0};
}

/* Writes the codes of a pack of BF16 to `at`, a multiple of its 8 values. */
__device__ __forceinline__ void coder_store(Coder &coder, uint8_t *at, const Pack<bf16> &pack) {
    uint2 out = {};
#pragma unroll /* sizes are ordered as their bits */
    for (int k = 0; k < Pack<bf16>::COUNT; k += 2) {
        const float low = to_float(pack.values[k]), high = to_float(pack.values[k + 1]);
        const float2 scaled = make_float2(low * coder.factor, high * coder.factor);
        const unsigned sizes = max(__float_as_uint(low) & 0x7fffffffu, __float_as_uint(high) & 0x7fffffffu);
        coder.largest = max(coder.largest, sizes);
        coder.saturated += (fabsf(scaled.x) > coder.limit) + (fabsf(scaled.y) > coder.limit);
        const unsigned pair = __nv_cvt_float2_to_fp8x2(scaled, __NV_SATFINITE, coder.format);
        (k < 4 ? out.x : out.y) |= pair << k % 4 * 8;
    }
    *reinterpret_cast<uint2 *>(at) = out;
}

/* What the warps of a block saw, in shared memory. */
enum { CODER_WARPS = 32 };
#define CODER_SLOTS(name) SHARED(uint2, name, [CODER_WARPS])

/* All threads of a block: combines what they saw. One thread a block asks whether a larger value is known already,
 * which most find, and needs no atomic then: one a warp would be hundreds of thousands of reads of one cache line. */
__device__ __forceinline__ void coder_end(const Coder &coder, const Fp8Codes &codes, uint2 *slots) {
    if (codes.seen)
        return;
    const unsigned largest = warp_max(coder.largest), saturated = warp_sum(coder.saturated);
    if (threadIdx.x % WARP == 0)
        slots[threadIdx.x / WARP] = make_uint2(largest, saturated);
    __syncthreads();
    if (threadIdx.x)
        return;
    uint2 all = slots[0];
    for (unsigned i = 1; i < blockDim.x / WARP; i++)
        all = make_uint2(max(all.x, slots[i].x), all.y + slots[i].y);
    unsigned *amax = (unsigned *)&codes.scale->amax;
    if (all.x > *(volatile unsigned *)amax)
        atomicMax(amax, all.x);
    if (all.y)
        atomicAdd(&codes.scale->saturated, all.y);
}

#endif
