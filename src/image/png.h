/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_PNG_H
#define FOVEA_IMAGE_PNG_H

#include "image/image.h"

/* Decodes a whole PNG file in memory; `full` gets the size, without pixels. On failure the caller frees `image`. */
Status png_decode(Image *image, const char *name, const uint8_t *data, size_t size, Image *full) MUST_USE;

#endif
