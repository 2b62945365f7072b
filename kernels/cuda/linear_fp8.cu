#include "gelu.cuh"
#include "matmul.cuh"

/* What the library's FP8 products ask for. */
static bool fits(Ops *ops, const char *operation, int in, int out) {
    enum { MULTIPLE = 16 };
    if (ops->type == REAL_BF16 && in % MULTIPLE == 0 && out % MULTIPLE == 0)
        return true;
    cuda_fail(ops, status_error(EXIT_INTERNAL, "%s: %d by %d: FP8 products are of multiples of %d, into BF16",
                                operation, in, out, MULTIPLE));
    return false;
}

static void leave_codes(Ops *ops, const Real *x, const Fp8Codes *codes, int rows, int columns) {
    if (codes)
        cuda_quantise_fp8(ops, x, codes->scale, codes->seen, codes->y, NULL, rows, columns);
}

void cuda_linear_forward_fp8(Ops *ops, const uint8_t *x, const Fp8Scale *x_scale, const uint8_t *w,
                             const Fp8Scale *w_scale, const Real *bias, Activation act, Real *pre, Real *y, int rows,
                             int in, int out, const Fp8Codes *codes) {
    if (ops->error || !fits(ops, "linear_forward_fp8", in, out))
        return;
    Real *product = act == ACTIVATION_NONE ? y : pre;
    matmul(ops, "linear_forward_fp8", Factor{x, false, FACTOR_E4M3, &x_scale->inverse},
           Factor{w, true, FACTOR_E4M3, &w_scale->inverse}, bias, product, REAL_BF16, false, rows, out, in);
    if (act == ACTIVATION_NONE)
        leave_codes(ops, y, codes, rows, out);
    else if (codes)
        gelu_forward_coded(ops, pre, act, y, *codes, (size_t)rows * out);
    else
        cuda_gelu_forward(ops, pre, act, y, (size_t)rows * out);
}

void cuda_linear_backward_input_fp8(Ops *ops, const uint8_t *dy, const Fp8Scale *dy_scale, const uint8_t *w_transposed,
                                    const Fp8Scale *w_scale, Activation act, const Real *pre, Real *dx, int rows,
                                    int in, int out, const Fp8Codes *codes) {
    if (ops->error || !fits(ops, "linear_backward_input_fp8", in, out))
        return;
    matmul(ops, "linear_backward_input_fp8", Factor{dy, false, FACTOR_E5M2, &dy_scale->inverse},
           Factor{w_transposed, true, FACTOR_E4M3, &w_scale->inverse}, NULL, dx, REAL_BF16, false, rows, in, out);
    if (act == ACTIVATION_NONE)
        leave_codes(ops, dx, codes, rows, in);
    else if (codes)
        gelu_backward_coded(ops, dx, pre, act, dx, *codes, (size_t)rows * in);
    else
        cuda_gelu_backward(ops, dx, pre, act, dx, (size_t)rows * in);
}
