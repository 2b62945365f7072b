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

static void launch_widen_codes(Ops *ops, const uint8_t *codes, const Fp8Scale *scale, bf16 *values, size_t count) {
    LAUNCH(ops, "widen_codes", widen_codes, (unsigned)((count + THREADS - 1) / THREADS), THREADS, 0, codes, scale,
           values, count);
}

/* result [rows][out] = a [rows][in] w^T, w [out][in]. Shapes without an FP8 product in the library, which no useful
 * model has, are computed in BF16 from the codes' values. */
static void multiply_codes(Ops *ops, const char *operation, const uint8_t *a, const Fp8Scale *a_scale,
                           FactorType a_type, const uint8_t *w, const Fp8Scale *w_scale, const Real *bias, Real *result,
                           int rows, int in, int out) {
    if (ops->type != REAL_BF16) {
        cuda_fail(ops, status_error(EXIT_INTERNAL, "%s: FP8 products have BF16 results", operation));
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
    launch_widen_codes(ops, a, a_scale, values, a_count);
    launch_widen_codes(ops, w, w_scale, values + apart, (size_t)in * out);
    matmul(ops, operation, Factor{values, false}, Factor{values + apart, true}, bias, result, REAL_BF16, false, rows,
           out, in);
}

static void write_codes(Ops *ops, const Real *x, const Fp8Codes *codes, int rows, int columns) {
    if (!codes)
        return;
    const QuantiseFp8 quantise = {x, codes->scale, codes->seen, codes->y, NULL, rows, columns};
    cuda_quantise_fp8(ops, &quantise);
}

void cuda_linear_forward_fp8(Ops *ops, const LinearForwardFp8 *a) {
    if (ops->error)
        return;
    const size_t count = (size_t)a->rows * a->out;
    const bool coded = a->codes && a->act != ACTIVATION_NONE && count % GELU_CODED == 0;
    const GeluForward gelu = {a->pre, a->act, a->y, count};
    multiply_codes(ops, "linear_forward_fp8", a->x, a->x_scale, FACTOR_E4M3, a->w, a->w_scale, a->bias,
                   a->act == ACTIVATION_NONE ? a->y : a->pre, a->rows, a->in, a->out);
    if (coded)
        gelu_forward_coded(ops, a->pre, a->act, a->y, *a->codes, count);
    else if (a->act != ACTIVATION_NONE)
        cuda_gelu_forward(ops, &gelu);
    if (!coded)
        write_codes(ops, a->y, a->codes, a->rows, a->out);
}

void cuda_linear_backward_input_fp8(Ops *ops, const LinearBackwardInputFp8 *a) {
    if (ops->error)
        return;
    const size_t count = (size_t)a->rows * a->in;
    const bool coded = a->codes && a->act != ACTIVATION_NONE && count % GELU_CODED == 0;
    const GeluBackward gelu = {a->dx, a->pre, a->act, a->dx, count};
    multiply_codes(ops, "linear_backward_input_fp8", a->dy, a->dy_scale, FACTOR_E5M2, a->w_transposed, a->w_scale, NULL,
                   a->dx, a->rows, a->out, a->in);
    if (coded)
        gelu_backward_coded(ops, a->dx, a->pre, a->act, a->dx, *a->codes, count);
    else if (a->act != ACTIVATION_NONE)
        cuda_gelu_backward(ops, &gelu);
    if (!coded)
        write_codes(ops, a->dx, a->codes, a->rows, a->in);
}
