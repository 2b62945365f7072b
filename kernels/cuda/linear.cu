/* SPDX-License-Identifier: Apache-2.0 */
/* Products by the library, and beside them GELU and the bias gradient: by kernels of ours, or in the product's own
 * kernel by the library's epilogue. Which of the two is the faster is found by timing, once for a shape; where nothing
 * is timed it is the kernels.
 *
 * The epilogues serve BF16 alone, where what their tanh errs by is lost in rounding. They see the product's sums in
 * FP32: GELU and its slope's product are rounded once, where the kernels start from the rounded product, as ops.h says.
 * So GELU may differ by what half a BF16 step of its argument makes, and dx by one rounding. */
#include "kernels/cuda/columns.cuh"
#include "kernels/cuda/matmul.cuh"
#include "kernels/cuda/ways.cuh"

#include <stdio.h>

namespace {

const Ways WAYS = {"kernels", "epilogue"};

enum { STRIDE_STEP = 8 /* of the matrix beside GELU's result, as the library wants it */ };

/* Whether the operation could be an epilogue's at all; then `key` names it. */
bool may_fuse(const Ops *ops, const char *operation, bool biased, int rows, int in, int out, char key[200]) {
    if (ops->error || ops->type != REAL_BF16 || !tuning_timed(ops) || !rows || !in || !out)
        return false;
    snprintf(key, 200, "%s of rows = %d, in = %d, out = %d, BF16%s: epilogue or kernels", operation, rows, in, out,
             biased ? " with bias" : "");
    return true;
}

bool is_tanh(Activation act, int width) {
    return act == ACTIVATION_GELU_TANH && width % STRIDE_STEP == 0;
}

} // namespace

void cuda_linear_forward(Ops *ops, const Real *x, const Real *w, const Real *bias, Activation act, Real *pre, Real *y,
                         int rows, int in, int out) {
    const auto kernels = [=] {
        Real *product = act == ACTIVATION_NONE ? y : pre;
        matmul(ops, "linear_forward", Factor{x, false}, Factor{w, true}, bias, product, ops->type, false, rows, out,
               in);
        if (act != ACTIVATION_NONE)
            cuda_gelu_forward(ops, pre, act, y, (size_t)rows * out);
        return !ops->error;
    };
    const auto epilogue = [=] {
        return matmul_fused(ops, "linear_forward", Factor{x, false}, Factor{w, true}, bias, Fusion{FUSION_GELU, pre}, y,
                            ops->type, false, rows, out, in);
    };
    char key[200];
    if (is_tanh(act, out) && may_fuse(ops, "linear_forward with GELU", bias != NULL, rows, in, out, key) &&
        other_way_wins(ops, key, WAYS, kernels, epilogue) && epilogue())
        return;
    if (!ops->error)
        kernels();
}

/* By the kernels, in BF16, the product is rounded before GELU's slope multiplies it, and once more after. */
void cuda_linear_backward_input(Ops *ops, const Real *dy, const Real *w, Activation act, const Real *pre, Real *dx,
                                int rows, int in, int out) {
    const auto kernels = [=] {
        matmul(ops, "linear_backward_input", Factor{dy, false}, Factor{w, false}, NULL, dx, ops->type, false, rows, in,
               out);
        if (act != ACTIVATION_NONE)
            cuda_gelu_backward(ops, dx, pre, act, dx, (size_t)rows * in);
        return !ops->error;
    };
    const auto epilogue = [=] {
        return matmul_fused(ops, "linear_backward_input", Factor{dy, false}, Factor{w, false}, NULL,
                            Fusion{FUSION_SLOPE, (void *)pre}, dx, ops->type, false, rows, in, out);
    };
    char key[200];
    if (is_tanh(act, in) && may_fuse(ops, "linear_backward_input with GELU", false, rows, in, out, key) &&
        other_way_wins(ops, key, WAYS, kernels, epilogue) && epilogue())
        return;
    if (!ops->error)
        kernels();
}

/* The library's bias gradient is of the type of dw, FP32, but never added to what is there: with `add` it goes to
 * scratch memory first. Both ways are timed without `add`, into other memory where the real one is added to. */
void cuda_linear_backward_weight(Ops *ops, const Real *dy, const Real *x, float *dw, float *dbias, bool add, int rows,
                                 int in, int out) {
    const auto kernels = [=](float *to, float *sums, bool adding) {
        matmul(ops, "linear_backward_weight", Factor{dy, true}, Factor{x, false}, NULL, to, REAL_FP32, adding, out, in,
               rows);
        if (sums)
            column_sums(ops, dy, sums, adding, rows, out);
        return !ops->error;
    };
    const auto epilogue = [=](float *to, float *sums, bool adding) {
        float *fresh = adding ? (float *)cuda_scratch(ops, "linear_backward_weight", (size_t)out * sizeof *sums) : sums;
        if (!fresh || !matmul_fused(ops, "linear_backward_weight", Factor{dy, true}, Factor{x, false}, NULL,
                                    Fusion{FUSION_SUMS, fresh}, to, REAL_FP32, adding, out, in, rows))
            return false;
        if (adding)
            add_parts(ops, fresh, 1, out, 1, out, Sums{{sums}}, true);
        return !ops->error;
    };
    char key[200];
    if (dbias && may_fuse(ops, "linear_backward_weight", true, rows, in, out, key)) {
        float *to = dw, *sums = dbias;
        if (add && tuning_may_time(ops) && !way_chosen(ops, key, WAYS)) {
            const size_t apart = ((size_t)in * out + STRIDE_STEP - 1) / STRIDE_STEP * STRIDE_STEP;
            to = (float *)tuning_room(ops, (apart + out) * sizeof *to);
            sums = to ? to + apart : NULL;
        }
        const auto timed_kernels = [=] { return kernels(to, sums, false); };
        const auto timed_epilogue = [=] { return epilogue(to, sums, false); };
        const bool wins = to && other_way_wins(ops, key, WAYS, timed_kernels, timed_epilogue);
        if (to != dw)
            ops->device->release(ops->device, to);
        if (wins && epilogue(dw, dbias, add))
            return;
    }
    if (!ops->error)
        kernels(dw, dbias, add);
}
