/* SPDX-License-Identifier: Apache-2.0 */
#include "train/config/preset.h"
#include "train/config.h"

void preset_fill(void *values) {
    /* Encoders: Dosovitskiy et al., arXiv 2010.11929, and timm for tiny and small. Decoders: the MAE paper's, and our
     * own choice for tiny and small. */
    static const struct {
        int patch, dim, depth, heads, decoder_dim, decoder_depth, decoder_heads;
    } shapes[] = {[PRESET_TINY] = {16, 192, 12, 3, 192, 4, 3},
                  [PRESET_SMALL] = {16, 384, 12, 6, 256, 4, 8},
                  [PRESET_BASE] = {16, 768, 12, 12, 512, 8, 16},
                  [PRESET_LARGE] = {16, 1024, 24, 16, 512, 8, 16},
                  [PRESET_HUGE] = {14, 1280, 32, 16, 512, 8, 16}};
    Config *config = values;
#define FILL(field, from)                                                                                              \
    if (!config->model.field)                                                                                          \
    config->model.field = shapes[config->model.preset].from
    FILL(patch_size, patch);
    FILL(dim, dim);
    FILL(depth, depth);
    FILL(heads, heads);
    FILL(decoder_dim, decoder_dim);
    FILL(decoder_depth, decoder_depth);
    FILL(decoder_heads, decoder_heads);
#undef FILL
}
