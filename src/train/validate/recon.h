/* SPDX-License-Identifier: Apache-2.0 */
/* Images of what the model makes of hidden patches: a row each of original, masked and reconstructed. */
#ifndef FOVEA_TRAIN_RECON_H
#define FOVEA_TRAIN_RECON_H

#include "data/evaluation_images.h"
#include "model/mae.h"
#include "train/step/masks.h"

/* Geometry of the image: `tile` pixels a side of each of the three tiles of a row, `gap` pixels between tiles. */
typedef struct {
    int scale, tile, gap, width, height;
} ReconLayout;

ReconLayout recon_layout(int image_size, int rows);

/* Writes a PNG of the first `rows` images under their fixed masks. Visible patches are the image's own; hidden ones
 * are the prediction, given back the patch's own mean and deviation where norm_pix_loss took them away. */
Status recon_write(const char *path, Mae *mae, const Ops *ops, Masks *masks, const EvaluationImages *images,
                   int rows) MUST_USE;

#endif
