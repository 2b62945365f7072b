/* SPDX-License-Identifier: Apache-2.0 */
#include "model/embedding.h"

#include <math.h>
#include <string.h>

const float image_mean[3] = {0.485f, 0.456f, 0.406f};
const float image_std[3] = {0.229f, 0.224f, 0.225f};

static void encode(float *out, int position, int width) {
    int quarter = width / 2;
    for (int i = 0; i < quarter; i++) {
        double angle = position * pow(10000.0, -(double)i / quarter);
        out[i] = (float)sin(angle);
        out[quarter + i] = (float)cos(angle);
    }
}

void position_embedding(float *pos, int grid, int dim) {
    memset(pos, 0, sizeof *pos * (size_t)dim);
    for (int row = 0; row < grid; row++)
        for (int column = 0; column < grid; column++) {
            float *out = pos + (size_t)(1 + row * grid + column) * (size_t)dim;
            encode(out, column, dim / 2);
            encode(out + dim / 2, row, dim / 2);
        }
}

Status model_check(const ModelShape *shape, bool mae) {
    if (shape->patch_size < 1 || shape->image_size < 1 || shape->image_size % shape->patch_size)
        return status_error(EXIT_USAGE, "model.image_size %d is not a multiple of model.patch_size %d",
                            shape->image_size, shape->patch_size);
    if (shape->depth < 1 || shape->batch < 1)
        return status_error(EXIT_USAGE, "the model needs at least one block and one sample a batch");
    if (shape->heads < 1 || shape->dim % shape->heads || shape->dim % 4)
        return status_error(EXIT_USAGE, "model.dim %d must be a multiple of model.heads %d and of 4", shape->dim,
                            shape->heads);
    if (!mae)
        return shape->classes >= 1 ? NULL : status_error(EXIT_USAGE, "a classifier needs at least one class");
    if (shape->decoder_depth < 1)
        return status_error(EXIT_USAGE, "model.decoder_depth must be at least 1");
    if (shape->decoder_heads < 1 || shape->decoder_dim % shape->decoder_heads || shape->decoder_dim % 4)
        return status_error(EXIT_USAGE, "model.decoder_dim %d must be a multiple of model.decoder_heads %d and of 4",
                            shape->decoder_dim, shape->decoder_heads);
    int patches = shape_patches(shape), keep = (int)(patches * (1 - shape->mask_ratio));
    if (keep < 1 || keep >= patches)
        return status_error(EXIT_USAGE,
                            "model.mask_ratio %g keeps %d of %d patches: at least one must stay visible and one hidden",
                            shape->mask_ratio, keep, patches);
    return NULL;
}
