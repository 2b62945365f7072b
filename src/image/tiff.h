/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_TIFF_H
#define FOVEA_IMAGE_TIFF_H

#include "image/decode_options.h"
#include "image/image.h"

/* Whether the file begins as TIFF or BigTIFF does. */
bool tiff_begins(const uint8_t *data, size_t size);

/* Decodes a whole TIFF file in memory as it is stored: grey, RGB or palette of 8 or 16 bits unsigned, and YCbCr in
 * JPEG; in strips or tiles, side by side or in planes; by every compression that libtiff was built with. Alpha is
 * dropped. `facts` get the size and the orientation. Refused: several images, except diminished copies and masks of the
 * first. On failure the caller frees `image`. */
Status tiff_decode(Image *image, const char *name, const uint8_t *data, size_t size, ImageFacts *facts) MUST_USE;

#endif
