/* SPDX-License-Identifier: Apache-2.0 */
/* Photographs as 8-bit RGB: read from JPEG and PNG, written as PNG and JPEG. */
#ifndef FOVEA_IMAGE_H
#define FOVEA_IMAGE_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int width, height;
    uint8_t *pixels; /* [height][width][3], owned; free with image_free() */
} Image;

/* Decodes the JPEG or PNG at `path` (told apart by content, not by name). Grey, palette, alpha and CMYK images become
 * RGB as Pillow's convert("RGB") makes them: alpha dropped, CMYK taken as Adobe's (inverted), gamma, colour profiles
 * and the EXIF orientation not applied. 16 bits are cut to the high byte, grey too (where Pillow clips at 255). Fails
 * with EXIT_DATA and a message "PATH: reason" on anything unreadable, damaged, truncated (any warning of the JPEG
 * decoder counts: it had to invent data), empty, over 1 GiB, or with a side over 20,000; with EXIT_NO_MEMORY without
 * memory. Reentrant. */
Status image_read(const char *path, Image *image) MUST_USE;

/* Whether `name` ends in .jpg, .jpeg or .png, in any case. */
bool image_is_file_name(const char *name);

/* Whose word counts for the colours of a JPEG of three components. */
typedef enum {
    IMAGE_COLOURS_OF_FILE, /* as libjpeg and Pillow: JFIF (YCbCr), Adobe, component ids R, G, B; untold: YCbCr */
    IMAGE_COLOURS_YCBCR,   /* as DICOM readers: component ids R, G, B, Adobe, JFIF; untold (ids 1, 2, 3 too): YCbCr */
    IMAGE_COLOURS_RGB      /* the same; untold: RGB already */
} ImageColours;

/* How image_decode() decodes; all 0 is image_read()'s way. */
typedef struct {
    /* 0: full size. Otherwise a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size (in the decoder's cosine transform,
     * which saves most of the time) as long as its shorter side stays at least this. */
    int least;
    ImageColours colours;
    int components; /* other than 0: a JPEG of another number of components is refused */
} ImageDecode;

/* image_read() of a file that is in memory; `name` is for messages. `full_height` and `full_width` get the size it has
 * undiminished; the decoder rounds a diminished side up. */
Status image_decode(const char *name, const uint8_t *data, size_t size, const ImageDecode *how, Image *image,
                    int *full_height, int *full_width) MUST_USE;

/* Writes `pixels` [height][width][3]. `quality` 1..100, 4:2:0. EXIT_IO on failure; the file appears whole or not at
 * all. */
Status image_write_png(const char *path, const uint8_t *pixels, int width, int height) MUST_USE;
Status image_write_jpeg(const char *path, const uint8_t *pixels, int width, int height, int quality) MUST_USE;
/* The JPEG file in memory: *bytes is malloc'ed, the caller's. `name` is for messages. */
Status image_encode_jpeg(const char *name, const uint8_t *pixels, int width, int height, int quality, uint8_t **bytes,
                         size_t *size) MUST_USE;

void image_free(Image *image);

#endif
