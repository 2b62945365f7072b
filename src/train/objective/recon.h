/* SPDX-License-Identifier: Apache-2.0 */
/* Reconstruction images: each row shows an image, the image without its hidden patches, and the reconstruction. */
#ifndef FOVEA_TRAIN_RECON_H
#define FOVEA_TRAIN_RECON_H

#include "data/evaluation_images.h"
#include "model/mae.h"
#include "train/objective/masks.h"

/* A row has three tiles of `tile` x `tile` pixels, `gap` pixels apart. */
typedef struct {
    int scale, tile, gap, width, height;
} ReconLayout;

ReconLayout recon_layout(int image_size, int rows);

/* Writes a PNG of the first `rows` images under their fixed masks. Visible patches are the image's own. Hidden ones are
 * the prediction; with norm_pix_loss it gets the patch's own mean and deviation back. */
Status recon_write(const char *path, Mae *mae, const Ops *ops, Masks *masks, const EvaluationImages *images,
                   int rows) MUST_USE;

#endif
