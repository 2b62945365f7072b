/* SPDX-License-Identifier: Apache-2.0 */
/* GELU over blocks of values, single-threaded, as the linear layers and the gelu operations use it. */
#ifndef FOVEA_ACTIVATION_H
#define FOVEA_ACTIVATION_H

#include "ops/ops.h"

/* y = act(x) over `rows` rows of `columns` values that are `stride` apart; with ACTIVATION_NONE a copy. y may be x. */
void activation_forward(const float *x, Activation act, float *y, size_t stride, int rows, int columns);
/* dx = dy act'(x). dx may be dy. */
void activation_backward(const float *dy, const float *x, Activation act, float *dx, size_t stride, int rows,
                         int columns);

#endif
