#include "columns.cuh"
#include "matmul.cuh"

void cuda_linear_forward(Ops *ops, const Real *x, const Real *w, const Real *bias, Activation act, Real *pre, Real *y,
                         int rows, int in, int out) {
    if (ops->error)
        return;
    Real *product = act == ACTIVATION_NONE ? y : pre;
    matmul(ops, "linear_forward", Factor{x, false}, Factor{w, true}, bias, product, ops->type, false, rows, out, in);
    if (act != ACTIVATION_NONE)
        cuda_gelu_forward(ops, pre, act, y, (size_t)rows * out);
}

/* In BF16 the product is rounded before GELU's slope multiplies it, and once more after. */
void cuda_linear_backward_input(Ops *ops, const Real *dy, const Real *w, Activation act, const Real *pre, Real *dx,
                                int rows, int in, int out) {
    if (ops->error)
        return;
    matmul(ops, "linear_backward_input", Factor{dy, false}, Factor{w, false}, NULL, dx, ops->type, false, rows, in,
           out);
    if (act != ACTIVATION_NONE)
        cuda_gelu_backward(ops, dx, pre, act, dx, (size_t)rows * in);
}

void cuda_linear_backward_weight(Ops *ops, const Real *dy, const Real *x, float *dw, float *dbias, bool add, int rows,
                                 int in, int out) {
    if (ops->error)
        return;
    matmul(ops, "linear_backward_weight", Factor{dy, true}, Factor{x, false}, NULL, dw, REAL_FP32, add, out, in, rows);
    if (dbias)
        column_sums(ops, dy, dbias, add, rows, out);
}
