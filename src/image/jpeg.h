/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_JPEG_H
#define FOVEA_IMAGE_JPEG_H

#include "image/decode_options.h"
#include "image/image.h"

/* Decodes a whole JPEG file in memory; `full` gets the full size, without pixels. On failure the caller frees `image`.
 */
Status jpeg_decode(Image *image, const char *name, const uint8_t *data, size_t size, const ImageDecode *options,
                   Image *full) MUST_USE;

#endif
