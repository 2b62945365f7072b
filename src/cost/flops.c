/* SPDX-License-Identifier: Apache-2.0 */
/* A block on n tokens of width D takes 6 n D^2 for q, k and v, 2 n^2 D for the scores, 2 n^2 D for their sums over v,
 * 2 n D^2 for the projection and 4 r n D^2 for an MLP r times as wide: with r = 4 the 24 n D^2 + 4 n^2 D that follow
 * from Vaswani et al., arXiv 1706.03762, and Dosovitskiy et al., arXiv 2010.11929. The encoder sees the visible patches
 * and the class token, the decoder all of them (He et al., arXiv 2111.06377). Backward each product has two of its
 * size, one for each factor's gradient; only the patches' embedding needs none for its input, the image. Softmax,
 * norms, GELU, the loss and AdamW are not counted, as is usual for MFU (Chowdhery et al., arXiv 2204.02311). */
#include "cost/flops.h"

static double block_flops(double tokens, double dim, double mlp_ratio) {
    return (8 + 4 * mlp_ratio) * tokens * dim * dim + 4 * tokens * tokens * dim;
}

typedef struct {
    double patches, keep, patch_dim;
} Counts;

static Counts count_tokens(const ModelShape *shape) {
    const int across = shape->image_size / shape->patch_size, patches = across * across;
    return (Counts){patches, (int)(patches * (1 - shape->mask_ratio)), 3.0 * shape->patch_size * shape->patch_size};
}

static double embedding_flops(const ModelShape *shape) {
    const Counts n = count_tokens(shape);
    return 2 * n.keep * n.patch_dim * shape->dim;
}

double flops_forward(const ModelShape *shape) {
    const Counts n = count_tokens(shape);
    const double dim = shape->dim, decoder_dim = shape->decoder_dim;
    return embedding_flops(shape) + shape->depth * block_flops(n.keep + 1, dim, shape->mlp_ratio) +
           2 * (n.keep + 1) * dim * decoder_dim +
           shape->decoder_depth * block_flops(n.patches + 1, decoder_dim, shape->mlp_ratio) +
           2 * (n.patches + 1) * decoder_dim * n.patch_dim + 2 * dim * shape_outputs(shape);
}

double flops_training(const ModelShape *shape) {
    return 3 * flops_forward(shape) - embedding_flops(shape);
}

double flops_mfu(const ModelShape *shape, double images_per_s, double peak) {
    return flops_training(shape) * images_per_s / peak;
}
