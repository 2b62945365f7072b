/* SPDX-License-Identifier: Apache-2.0 */
/* The validation loss: the same images under the same masks each time, in every run. */
#ifndef FOVEA_TRAIN_VALIDATE_H
#define FOVEA_TRAIN_VALIDATE_H

#include "data/evaluation_images.h"
#include "model/mae.h"
#include "train/objective/masks.h"

/* Forward pass over images first .. first + count - 1 (count at most the model's batch) under their fixed masks. The
 * predictions are then in the model, the ids in `masks`. */
Status validate_forward(Mae *mae, Masks *masks, const EvaluationImages *images, int first, int count,
                        double *loss) MUST_USE;

/* Mean loss over the first `count` images, at least 1. */
Status validate_loss(Mae *mae, Masks *masks, const EvaluationImages *images, int count, double *loss) MUST_USE;

#endif
