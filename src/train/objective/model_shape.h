/* SPDX-License-Identifier: Apache-2.0 */
/* The model that a configuration describes. */
#ifndef FOVEA_TRAIN_MODEL_SHAPE_H
#define FOVEA_TRAIN_MODEL_SHAPE_H

#include "model/model.h"
#include "train/config.h"

/* The model's shape for images that the host crops, with as many classes as the configuration alone says. */
ModelShape model_shape_of(const Config *config, int micro_batch);
/* The type of its activations. */
RealType model_shape_type(const Config *config);

#endif
