/* SPDX-License-Identifier: Apache-2.0 */
/* Images of 16 bits, of which a camera may use fewer: their highest 8 bits alone would be a dark image, or a black one.
 */
#ifndef FOVEA_IMAGE_DEEP_H
#define FOVEA_IMAGE_DEEP_H

#include "image/decode_options.h"
#include "image/image.h"

/* Fills the allocated `image` from 16-bit values [height][width][components], 1 or 3. `stated` is the number of bits
 * that the file says are used, 0: it does not say. Values that all fit into that number, or without one into 14, 12, 10
 * or 8 bits, are taken to have the fewest of these, with a warning; others to have 16. The highest 8 of those are kept.
 */
void deep_convert(Image *image, const uint16_t *values, int components, int stated, ImageFacts *facts);

#endif
