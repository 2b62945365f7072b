/* SPDX-License-Identifier: Apache-2.0 */
/* What an operation must at least move and compute, by the shapes of its arguments: the one place that says so, for
 * --profile and for checkops' timings. Each tensor is read or written once; lists, statistics of a tensor's columns and
 * what has no batch are left out where they are small beside it. `e` is the size of an element of Real, in bytes. */
#ifndef FOVEA_COST_OP_COST_H
#define FOVEA_COST_OP_COST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    double bytes, flops; /* flops: of matrix products and attention; 0 where bytes are what counts */
} OpCost;

/* `pre`: the input of the activation is written, or read. */
OpCost cost_linear_forward(int rows, int in, int out, bool pre, int e);
OpCost cost_linear_backward_input(int rows, int in, int out, bool pre, int e);
/* Of codes in FP8, to Real. */
OpCost cost_linear_forward_fp8(int rows, int in, int out, bool pre, int e);
OpCost cost_linear_backward_input_fp8(int rows, int in, int out, bool pre, int e);
OpCost cost_linear_backward_weight(int rows, int in, int out, bool add, int e);

OpCost cost_gelu_forward(size_t count, int e);
OpCost cost_gelu_backward(size_t count, int e);

/* Whether there is a branch to add, and a y to write. */
OpCost cost_norm_forward(int rows, int dim, bool branch, bool y, int e);
/* Whether dsum and branch are read and dbranch is written. */
OpCost cost_norm_backward(int rows, int dim, bool dsum, bool branch, bool dbranch, int e);

OpCost cost_attention_forward(int batch, int tokens, int heads, int head, int e);
OpCost cost_attention_backward(int batch, int tokens, int heads, int head, int e);

/* `height` and `width`: of the images; a crop is counted as the whole of its image. */
OpCost cost_pixels_to_patches(int batch, int height, int width, int size, int patch, int keep, bool target, int e);
OpCost cost_image_to_patches(int batch, int size, int patch, int keep, bool target, int e);

OpCost cost_embed(int batch, int keep, int dim, int e);
OpCost cost_restore(int batch, int patches, int keep, int dim, int e);
OpCost cost_pool(int batch, int tokens, int dim, int e);

OpCost cost_masked_pixel_loss(int batch, int patches, int keep, int dim, bool dpred, int e);
OpCost cost_cross_entropy_loss(int batch, int classes, int e);
OpCost cost_regression_loss(int batch, int outputs, int e);

OpCost cost_read(size_t count, int e);
/* `rounded`: a copy in BF16 is written, too. */
OpCost cost_adamw(size_t count, bool rounded);
OpCost cost_cast(size_t count);
/* `cost`, and the codes of `count` values that the operation leaves, if it does. */
OpCost cost_with_codes(OpCost cost, bool codes, size_t count);
OpCost cost_quantise_fp8(int rows, int columns, bool transposed, int e);

#endif
