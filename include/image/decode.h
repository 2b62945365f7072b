/* SPDX-License-Identifier: Apache-2.0 */
/* Reading JPEG, PNG and TIFF as 8-bit RGB. */
#ifndef FOVEA_IMAGE_DECODE_H
#define FOVEA_IMAGE_DECODE_H

#include "image/decode_options.h"
#include "image/image.h"

/* Decodes the JPEG, PNG or TIFF at `path`; the content decides which, not the name. Grey, palette, alpha and CMYK
 * images become RGB as Pillow's convert("RGB") makes them: alpha is dropped, CMYK is read as Adobe's (inverted), and
 * gamma and colour profiles are not applied. The image is turned upright by its orientation (EXIF, TIFF). 16 bits are
 * cut to the highest 8 of those that are used (include/image/decode_options.h has the warning). EXIT_DATA "PATH:
 * reason" for anything unreadable, damaged, truncated (also when the decoder only warns that it had to invent pixels),
 * empty, over 1 GiB, or with a side over 20,000; EXIT_NO_MEMORY. Reentrant. */
Status image_read(const char *path, Image *image) MUST_USE;

/* image_read() of a file in memory; `name` is for messages. `facts` gets the full size; the decoder rounds a reduced
 * side up. */
Status image_decode(const char *name, const uint8_t *data, size_t size, const ImageDecode *options, Image *image,
                    ImageFacts *facts) MUST_USE;

#endif
