/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <stdlib.h>

/* The operations that compute from a tensor they write themselves, in FP32: each step is the CPU's own operation, and
 * what lies between two is rounded to BF16. The others have nothing between reading and writing. */

static void round_values(float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        x[i] = reference_rounded(x[i]);
}

static void linear_forward(Ops *ops, const Real *x, const Real *w, const Real *bias, Activation act, Real *pre, Real *y,
                           int rows, int in, int out) {
    const size_t count = (size_t)rows * out;
    cpu_linear_forward(ops, x, w, bias, ACTIVATION_NONE, NULL, act == ACTIVATION_NONE ? y : pre, rows, in, out);
    if (act == ACTIVATION_NONE)
        return;
    round_values(pre, count);
    cpu_gelu_forward(ops, pre, act, y, count);
}

static void linear_forward_fp8(Ops *ops, const uint8_t *x, const Fp8Scale *x_scale, const uint8_t *w,
                               const Fp8Scale *w_scale, const Real *bias, Activation act, Real *pre, Real *y, int rows,
                               int in, int out, const Fp8Codes *codes) {
    const size_t count = (size_t)rows * out;
    cpu_linear_forward_fp8(ops, x, x_scale, w, w_scale, bias, ACTIVATION_NONE, NULL, act == ACTIVATION_NONE ? y : pre,
                           rows, in, out, act == ACTIVATION_NONE ? codes : NULL);
    if (act == ACTIVATION_NONE)
        return;
    round_values(pre, count);
    cpu_gelu_forward(ops, pre, act, y, count);
    cpu_leave_codes(ops, y, codes, rows, out);
}

static void linear_backward_input_fp8(Ops *ops, const uint8_t *dy, const Fp8Scale *dy_scale,
                                      const uint8_t *w_transposed, const Fp8Scale *w_scale, Activation act,
                                      const Real *pre, Real *dx, int rows, int in, int out, const Fp8Codes *codes) {
    const size_t count = (size_t)rows * in;
    cpu_linear_backward_input_fp8(ops, dy, dy_scale, w_transposed, w_scale, ACTIVATION_NONE, NULL, dx, rows, in, out,
                                  act == ACTIVATION_NONE ? codes : NULL);
    if (act == ACTIVATION_NONE)
        return;
    round_values(dx, count);
    cpu_gelu_backward(ops, dx, pre, act, dx, count);
    cpu_leave_codes(ops, dx, codes, rows, in);
}

static void norm_forward(Ops *ops, const Real *x, const Real *branch, const float *scale, const float *keep,
                         int rows_per_sample, const float *weight, const float *bias, float eps, Real *sum, Real *y,
                         float *mean, float *rstd, int rows, int dim, const Fp8Codes *codes) {
    if (branch) {
        cpu_norm_forward(ops, x, branch, scale, keep, rows_per_sample, NULL, NULL, eps, sum, NULL, NULL, NULL, rows,
                         dim, NULL);
        round_values(sum, (size_t)rows * dim);
    }
    cpu_norm_forward(ops, branch ? sum : x, NULL, NULL, NULL, rows_per_sample, weight, bias, eps, NULL, y, mean, rstd,
                     rows, dim, codes);
}

static void norm_backward(Ops *ops, const Real *dy, const Real *dsum, const Real *sum, const float *mean,
                          const float *rstd, const float *weight, const Real *branch, const float *scale,
                          const float *keep, int rows_per_sample, Real *dx, Real *dbranch, float *dweight, float *dbias,
                          float *dscale, bool add, int rows, int dim, const Fp8Codes *codes) {
    const size_t count = (size_t)rows * dim;
    cpu_norm_backward(ops, dy, dsum, sum, mean, rstd, weight, NULL, NULL, NULL, rows_per_sample, dx, NULL, dweight,
                      dbias, NULL, add, rows, dim, NULL);
    round_values(dx, count);
    /* Where nothing reaches y, dx is dsum: the rounded dx passes through to the branch. */
    float *nothing = check_allocate((count + 2 * (size_t)dim) * sizeof *nothing);
    memset(nothing, 0, (count + 2 * (size_t)dim) * sizeof *nothing);
    cpu_norm_backward(ops, nothing, dx, sum, mean, rstd, weight, branch, scale, keep, rows_per_sample, dx, dbranch,
                      nothing + count, nothing + count + dim, dscale, add, rows, dim, codes);
    free(nothing);
}

void check_steps(Ops *ops) {
    ops->linear_forward = linear_forward;
    ops->linear_forward_fp8 = linear_forward_fp8;
    ops->linear_backward_input_fp8 = linear_backward_input_fp8;
    ops->norm_forward = norm_forward;
    ops->norm_backward = norm_backward;
}
