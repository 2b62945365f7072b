/* SPDX-License-Identifier: Apache-2.0 */
/* The operations by name: each backend declares and fills its table from this list. */
#ifndef FOVEA_OPS_OPERATIONS_H
#define FOVEA_OPS_OPERATIONS_H

#include "ops/ops.h"

#define OPERATIONS(X)                                                                                                  \
    X(linear_forward)                                                                                                  \
    X(linear_backward_input)                                                                                           \
    X(linear_backward_weight)                                                                                          \
    X(gelu_forward)                                                                                                    \
    X(gelu_backward)                                                                                                   \
    X(norm_forward)                                                                                                    \
    X(norm_backward)                                                                                                   \
    X(attention_forward)                                                                                               \
    X(attention_backward)                                                                                              \
    X(pixels_to_patches)                                                                                               \
    X(image_to_patches)                                                                                                \
    X(embed_forward)                                                                                                   \
    X(embed_backward)                                                                                                  \
    X(restore_forward)                                                                                                 \
    X(restore_backward)                                                                                                \
    X(pool_forward)                                                                                                    \
    X(pool_backward)                                                                                                   \
    X(masked_pixel_loss)                                                                                               \
    X(cross_entropy_loss)                                                                                              \
    X(regression_loss)                                                                                                 \
    X(global_norm)                                                                                                     \
    X(find_nonfinite)                                                                                                  \
    X(judge_step)                                                                                                      \
    X(adamw)                                                                                                           \
    X(cast_to_bf16)                                                                                                    \
    X(cast_from_bf16)                                                                                                  \
    X(begin_fp8)                                                                                                       \
    X(update_fp8)                                                                                                      \
    X(measure_fp8)                                                                                                     \
    X(quantise_fp8)                                                                                                    \
    X(linear_forward_fp8)                                                                                              \
    X(linear_backward_input_fp8)

#endif
