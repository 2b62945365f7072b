/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_JPEG_H
#define FOVEA_IMAGE_JPEG_H

#include "image/decode_options.h"
#include "image/image.h"

/* Decodes a whole JPEG file in memory as it is stored; `facts` get the full size as stored, the orientation that its
 * EXIF data gives, and the decoder's first warning. On failure the caller frees `image`. */
Status jpeg_decode(Image *image, const char *name, const uint8_t *data, size_t size, const ImageDecode *options,
                   ImageFacts *facts) MUST_USE;

#endif
