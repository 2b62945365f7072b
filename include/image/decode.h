/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JPEG and PNG as 8-bit RGB. */
#ifndef FOVEA_IMAGE_DECODE_H
#define FOVEA_IMAGE_DECODE_H

#include "image/decode_options.h"
#include "image/image.h"

/* Decodes the JPEG or PNG at `path`; the content decides which, not the name. Grey, palette, alpha and CMYK images
 * become RGB as Pillow's convert("RGB") makes them: alpha is dropped, CMYK is read as Adobe's (inverted), and gamma,
 * colour profiles and the EXIF orientation are not applied. 16 bits are cut to the high byte, also in grey images
 * (where Pillow clips at 255). EXIT_DATA "PATH: reason" for anything unreadable, damaged, truncated (any warning of the
 * JPEG decoder counts: it had to invent data), empty, over 1 GiB, or with a side over 20,000; EXIT_NO_MEMORY.
 * Reentrant. */
Status image_read(const char *path, Image *image) MUST_USE;

/* image_read() of a file in memory; `name` is for messages. `full_height` and `full_width` get the full size; the
 * decoder rounds a reduced side up. */
Status image_decode(const char *name, const uint8_t *data, size_t size, const ImageDecode *options, Image *image,
                    int *full_height, int *full_width) MUST_USE;

#endif
