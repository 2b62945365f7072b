/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/codes.cuh"
#include "kernels/cuda/gelu.cuh"
#include "kernels/cuda/vector_load.cuh"

#include <math.h>

namespace {

enum {
    THREADS = 256,
    EACH = 4, /* packs that a thread has under way at once */
    WIDE_EACH = 8
};

/* P(X > t) - slope * t * phi(t) for the standard normal distribution and its density phi, 0 <= t <= 13: e^(-t^2/2)
 * times the polynomial of kernels/cpu/approx.h, whose absolute error is below 1e-7. erfcf() would cost twice the
 * instructions, more than the memory leaves time for. */
__device__ __forceinline__ float normal_tail(float t, float slope) {
    const float u = fminf(t, 6.0f);
    float p = -3.23842792e-07f;
    p = p * u + 7.87950717e-06f;
    p = p * u - 8.62692974e-05f;
    p = p * u + 0.000571003408f;
    p = p * u - 0.00261228569f;
    p = p * u + 0.00904665326f;
    p = p * u - 0.0255247977f;
    p = p * u + 0.061965131f;
    p = p * u - 0.132824915f;
    p = p * u + 0.249977384f;
    p = p * u + (-0.398941144f - slope * 0.398942280f);
    p = p * u + 0.5f;
    return p * exp2f(t * t * -0.721347520f);
}

/* |x|, but no more than `largest`; NaN stays NaN. */
__device__ __forceinline__ float size_of(float x, float largest) {
    const float size = fabsf(x);
    return size > largest ? largest : size;
}

/* e^-2u as a power of two, u = sqrt(2 / pi) (x + 0.044715 x^3): 2 sqrt(2 / pi) / ln 2, and 0.044715 times that. Beyond
 * 9.8 in size 1 / (1 + e^-2u) is 0 or 1 to a float. */
#define TANH_LINEAR 2.30220819f
#define TANH_CUBIC 0.102943239f

__device__ __forceinline__ float clamped(float x) {
    x = x < -9.8f ? -9.8f : x;
    return x > 9.8f ? 9.8f : x;
}

/* BF16 results allow the faster one, whose error is 2 in the last place: the exact one's instructions would take longer
 * than the memory. */
template <typename T> __device__ __forceinline__ float quotient(float x, float y) {
    return sizeof(T) < sizeof(float) ? __fdividef(x, y) : x / y;
}

template <typename T, Activation ACT> __device__ __forceinline__ float value(float x) {
    if (ACT == ACTIVATION_GELU_ERF) {
        /* x Phi(x) without a difference of nearly equal numbers, and 0 at -infinity. */
        const float t = size_of(x, 13.0f);
        return (x < 0.0f ? 0.0f : x) - t * normal_tail(t, 0.0f);
    }
    if (ACT == ACTIVATION_GELU_TANH) {
        /* x (1 + tanh(u)) / 2 = x / (1 + e^-2u). */
        const float v = clamped(x);
        return quotient<T>(x < 0.0f ? v : x, 1.0f + exp2f(-v * (TANH_LINEAR + TANH_CUBIC * v * v)));
    }
    return x;
}

template <typename T, Activation ACT> __device__ __forceinline__ float slope(float x) {
    if (ACT == ACTIVATION_GELU_ERF) {
        /* Phi(x) + x phi(x), which is 1 less at -x. */
        const float left = normal_tail(size_of(x, 13.0f), 1.0f);
        return x < 0.0f ? left : 1.0f - left;
    }
    /* s + x s', s = 1 / (1 + e^-2u), s' = s^2 e^-2u 2u'. */
    const float v = clamped(x), e = exp2f(-v * (TANH_LINEAR + TANH_CUBIC * v * v)), s = quotient<T>(1.0f, 1.0f + e);
    return s + v * s * s * e * 0.693147181f * (TANH_LINEAR + 3.0f * TANH_CUBIC * v * v);
}

/* Bytes: 2 tensors; floor for ViT-L's 51,200 x 4,096 in BF16: 272 us. CODED, of BF16 and whole packs: leaves codes of
 * y, a byte an element more. */
template <typename T, Activation ACT, bool CODED>
__global__ void __launch_bounds__(THREADS, 3) gelu_values(const T *x, T *y, Fp8Codes codes, size_t count) {
    enum { COUNT = Pack<T>::COUNT };
    const size_t packs = count / COUNT, first = (size_t)blockIdx.x * THREADS * EACH + threadIdx.x;
    Coder coder = {};
    if constexpr (CODED)
        coder = coder_begin(codes);
    Pack<T> pack[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++)
        if (first + i * THREADS < packs)
            pack[i] = load_pack(x + (first + i * THREADS) * COUNT);
#pragma unroll
    for (int i = 0; i < EACH; i++)
        if (first + i * THREADS < packs) {
            const size_t at = (first + i * THREADS) * COUNT;
#pragma unroll
            for (int k = 0; k < COUNT; k++)
                pack[i].values[k] = from_float<T>(value<T, ACT>(to_float(pack[i].values[k])));
            store_pack(y + at, pack[i]);
            if constexpr (CODED)
                coder_store(coder, codes.y + at, pack[i]);
        }
    if constexpr (CODED) {
        CODER_SLOTS(slots);
        coder_end(coder, codes, slots);
    } else {
        const size_t rest = packs * COUNT + first; /* of the first block: less than a pack */
        if (rest < count && first < COUNT)
            y[rest] = from_float<T>(value<T, ACT>(to_float(x[rest])));
    }
}

/* Bytes: 3 tensors; floor for ViT-L's 51,200 x 4,096 in BF16: 409 us. CODED: as above, of dx. */
template <typename T, Activation ACT, bool CODED>
__global__ void __launch_bounds__(THREADS, 3)
    gelu_slopes(const T *dy, const T *x, T *dx, Fp8Codes codes, size_t count) {
    enum { COUNT = Pack<T>::COUNT };
    const size_t packs = count / COUNT, first = (size_t)blockIdx.x * THREADS * EACH + threadIdx.x;
    Coder coder = {};
    if constexpr (CODED)
        coder = coder_begin(codes);
    Pack<T> pack[EACH], input[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++)
        if (first + i * THREADS < packs) {
            pack[i] = load_pack(dy + (first + i * THREADS) * COUNT);
            input[i] = load_pack(x + (first + i * THREADS) * COUNT);
        }
#pragma unroll
    for (int i = 0; i < EACH; i++)
        if (first + i * THREADS < packs) {
            const size_t at = (first + i * THREADS) * COUNT;
#pragma unroll
            for (int k = 0; k < COUNT; k++)
                pack[i].values[k] =
                    from_float<T>(to_float(pack[i].values[k]) * slope<T, ACT>(to_float(input[i].values[k])));
            store_pack(dx + at, pack[i]);
            if constexpr (CODED)
                coder_store(coder, codes.y + at, pack[i]);
        }
    if constexpr (CODED) {
        CODER_SLOTS(slots);
        coder_end(coder, codes, slots);
    } else {
        const size_t rest = packs * COUNT + first;
        if (rest < count && first < COUNT)
            dx[rest] = from_float<T>(to_float(dy[rest]) * slope<T, ACT>(to_float(x[rest])));
    }
}

/* From products that are still in the cache: memory has 2 tensors in BF16 to move. */
template <Activation ACT>
__global__ void __launch_bounds__(THREADS) gelu_slopes_wide(const float *dy, const bf16 *x, bf16 *dx, size_t count) {
    const size_t at = ((size_t)blockIdx.x * THREADS + threadIdx.x) * WIDE_EACH;
    if (at + WIDE_EACH <= count) {
        float gradient[WIDE_EACH], input[WIDE_EACH];
        load_vector<WIDE_EACH>(dy + at, gradient);
        load_vector<WIDE_EACH>(x + at, input);
#pragma unroll
        for (int k = 0; k < WIDE_EACH; k++)
            gradient[k] *= slope<bf16, ACT>(input[k]);
        store_vector<WIDE_EACH>(dx + at, gradient);
    } else {
        for (size_t i = at; i < count; i++)
            dx[i] = from_float<bf16>(dy[i] * slope<bf16, ACT>(to_float(x[i])));
    }
}

template <typename T> unsigned blocks(size_t count) {
    const size_t each = (size_t)THREADS * EACH * Pack<T>::COUNT;
    return (unsigned)((count + each - 1) / each);
}

template <typename T> void launch_forward(Ops *ops, const T *x, Activation act, T *y, size_t count) {
    if (act == ACTIVATION_GELU_ERF)
        LAUNCH(ops, "gelu_forward", (gelu_values<T, ACTIVATION_GELU_ERF, false>), blocks<T>(count), THREADS, 0, x, y,
               Fp8Codes{}, count);
    else if (act == ACTIVATION_GELU_TANH)
        LAUNCH(ops, "gelu_forward", (gelu_values<T, ACTIVATION_GELU_TANH, false>), blocks<T>(count), THREADS, 0, x, y,
               Fp8Codes{}, count);
    else if (y != x)
        LAUNCH(ops, "gelu_forward", (gelu_values<T, ACTIVATION_NONE, false>), blocks<T>(count), THREADS, 0, x, y,
               Fp8Codes{}, count);
}

template <typename T> void launch_backward(Ops *ops, const T *dy, const T *x, Activation act, T *dx, size_t count) {
    if (act == ACTIVATION_GELU_ERF)
        LAUNCH(ops, "gelu_backward", (gelu_slopes<T, ACTIVATION_GELU_ERF, false>), blocks<T>(count), THREADS, 0, dy, x,
               dx, Fp8Codes{}, count);
    else if (act == ACTIVATION_GELU_TANH)
        LAUNCH(ops, "gelu_backward", (gelu_slopes<T, ACTIVATION_GELU_TANH, false>), blocks<T>(count), THREADS, 0, dy, x,
               dx, Fp8Codes{}, count);
    else
        launch_forward(ops, dy, act, dx, count);
}

} // namespace

void cuda_gelu_forward(Ops *ops, const GeluForward *a) {
    if (ops->error)
        return;
    WITH_REAL(ops->type, T, launch_forward(ops, (const T *)a->x, a->act, (T *)a->y, a->count));
}

void cuda_gelu_backward(Ops *ops, const GeluBackward *a) {
    if (ops->error)
        return;
    WITH_REAL(ops->type, T, launch_backward(ops, (const T *)a->dy, (const T *)a->x, a->act, (T *)a->dx, a->count));
}

void gelu_forward_coded(Ops *ops, const Real *x, Activation act, Real *y, const Fp8Codes &codes, size_t count) {
    if (act == ACTIVATION_GELU_ERF)
        LAUNCH(ops, "gelu_forward", (gelu_values<bf16, ACTIVATION_GELU_ERF, true>), blocks<bf16>(count), THREADS, 0,
               (const bf16 *)x, (bf16 *)y, codes, count);
    else
        LAUNCH(ops, "gelu_forward", (gelu_values<bf16, ACTIVATION_GELU_TANH, true>), blocks<bf16>(count), THREADS, 0,
               (const bf16 *)x, (bf16 *)y, codes, count);
}

void gelu_backward_coded(Ops *ops, const Real *dy, const Real *x, Activation act, Real *dx, const Fp8Codes &codes,
                         size_t count) {
    if (act == ACTIVATION_GELU_ERF)
        LAUNCH(ops, "gelu_backward", (gelu_slopes<bf16, ACTIVATION_GELU_ERF, true>), blocks<bf16>(count), THREADS, 0,
               (const bf16 *)dy, (const bf16 *)x, (bf16 *)dx, codes, count);
    else
        LAUNCH(ops, "gelu_backward", (gelu_slopes<bf16, ACTIVATION_GELU_TANH, true>), blocks<bf16>(count), THREADS, 0,
               (const bf16 *)dy, (const bf16 *)x, (bf16 *)dx, codes, count);
}

void gelu_backward_wide(Ops *ops, const float *dy, const Real *x, Activation act, Real *dx, size_t count) {
    const size_t each = (size_t)THREADS * WIDE_EACH;
    const unsigned blocks = (unsigned)((count + each - 1) / each);
    if (act == ACTIVATION_GELU_ERF)
        LAUNCH(ops, "gelu_backward", (gelu_slopes_wide<ACTIVATION_GELU_ERF>), blocks, THREADS, 0, dy, (const bf16 *)x,
               (bf16 *)dx, count);
    else
        LAUNCH(ops, "gelu_backward", (gelu_slopes_wide<ACTIVATION_GELU_TANH>), blocks, THREADS, 0, dy, (const bf16 *)x,
               (bf16 *)dx, count);
}
