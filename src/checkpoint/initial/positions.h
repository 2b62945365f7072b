/* SPDX-License-Identifier: Apache-2.0 */
/* Position embeddings of another grid of patches. */
#ifndef FOVEA_CHECKPOINT_INITIAL_POSITIONS_H
#define FOVEA_CHECKPOINT_INITIAL_POSITIONS_H

#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

/* The side of the grid of `tokens` - 1 patches, which the class token is before; 0: they form no square. */
int positions_grid(int64_t tokens);

/* to [to_side^2][dim] from [from_side^2][dim], by PyTorch's bicubic interpolation with align_corners=False, antialiased
 * or not. */
Status positions_resize(const float *from, int from_side, float *to, int to_side, int dim, bool antialias) MUST_USE;

#endif
