/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/cpu.h"
#include "kernels/cpu/quantise.h"
#include "tests/checkops/checkops.h"
#include "tests/checkops/reference.h"

#include <stdlib.h>

/* The operations that compute from a tensor they write themselves, in FP32: each step is the CPU's own operation, and
 * what lies between two is rounded to BF16. The others have nothing between reading and writing. */

static void round_values(float *x, size_t count) {
    for (size_t i = 0; i < count; i++)
        x[i] = reference_rounded(x[i]);
}

static void linear_forward(Ops *ops, const LinearForward *a) {
    const size_t count = (size_t)a->rows * a->out;
    LinearForward product = *a;
    product.act = ACTIVATION_NONE;
    product.y = a->act == ACTIVATION_NONE ? a->y : a->pre;
    cpu_linear_forward(ops, &product);
    if (a->act == ACTIVATION_NONE)
        return;
    round_values(a->pre, count);
    cpu_gelu_forward(ops, &(GeluForward){.x = a->pre, .act = a->act, .y = a->y, .count = count});
}

static void linear_forward_fp8(Ops *ops, const LinearForwardFp8 *a) {
    const size_t count = (size_t)a->rows * a->out;
    LinearForwardFp8 product = *a;
    product.act = ACTIVATION_NONE;
    product.y = a->act == ACTIVATION_NONE ? a->y : a->pre;
    product.codes = a->act == ACTIVATION_NONE ? a->codes : NULL;
    cpu_linear_forward_fp8(ops, &product);
    if (a->act == ACTIVATION_NONE)
        return;
    round_values(a->pre, count);
    cpu_gelu_forward(ops, &(GeluForward){.x = a->pre, .act = a->act, .y = a->y, .count = count});
    quantise_written(ops, a->y, a->codes, a->rows, a->out);
}

static void linear_backward_input_fp8(Ops *ops, const LinearBackwardInputFp8 *a) {
    const size_t count = (size_t)a->rows * a->in;
    LinearBackwardInputFp8 product = *a;
    product.act = ACTIVATION_NONE;
    product.codes = a->act == ACTIVATION_NONE ? a->codes : NULL;
    cpu_linear_backward_input_fp8(ops, &product);
    if (a->act == ACTIVATION_NONE)
        return;
    round_values(a->dx, count);
    cpu_gelu_backward(ops, &(GeluBackward){.dy = a->dx, .x = a->pre, .act = a->act, .dx = a->dx, .count = count});
    quantise_written(ops, a->dx, a->codes, a->rows, a->in);
}

static void norm_forward(Ops *ops, const NormForward *a) {
    NormForward norm = *a;
    if (a->branch) {
        NormForward sum = *a;
        sum.y = NULL;
        sum.codes = NULL;
        cpu_norm_forward(ops, &sum);
        round_values(a->sum, (size_t)a->rows * a->dim);
        norm.x = a->sum;
        norm.branch = NULL;
    }
    cpu_norm_forward(ops, &norm);
}

static void norm_backward(Ops *ops, const NormBackward *a) {
    const size_t count = (size_t)a->rows * a->dim;
    NormBackward norm = *a;
    norm.dbranch = NULL;
    norm.dscale = NULL;
    norm.codes = NULL;
    cpu_norm_backward(ops, &norm);
    round_values(a->dx, count);
    /* Where nothing reaches y, dx is dsum: the rounded dx passes through to the branch. */
    float *nothing = check_allocate((count + 2 * (size_t)a->dim) * sizeof *nothing);
    memset(nothing, 0, (count + 2 * (size_t)a->dim) * sizeof *nothing);
    NormBackward branch = *a;
    branch.dy = nothing;
    branch.dsum = a->dx;
    branch.dweight = nothing + count;
    branch.dbias = nothing + count + a->dim;
    cpu_norm_backward(ops, &branch);
    free(nothing);
}

void check_steps(Ops *ops) {
    ops->linear_forward = linear_forward;
    ops->linear_forward_fp8 = linear_forward_fp8;
    ops->linear_backward_input_fp8 = linear_backward_input_fp8;
    ops->norm_forward = norm_forward;
    ops->norm_backward = norm_backward;
}
