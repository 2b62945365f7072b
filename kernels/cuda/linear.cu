/* SPDX-License-Identifier: Apache-2.0 */
/* Products by the library, and with them GELU and the bias gradient: by kernels of ours, or in the product's own kernel
 * by the library's epilogue. Timing, once for a shape, finds the faster of the two; the kernels serve where nothing is
 * timed.
 *
 * The epilogues serve BF16 alone, where rounding hides the error of their tanh. They see the product's sums in FP32:
 * GELU and its slope's product are rounded once, while the kernels start from the rounded product, as ops.h says. So
 * GELU may differ by the effect of half a BF16 step of its argument, and dx by one rounding. */
#include "kernels/cuda/autotune.cuh"
#include "kernels/cuda/column_sums.cuh"
#include "kernels/cuda/gelu.cuh"
#include "kernels/cuda/matmul.cuh"
#include "ops/gpu_scratch.h"

#include <stdio.h>

namespace {

const Variants VARIANTS = {"kernels", "epilogue"};

enum { STRIDE_STEP = 8 /* of the matrix beside GELU's result, as the library requires */ };

/* Whether the operation could be an epilogue at all; then `key` names it. */
bool may_fuse(const Ops *ops, const char *operation, bool biased, int rows, int in, int out, char key[200]) {
    if (ops->error || ops->type != REAL_BF16 || !autotune_is_timed(ops) || !rows || !in || !out)
        return false;
    snprintf(key, 200, "%s of rows = %d, in = %d, out = %d, BF16%s: epilogue or kernels", operation, rows, in, out,
             biased ? " with bias" : "");
    return true;
}

bool is_tanh(Activation act, int width) {
    return act == ACTIVATION_GELU_TANH && width % STRIDE_STEP == 0;
}

} // namespace

void cuda_linear_forward(Ops *ops, const LinearForward *a) {
    const auto kernels = [=] {
        Real *product = a->act == ACTIVATION_NONE ? a->y : a->pre;
        matmul(ops, "linear_forward", Factor{a->x, false}, Factor{a->w, true}, a->bias, product, ops->type, false,
               a->rows, a->out, a->in);
        const GeluForward gelu = {a->pre, a->act, a->y, (size_t)a->rows * a->out};
        if (a->act != ACTIVATION_NONE)
            cuda_gelu_forward(ops, &gelu);
        return !ops->error;
    };
    const auto epilogue = [=] {
        return matmul_fused(ops, "linear_forward", Factor{a->x, false}, Factor{a->w, true}, a->bias,
                            Fusion{FUSION_GELU, a->pre}, a->y, ops->type, false, a->rows, a->out, a->in);
    };
    char key[200];
    if (is_tanh(a->act, a->out) &&
        may_fuse(ops, "linear_forward with GELU", a->bias != NULL, a->rows, a->in, a->out, key) &&
        autotune_picks_other(ops, key, VARIANTS, kernels, epilogue) && epilogue())
        return;
    if (!ops->error)
        kernels();
}

/* The product in FP32, which GELU's slope multiplies before it is rounded. */
static void multiply_wide(Ops *ops, const LinearBackwardInput *a, size_t bytes) {
    float *product = (float *)cuda_scratch(ops, "linear_backward_input", bytes);
    matmul(ops, "linear_backward_input", Factor{a->dy, false}, Factor{a->w, false}, NULL, product, REAL_FP32, false,
           a->rows, a->in, a->out);
    if (!ops->error)
        gelu_backward_wide(ops, product, a->pre, a->act, a->dx, (size_t)a->rows * a->in);
}

/* The kernels, in BF16, round a large product before GELU's slope multiplies it, and once more after. */
void cuda_linear_backward_input(Ops *ops, const LinearBackwardInput *a) {
    const auto kernels = [=] {
        const size_t wide = a->act == ACTIVATION_NONE ? 0 : gpu_slope_scratch(ops->type, a->rows, a->in);
        if (wide) {
            multiply_wide(ops, a, wide);
            return !ops->error;
        }
        matmul(ops, "linear_backward_input", Factor{a->dy, false}, Factor{a->w, false}, NULL, a->dx, ops->type, false,
               a->rows, a->in, a->out);
        const GeluBackward gelu = {a->dx, a->pre, a->act, a->dx, (size_t)a->rows * a->in};
        if (a->act != ACTIVATION_NONE)
            cuda_gelu_backward(ops, &gelu);
        return !ops->error;
    };
    const auto epilogue = [=] {
        return matmul_fused(ops, "linear_backward_input", Factor{a->dy, false}, Factor{a->w, false}, NULL,
                            Fusion{FUSION_SLOPE, (void *)a->pre}, a->dx, ops->type, false, a->rows, a->in, a->out);
    };
    char key[200];
    if (is_tanh(a->act, a->in) &&
        may_fuse(ops, "linear_backward_input with GELU", false, a->rows, a->in, a->out, key) &&
        autotune_picks_other(ops, key, VARIANTS, kernels, epilogue) && epilogue())
        return;
    if (!ops->error)
        kernels();
}

/* The library's bias gradient has the type of dw, FP32, but is never added to its result: with `add` it goes to scratch
 * memory first. Both variants are timed without `add`, into other memory where the real result is added to. */
void cuda_linear_backward_weight(Ops *ops, const LinearBackwardWeight *a) {
    const auto kernels = [=](float *to, float *sums, bool adding) {
        matmul(ops, "linear_backward_weight", Factor{a->dy, true}, Factor{a->x, false}, NULL, to, REAL_FP32, adding,
               a->out, a->in, a->rows);
        if (sums)
            column_sums(ops, a->dy, sums, adding, a->rows, a->out);
        return !ops->error;
    };
    const auto epilogue = [=](float *to, float *sums, bool adding) {
        float *fresh =
            adding ? (float *)cuda_scratch(ops, "linear_backward_weight", (size_t)a->out * sizeof *sums) : sums;
        if (!fresh || !matmul_fused(ops, "linear_backward_weight", Factor{a->dy, true}, Factor{a->x, false}, NULL,
                                    Fusion{FUSION_SUMS, fresh}, to, REAL_FP32, adding, a->out, a->in, a->rows))
            return false;
        if (adding)
            add_parts(ops, fresh, 1, a->out, 1, a->out, Sums{{sums}}, true);
        return !ops->error;
    };
    char key[200];
    if (a->dbias && may_fuse(ops, "linear_backward_weight", true, a->rows, a->in, a->out, key)) {
        float *to = a->dw, *sums = a->dbias;
        if (a->add && autotune_may_time(ops) && !autotune_chosen_variant(ops, key, VARIANTS)) {
            const size_t apart = ((size_t)a->in * a->out + STRIDE_STEP - 1) / STRIDE_STEP * STRIDE_STEP;
            to = (float *)autotune_allocate(ops, (apart + a->out) * sizeof *to);
            sums = to ? to + apart : NULL;
        }
        const auto timed_kernels = [=] { return kernels(to, sums, false); };
        const auto timed_epilogue = [=] { return epilogue(to, sums, false); };
        const bool wins = to && autotune_picks_other(ops, key, VARIANTS, timed_kernels, timed_epilogue);
        if (to != a->dw)
            ops->device->release(ops->device, to);
        if (wins && epilogue(a->dw, a->dbias, a->add))
            return;
    }
    if (!ops->error)
        kernels(a->dw, a->dbias, a->add);
}
