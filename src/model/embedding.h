/* SPDX-License-Identifier: Apache-2.0 */
/* What the two models share before their blocks: shape checks, fixed positions, patch geometry. */
#ifndef FOVEA_MODEL_EMBEDDING_H
#define FOVEA_MODEL_EMBEDDING_H

#include "model/model.h"

/* Two-dimensional sin-cos position embedding [1 + grid * grid][dim]: row 0 (class token) zero; of each other row the
 * first half encodes the column, the second the row, each as [sin | cos] of position * 10000^(-i / (dim / 4))
 * (Vaswani et al., arXiv 1706.03762, in two dimensions, column first as the MAE reference has it). */
void position_embedding(float *pos, int grid, int dim);

static inline int shape_patches(const ModelShape *shape) {
    int grid = shape->image_size / shape->patch_size;
    return grid * grid;
}

static inline int shape_patch_dim(const ModelShape *shape) {
    return 3 * shape->patch_size * shape->patch_size;
}

#endif
