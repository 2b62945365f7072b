/* SPDX-License-Identifier: Apache-2.0 */
/* Random crops for training. */
#ifndef FOVEA_DATA_AUGMENT_H
#define FOVEA_DATA_AUGMENT_H

#include "base/random.h"
#include "image/resize.h"

typedef struct {
    double scale_min, scale_max; /* area of the crop as a share of the image's */
    double ratio_min, ratio_max; /* width / height */
    double flip;                 /* probability of mirroring */
} CropRange;

/* torchvision's RandomResizedCrop: ten tries at area and log-uniform aspect ratio, then the largest central box within
 * the ratios. Draws from `random` only. */
Crop random_resized_crop(Random *random, const CropRange *range, int height, int width);

#endif
