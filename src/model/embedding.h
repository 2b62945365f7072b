/* SPDX-License-Identifier: Apache-2.0 */
/* What the two models share before their blocks: the patch embedding, fixed positions. */
#ifndef FOVEA_MODEL_EMBEDDING_H
#define FOVEA_MODEL_EMBEDDING_H

#include "model/linear.h"
#include "model/model.h"

/* Two-dimensional sin-cos position embedding [1 + grid * grid][dim]: row 0 (class token) zero; of each other row the
 * first half encodes the column, the second the row, each as [sin | cos] of position * 10000^(-i / (dim / 4))
 * (Vaswani et al., arXiv 1706.03762, in two dimensions, column first as in the MAE reference). */
void position_embedding(float *pos, int grid, int dim);

/* The patch embedding's parameters, a convolution's weight and its bias. */
Linear patch_embed_add(Params *params, const ModelShape *shape);

#endif
