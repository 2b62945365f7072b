/* SPDX-License-Identifier: Apache-2.0 */
#include "model/embedding.h"

#include <math.h>
#include <string.h>

static void encode_position(float *out, int position, int width) {
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
            encode_position(out, column, dim / 2);
            encode_position(out + dim / 2, row, dim / 2);
        }
}

Linear patch_embed_add(Params *params, const ModelShape *shape) {
    const int side = shape->patch_size;
    Linear linear = {.in = shape_patch_dim(shape), .out = shape->dim};
    linear.weight = params_add(params, "patch_embed.proj.weight", true, 0, 4, (int64_t[]){shape->dim, 3, side, side});
    linear.bias = params_add(params, "patch_embed.proj.bias", true, 0, 1, (int64_t[]){shape->dim});
    return linear;
}
