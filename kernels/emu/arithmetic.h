/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA's intrinsics and integer atomics, which kernels use beyond <math.h>. There is no atomic sum of floats: its
 * result would depend on the order of threads. */
#ifndef FOVEA_EMU_ARITHMETIC_H
#define FOVEA_EMU_ARITHMETIC_H

/* In block.cc: fails the kernel unless `at` is a multiple of `bytes`. */
namespace emu {
void check_alignment(const void *at, size_t bytes, const char *file, int line);
}

template <typename To, typename From> static inline To emu_bits(From from) {
    static_assert(sizeof(To) == sizeof(From), "the same bits");
    To to;
    memcpy(&to, &from, sizeof(to));
    return to;
}
static inline unsigned __float_as_uint(float x) {
    return emu_bits<unsigned>(x);
}
static inline float __uint_as_float(unsigned x) {
    return emu_bits<float>(x);
}
static inline int __float_as_int(float x) {
    return emu_bits<int>(x);
}
static inline float __int_as_float(int x) {
    return emu_bits<float>(x);
}
/* To nearest, ties to even; saturated beyond the range, NaN to 0, as the GPU converts. */
static inline int __float2int_rn(float x) {
    return x != x ? 0 : x >= 0x1p31f ? 0x7fffffff : x <= -0x1p31f ? -0x7fffffff - 1 : (int)rintf(x);
}
static inline int __popc(unsigned x) {
    return __builtin_popcount(x);
}
static inline int __ffs(int x) {
    return __builtin_ffs(x);
}
static inline int __clz(int x) {
    return x ? __builtin_clz((unsigned)x) : 32;
}

static inline float rsqrtf(float x) {
    return 1.0f / sqrtf(x);
}
static inline float emu_expf(float x) {
    return expf(x);
}
/* <math.h> also declares __expf, which the library lacks. */
#define __expf emu_expf
/* The GPU's quotient for a divisor beyond 2^126 is 0. */
static inline float __fdividef(float x, float y) {
    return fabsf(y) > 0x1p126f && fabsf(y) <= 0x1.fffffep127f ? (x - x) * 0.0f : x / y;
}

/* Mixed arguments as in CUDA: unsigned wins over signed, the wider over the narrower. */
#define EMU_MIN_MAX(type, a, b)                                                                                        \
    static inline type min(a x, b y) {                                                                                 \
        return (type)y < (type)x ? (type)y : (type)x;                                                                  \
    }                                                                                                                  \
    static inline type max(a x, b y) {                                                                                 \
        return (type)x < (type)y ? (type)y : (type)x;                                                                  \
    }
EMU_MIN_MAX(int, int, int)
EMU_MIN_MAX(unsigned, unsigned, unsigned)
EMU_MIN_MAX(unsigned, int, unsigned)
EMU_MIN_MAX(unsigned, unsigned, int)
EMU_MIN_MAX(long, long, long)
EMU_MIN_MAX(unsigned long, unsigned long, unsigned long)
EMU_MIN_MAX(unsigned long, long, unsigned long)
EMU_MIN_MAX(unsigned long, unsigned long, long)
EMU_MIN_MAX(long long, long long, long long)
EMU_MIN_MAX(unsigned long long, unsigned long long, unsigned long long)
EMU_MIN_MAX(unsigned long long, long long, unsigned long long)
EMU_MIN_MAX(unsigned long long, unsigned long long, long long)
#undef EMU_MIN_MAX
static inline float min(float x, float y) {
    return fminf(x, y);
}
static inline float max(float x, float y) {
    return fmaxf(x, y);
}
static inline double min(double x, double y) {
    return fmin(x, y);
}
static inline double max(double x, double y) {
    return fmax(x, y);
}

template <typename T> static inline T __ldg(const T *at) {
    return *at;
}
static inline void __threadfence() {
}

/* Fibres switch only where they wait, so these need no locks. */
#define EMU_ATOMICS(type)                                                                                              \
    static inline type atomicAdd(type *at, type x) {                                                                   \
        const type old = *at;                                                                                          \
        *at = (type)((unsigned long long)old + (unsigned long long)x);                                                 \
        return old;                                                                                                    \
    }                                                                                                                  \
    static inline type atomicMax(type *at, type x) {                                                                   \
        const type old = *at;                                                                                          \
        *at = old < x ? x : old;                                                                                       \
        return old;                                                                                                    \
    }                                                                                                                  \
    static inline type atomicMin(type *at, type x) {                                                                   \
        const type old = *at;                                                                                          \
        *at = x < old ? x : old;                                                                                       \
        return old;                                                                                                    \
    }                                                                                                                  \
    static inline type atomicExch(type *at, type x) {                                                                  \
        const type old = *at;                                                                                          \
        *at = x;                                                                                                       \
        return old;                                                                                                    \
    }                                                                                                                  \
    static inline type atomicCAS(type *at, type expected, type x) {                                                    \
        const type old = *at;                                                                                          \
        *at = old == expected ? x : old;                                                                               \
        return old;                                                                                                    \
    }
EMU_ATOMICS(int)
EMU_ATOMICS(unsigned)
EMU_ATOMICS(unsigned long long)
#undef EMU_ATOMICS

/* For real.cuh: 16-byte accesses must be aligned, as on the GPU. */
#define CHECK_ALIGNMENT(at) emu::check_alignment((at), 16, __FILE__, __LINE__)

#endif
