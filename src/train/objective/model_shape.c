/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective/model_shape.h"

#include "train/objective/targets.h"

ModelShape model_shape_of(const Config *config, int micro_batch) {
    const int64_t freeze = config->train.freeze_blocks, depth = config->model.depth;
    const bool decodes = config->train.objective == OBJECTIVE_MAE;
    return (ModelShape){.image_size = (int)config->model.image_size,
                        .patch_size = (int)config->model.patch_size,
                        .dim = (int)config->model.dim,
                        .depth = (int)config->model.depth,
                        .heads = (int)config->model.heads,
                        .decoder_dim = decodes ? (int)config->model.decoder_dim : 0,
                        .decoder_depth = decodes ? (int)config->model.decoder_depth : 0,
                        .decoder_heads = decodes ? (int)config->model.decoder_heads : 0,
                        .mlp_ratio = 4,
                        .norm_eps = 1e-6,
                        .mask_ratio = decodes ? config->model.mask_ratio : 0,
                        .whole = decodes && config->probe.train[0],
                        .norm_pix_loss = config->model.norm_pix_loss,
                        .activation = config->model.activation,
                        .task = targets_task(config),
                        .classes = decodes ? 0 : targets_classes(config),
                        .label_smoothing = config->train.label_smoothing,
                        .pool = config->model.pool,
                        .layer_scale = config->model.layer_scale,
                        .drop_path = config->model.drop_path,
                        .looks = config->data.jitter > 0 || config->data.erase > 0,
                        .frozen = (int)(freeze > depth ? depth + 1 : freeze),
                        .recompute = config->train.recompute,
                        .batch = micro_batch,
                        .fp8 = config->train.precision == PRECISION_FP8};
}

RealType model_shape_type(const Config *config) {
    return config->train.precision == PRECISION_FP32 ? REAL_FP32 : REAL_BF16;
}
