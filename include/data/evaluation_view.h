/* SPDX-License-Identifier: Apache-2.0 */
/* What evaluation sees of an image. */
#ifndef FOVEA_DATA_EVALUATION_VIEW_H
#define FOVEA_DATA_EVALUATION_VIEW_H

#include "image/image.h"

/* How much of an image is seen: its short side is resized to int(size / (224 / 256)), or to `size` itself, which shows
 * a square whole. */
typedef enum { VIEW_CENTER, VIEW_WHOLE } EvaluationView;

/* Resizes the short side and cuts the central size x size, as torchvision's Resize and CenterCrop do on Pillow images
 * (Pillow before 13, which runs the vertical pass first when the height shrinks much more than the width). Writes `out`
 * [size][size][3]. EXIT_DATA for an image so long and narrow that its resized long side would exceed 20,000. */
Status evaluation_view(const Image *image, int size, EvaluationView view, uint8_t *out) MUST_USE;

#endif
