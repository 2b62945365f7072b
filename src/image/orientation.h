/* SPDX-License-Identifier: Apache-2.0 */
/* The orientation of EXIF and TIFF: which way the camera was held. */
#ifndef FOVEA_IMAGE_ORIENTATION_H
#define FOVEA_IMAGE_ORIENTATION_H

#include "image/image.h"

/* The orientation in EXIF data, which begins with its byte order: 1 to 8; 1 also when there is none, or no sense in it.
 */
int orientation_of_exif(const uint8_t *exif, size_t size);

/* Turns the image from `orientation` upright. On failure it is unchanged. */
Status orientation_apply(Image *image, const char *name, int orientation) MUST_USE;

#endif
