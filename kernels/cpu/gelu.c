/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/activation.h"
#include "kernels/cpu/approx.h"
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/real.h"

#include <string.h>

/* x Phi(x) = max(x, 0) - |x| P(X > |x|): no difference of nearly equal numbers, and 0 at -infinity. */
static inline float erf_value(float x) {
    const float t = approx_size(x);
    return (x < 0.0f ? 0.0f : x) - t * approx_normal_tail(t, 0.0f);
}

/* Phi(x) + x phi(x), which is 1 less at -x. */
static inline float erf_slope(float x) {
    const float left = approx_normal_tail(approx_size(x), 1.0f);
    return x < 0.0f ? left : 1.0f - left;
}

/* The tanh form: x (1 + tanh(u)) / 2 = x s, s = 1 / (1 + e^-2u), u = sqrt(2 / pi) (x + 0.044715 x^3). Beyond 9.8 in
 * size s is 0 or 1 to a float. e^-2u as a power of two: */
static const float LINEAR = 2.30220819f, CUBIC = 0.102943239f; /* 2 sqrt(2 / pi) / ln 2, and 0.044715 times that */

static inline float clamp_input(float x) {
    x = x < -9.8f ? -9.8f : x;
    return x > 9.8f ? 9.8f : x;
}

static inline float tanh_value(float x) {
    const float v = clamp_input(x);
    return (x < 0.0f ? v : x) / (1.0f + approx_exp2(-v * (LINEAR + CUBIC * v * v)));
}

/* s + x s' = s + x s (1 - s) 2u', where 1 - s = s e^-2u without cancellation. */
static inline float tanh_slope(float x) {
    const float ln2 = 0.693147181f;
    const float v = clamp_input(x), e = approx_exp2(-v * (LINEAR + CUBIC * v * v)), s = 1.0f / (1.0f + e);
    return s + v * s * s * e * ln2 * (LINEAR + 3.0f * CUBIC * v * v);
}

#define DEFINE_FORWARD(name, value)                                                                                    \
    WIDE static void name(const float *x, float *y, size_t stride, int rows, int columns) {                            \
        for (int r = 0; r < rows; r++)                                                                                 \
            for (int i = 0; i < columns; i++)                                                                          \
                y[r * stride + i] = value(x[r * stride + i]);                                                          \
    }
#define DEFINE_BACKWARD(name, slope)                                                                                   \
    WIDE static void name(const float *dy, const float *x, float *dx, size_t stride, int rows, int columns) {          \
        for (int r = 0; r < rows; r++)                                                                                 \
            for (int i = 0; i < columns; i++)                                                                          \
                dx[r * stride + i] = dy[r * stride + i] * slope(x[r * stride + i]);                                    \
    }
DEFINE_FORWARD(erf_forward, erf_value)
DEFINE_FORWARD(tanh_forward, tanh_value)
DEFINE_BACKWARD(erf_backward, erf_slope)
DEFINE_BACKWARD(tanh_backward, tanh_slope)

void activation_forward(const float *x, Activation act, float *y, size_t stride, int rows, int columns) {
    if (act == ACTIVATION_GELU_ERF)
        erf_forward(x, y, stride, rows, columns);
    else if (act == ACTIVATION_GELU_TANH)
        tanh_forward(x, y, stride, rows, columns);
    else
        for (int r = 0; r < rows && y != x; r++)
            memcpy(y + r * stride, x + r * stride, columns * sizeof *y);
}

void activation_backward(const float *dy, const float *x, Activation act, float *dx, size_t stride, int rows,
                         int columns) {
    if (act == ACTIVATION_GELU_ERF)
        erf_backward(dy, x, dx, stride, rows, columns);
    else if (act == ACTIVATION_GELU_TANH)
        tanh_backward(dy, x, dx, stride, rows, columns);
    else
        for (int r = 0; r < rows && dx != dy; r++)
            memcpy(dx + r * stride, dy + r * stride, columns * sizeof *dx);
}

void cpu_gelu_forward(Ops *ops, const GeluForward *a) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < a->count; i += PIECE) {
        const size_t length = cpu_min(PIECE, a->count - i);
        float work[PIECE];
        float *to = real_target(ops->type, a->y, i, work);
        activation_forward(real_read(ops->type, a->x, i, length, work), a->act, to, PIECE, 1, (int)length);
        real_store(ops->type, to, a->y, i, length);
    }
}

OpCost cost_gelu_forward(const GeluForward *a, RealType type) {
    return cost_bytes(2.0 * (double)real_size(type) * (double)a->count);
}

void cpu_gelu_backward(Ops *ops, const GeluBackward *a) {
    if (ops->error)
        return;
#pragma omp parallel for num_threads(ops->threads) schedule(static)
    for (size_t i = 0; i < a->count; i += PIECE) {
        const size_t length = cpu_min(PIECE, a->count - i);
        float work[PIECE], slopes[PIECE];
        float *to = real_target(ops->type, a->dx, i, work);
        activation_backward(real_read(ops->type, a->dy, i, length, work), real_read(ops->type, a->x, i, length, slopes),
                            a->act, to, PIECE, 1, (int)length);
        real_store(ops->type, to, a->dx, i, length);
    }
}

OpCost cost_gelu_backward(const GeluBackward *a, RealType type) {
    return cost_bytes(3.0 * (double)real_size(type) * (double)a->count);
}
