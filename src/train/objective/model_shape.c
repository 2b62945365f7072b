/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/model_shape.h"

ModelShape model_shape_of(const Config *config, int micro_batch) {
    return (ModelShape){.image_size = (int)config->model.image_size,
                        .patch_size = (int)config->model.patch_size,
                        .dim = (int)config->model.dim,
                        .depth = (int)config->model.depth,
                        .heads = (int)config->model.heads,
                        .decoder_dim = (int)config->model.decoder_dim,
                        .decoder_depth = (int)config->model.decoder_depth,
                        .decoder_heads = (int)config->model.decoder_heads,
                        .mlp_ratio = 4,
                        .norm_eps = 1e-6,
                        .mask_ratio = config->model.mask_ratio,
                        .norm_pix_loss = config->model.norm_pix_loss,
                        .activation = config->model.activation,
                        .recompute = config->train.recompute,
                        .batch = micro_batch,
                        .fp8 = config->train.precision == PRECISION_FP8};
}

RealType model_shape_type(const Config *config) {
    return config->train.precision == PRECISION_FP32 ? REAL_FP32 : REAL_BF16;
}
