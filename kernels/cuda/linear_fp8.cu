/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/codes.cuh"
#include "kernels/cuda/gelu.cuh"
#include "kernels/cuda/matmul.cuh"
#include "ops/gpu_scratch.h"

enum { THREADS = 256 };

/* Codes as values: the power of two that scales them leaves each a BF16. Bytes: 3 a code. */
static __global__ void __launch_bounds__(THREADS)
    widen_codes(const uint8_t *codes, const Fp8Scale *scale, bf16 *values, size_t count) {
    const size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < count)
        values[i] = from_float<bf16>(code_value(codes[i], scale->format) * scale->inverse);
}

static void widen(Ops *ops, const uint8_t *codes, const Fp8Scale *scale, bf16 *values, size_t count) {
    LAUNCH(ops, "widen_codes", widen_codes, (unsigned)((count + THREADS - 1) / THREADS), THREADS, 0, codes, scale,
           values, count);
}

/* result [rows][out] = a [rows][in] w^T, w [out][in]. Shapes that the library has no FP8 product for, which no model of
 * use has, are computed in BF16 from the codes' values. */
static void multiply(Ops *ops, const char *operation, const uint8_t *a, const Fp8Scale *a_scale, FactorType a_type,
                     const uint8_t *w, const Fp8Scale *w_scale, const Real *bias, Real *result, int rows, int in,
                     int out) {
    if (ops->type != REAL_BF16) {
        cuda_fail(ops, status_error(EXIT_INTERNAL, "%s: FP8 products are made into BF16", operation));
        return;
    }
    if (gpu_fp8_fits(in, out)) {
        matmul(ops, operation, Factor{a, false, a_type, &a_scale->inverse},
               Factor{w, true, FACTOR_E4M3, &w_scale->inverse}, bias, result, REAL_BF16, false, rows, out, in);
        return;
    }
    const size_t a_count = (size_t)rows * in, apart = gpu_fp8_second_factor(rows, in);
    bf16 *values = (bf16 *)cuda_scratch(ops, operation, gpu_fp8_scratch(rows, in, out));
    if (!values)
        return;
    widen(ops, a, a_scale, values, a_count);
    widen(ops, w, w_scale, values + apart, (size_t)in * out);
    matmul(ops, operation, Factor{values, false}, Factor{values + apart, true}, bias, result, REAL_BF16, false, rows,
           out, in);
}

static void leave_codes(Ops *ops, const Real *x, const Fp8Codes *codes, int rows, int columns) {
    if (codes)
        cuda_quantise_fp8(ops, x, codes->scale, codes->seen, codes->y, NULL, rows, columns);
}

void cuda_linear_forward_fp8(Ops *ops, const uint8_t *x, const Fp8Scale *x_scale, const uint8_t *w,
                             const Fp8Scale *w_scale, const Real *bias, Activation act, Real *pre, Real *y, int rows,
                             int in, int out, const Fp8Codes *codes) {
    if (ops->error)
        return;
    const size_t count = (size_t)rows * out;
    const bool coded = codes && act != ACTIVATION_NONE && count % GELU_CODED == 0;
    multiply(ops, "linear_forward_fp8", x, x_scale, FACTOR_E4M3, w, w_scale, bias, act == ACTIVATION_NONE ? y : pre,
             rows, in, out);
    if (coded)
        gelu_forward_coded(ops, pre, act, y, *codes, count);
    else if (act != ACTIVATION_NONE)
        cuda_gelu_forward(ops, pre, act, y, count);
    if (!coded)
        leave_codes(ops, y, codes, rows, out);
}

void cuda_linear_backward_input_fp8(Ops *ops, const uint8_t *dy, const Fp8Scale *dy_scale, const uint8_t *w_transposed,
                                    const Fp8Scale *w_scale, Activation act, const Real *pre, Real *dx, int rows,
                                    int in, int out, const Fp8Codes *codes) {
    if (ops->error)
        return;
    const size_t count = (size_t)rows * in;
    const bool coded = codes && act != ACTIVATION_NONE && count % GELU_CODED == 0;
    multiply(ops, "linear_backward_input_fp8", dy, dy_scale, FACTOR_E5M2, w_transposed, w_scale, NULL, dx, rows, out,
             in);
    if (coded)
        gelu_backward_coded(ops, dx, pre, act, dx, *codes, count);
    else if (act != ACTIVATION_NONE)
        cuda_gelu_backward(ops, dx, pre, act, dx, count);
    if (!coded)
        leave_codes(ops, dx, codes, rows, in);
}
