/* SPDX-License-Identifier: Apache-2.0 */
/* Random crops and looks for training. */
#ifndef FOVEA_DATA_AUGMENT_H
#define FOVEA_DATA_AUGMENT_H

#include "base/random.h"
#include "ops/types.h"

typedef struct {
    double scale_min, scale_max; /* area of the crop as a share of the image's */
    double ratio_min, ratio_max; /* width / height */
    double flip;                 /* probability of mirroring */
} CropRange;

/* torchvision's RandomResizedCrop: ten tries at area and log-uniform aspect ratio, then the largest central box within
 * the ratios. Draws from `random` only. */
Crop random_resized_crop(Random *random, const CropRange *range, int height, int width);

typedef struct {
    double jitter; /* brightness, contrast and saturation are multiplied by 1 - jitter .. 1 + jitter */
    double erase;  /* probability that a rectangle is erased */
} LookRange;

/* How an image of size x size is altered. Colours: brightness, then contrast about a middle grey of 114 levels (the
 * mean of ImageNet), then saturation about the grey 0.299 R + 0.587 G + 0.114 B, as one matrix and therefore without
 * clipping in between. The erased rectangle has 0.02 to 1/3 of the image's area and a log-uniform ratio of 0.3 to 1/0.3
 * of its sides (Zhong et al., arXiv 1708.04896), in ten tries; then none. */
Look random_look(Random *random, const LookRange *range, int size);

#endif
