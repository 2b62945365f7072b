/* SPDX-License-Identifier: Apache-2.0 */
/* FP8 conversions as in CUDA's header of this name: what the kernels use of it. */
#ifndef FOVEA_EMU_CUDA_FP8_H
#define FOVEA_EMU_CUDA_FP8_H

typedef unsigned char __nv_fp8_storage_t;
typedef unsigned short __nv_fp8x2_storage_t;
typedef enum { __NV_NOSAT, __NV_SATFINITE } __nv_saturation_t;
typedef enum { __NV_E4M3, __NV_E5M2 } __nv_fp8_interpretation_t;

/* To nearest, ties to even. Beyond the largest value: that value when `saturate`, else infinity, which E4M3 lacks and
 * writes as NaN. NaN is 0x7f, without its sign. */
static inline __nv_fp8_storage_t __nv_cvt_float_to_fp8(float x, __nv_saturation_t saturate,
                                                       __nv_fp8_interpretation_t format) {
    if (x != x)
        return 0x7f;
    const int fraction_bits = format == __NV_E4M3 ? 3 : 2, least_exponent = format == __NV_E4M3 ? -6 : -14;
    const unsigned largest = format == __NV_E4M3 ? 0x7e : 0x7b;
    const unsigned sign = __float_as_uint(x) >> 31 << 7, size = __float_as_uint(x) & 0x7fffffffu;
    int exponent = (int)(size >> 23) - 127;
    if (exponent < least_exponent)
        exponent = least_exponent;
    unsigned code = largest + 1;
    if (exponent < 16) {
        /* In units of the format's last place: at most 2^24 of them, so the scaling is exact. */
        const float unit = __uint_as_float((unsigned)(127 - exponent + fraction_bits) << 23);
        code = (unsigned)rintf(__uint_as_float(size) * unit) + ((unsigned)(exponent - least_exponent) << fraction_bits);
    }
    if (code > largest)
        code = saturate == __NV_SATFINITE ? largest : format == __NV_E4M3 ? 0x7f : 0x7c;
    return (__nv_fp8_storage_t)(sign | code);
}
/* x in the lower byte. */
static inline __nv_fp8x2_storage_t __nv_cvt_float2_to_fp8x2(float2 v, __nv_saturation_t saturate,
                                                            __nv_fp8_interpretation_t format) {
    return (__nv_fp8x2_storage_t)(__nv_cvt_float_to_fp8(v.y, saturate, format) << 8 |
                                  __nv_cvt_float_to_fp8(v.x, saturate, format));
}

#endif
