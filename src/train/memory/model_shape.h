/* SPDX-License-Identifier: Apache-2.0 */
/* The model that a configuration describes. */
#ifndef FOVEA_TRAIN_MODEL_SHAPE_H
#define FOVEA_TRAIN_MODEL_SHAPE_H

#include "model/model.h"
#include "train/config.h"

typedef struct {
    char text[160];
} ModelShapeText;

/* The model's shape for images that the host crops. */
ModelShape model_shape_of(const Config *config, int micro_batch);
/* The type of its activations. */
RealType model_shape_type(const Config *config);
/* In one line: "MAE 768x12, 12 heads, decoder 512x8, 16 heads; 224 px, patch 16". */
ModelShapeText model_shape_text(const ModelShape *shape);

#endif
