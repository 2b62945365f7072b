/* SPDX-License-Identifier: Apache-2.0 */
#include "cost/op_cost.h"

enum { FLOAT = 4, BF16 = 2, FP8 = 1 };

static OpCost moves(double bytes) {
    return (OpCost){.bytes = bytes};
}

static double product_flops(int rows, int in, int out) {
    return 2.0 * rows * in * out;
}

OpCost cost_linear_forward(int rows, int in, int out, bool pre, int e) {
    const double x = (double)rows * in, w = (double)in * out, y = (double)rows * out;
    return (OpCost){e * (x + w + y * (1 + pre)), product_flops(rows, in, out)};
}

OpCost cost_linear_backward_input(int rows, int in, int out, bool pre, int e) {
    const double dx = (double)rows * in, w = (double)in * out, dy = (double)rows * out;
    return (OpCost){e * (dx * (1 + pre) + w + dy), product_flops(rows, in, out)};
}

OpCost cost_linear_forward_fp8(int rows, int in, int out, bool pre, int e) {
    const double x = (double)rows * in, w = (double)in * out, y = (double)rows * out;
    return (OpCost){FP8 * (x + w) + e * y * (1 + pre), product_flops(rows, in, out)};
}

OpCost cost_linear_backward_input_fp8(int rows, int in, int out, bool pre, int e) {
    const double dx = (double)rows * in, w = (double)in * out, dy = (double)rows * out;
    return (OpCost){e * dx * (1 + pre) + FP8 * (w + dy), product_flops(rows, in, out)};
}

OpCost cost_linear_backward_weight(int rows, int in, int out, bool add, int e) {
    const double dw = (double)in * out;
    return (OpCost){e * (double)rows * ((double)in + out) + FLOAT * dw * (1 + add), product_flops(rows, in, out)};
}

OpCost cost_gelu_forward(size_t count, int e) {
    return moves(2.0 * e * (double)count);
}

OpCost cost_gelu_backward(size_t count, int e) {
    return moves(3.0 * e * (double)count);
}

/* x to y, x and branch to sum; mean and rstd of each row. */
OpCost cost_norm_forward(int rows, int dim, bool branch, bool y, int e) {
    const double tensors = 1 + 2 * branch + y;
    return moves(tensors * e * rows * dim + (y ? 2.0 * FLOAT * rows : 0));
}

/* dy and sum to dx; mean and rstd. */
OpCost cost_norm_backward(int rows, int dim, bool dsum, bool branch, bool dbranch, int e) {
    const double tensors = 3 + dsum + branch + dbranch;
    return moves(tensors * e * rows * dim + 2.0 * FLOAT * rows);
}

/* qkv to out, and lse; two products of tokens x tokens x head. */
OpCost cost_attention_forward(int batch, int tokens, int heads, int head, int e) {
    const double rows = (double)batch * tokens * heads;
    return (OpCost){rows * (4.0 * e * head + FLOAT), 4 * rows * tokens * head};
}

/* dout, qkv, out to dqkv, and lse; five products, the scores' once more among them. */
OpCost cost_attention_backward(int batch, int tokens, int heads, int head, int e) {
    const double rows = (double)batch * tokens * heads;
    return (OpCost){rows * (8.0 * e * head + FLOAT), 10 * rows * tokens * head};
}

/* An image of `read` bytes to its visible patches, and the others as FP32 targets. */
static OpCost cut(int batch, double read, int size, int patch, int keep, bool target, int e) {
    const double values = 3.0 * size * size, visible = 3.0 * patch * patch * keep;
    return moves(batch * (read + e * visible + (target ? FLOAT * (values - visible) : 0)));
}

OpCost cost_pixels_to_patches(int batch, int height, int width, int size, int patch, int keep, bool target, int e) {
    return cut(batch, 3.0 * height * width, size, patch, keep, target, e);
}

OpCost cost_image_to_patches(int batch, int size, int patch, int keep, bool target, int e) {
    return cut(batch, 3.0 * FLOAT * size * size, size, patch, keep, target, e);
}

OpCost cost_embed(int batch, int keep, int dim, int e) {
    return moves((double)e * batch * dim * (1 + 2.0 * keep));
}

OpCost cost_restore(int batch, int patches, int keep, int dim, int e) {
    return moves((double)e * batch * dim * (2.0 + patches + keep));
}

OpCost cost_pool(int batch, int tokens, int dim, int e) {
    return moves((double)e * batch * dim * (1.0 + tokens));
}

/* pred and target of the hidden patches; dpred whole. */
OpCost cost_masked_pixel_loss(int batch, int patches, int keep, int dim, bool dpred, int e) {
    const double hidden = patches - keep;
    return moves((double)batch * dim * ((e + FLOAT) * hidden + (dpred ? e * (1.0 + patches) : 0)));
}

OpCost cost_cross_entropy_loss(int batch, int classes, int e) {
    return moves(2.0 * e * batch * classes);
}

OpCost cost_regression_loss(int batch, int outputs, int e) {
    return moves((2.0 * e + FLOAT) * batch * outputs);
}

OpCost cost_read(size_t count, int e) {
    return moves((double)e * (double)count);
}

/* The parameter and both moments read and written, the gradient read. */
OpCost cost_adamw(size_t count, bool rounded) {
    return moves((7.0 * FLOAT + (rounded ? BF16 : 0)) * (double)count);
}

OpCost cost_cast(size_t count) {
    return moves((double)(FLOAT + BF16) * (double)count);
}

OpCost cost_with_codes(OpCost cost, bool codes, size_t count) {
    cost.bytes += codes ? (double)count : 0;
    return cost;
}

OpCost cost_quantise_fp8(int rows, int columns, bool transposed, int e) {
    return moves((double)(e + FP8 * (1 + transposed)) * rows * columns);
}
