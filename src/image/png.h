/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_PNG_H
#define FOVEA_IMAGE_PNG_H

#include "image/decode_options.h"
#include "image/image.h"

/* Decodes a whole PNG file in memory as it is stored; `facts` get the size and the orientation that its EXIF data
 * gives. On failure the caller frees `image`. */
Status png_decode(Image *image, const char *name, const uint8_t *data, size_t size, ImageFacts *facts) MUST_USE;

#endif
