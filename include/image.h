/* Photographs as 8-bit RGB: read from JPEG and PNG, written as PNG and JPEG. */
#ifndef FOVEA_IMAGE_H
#define FOVEA_IMAGE_H

#include "status.h"
#include <stdint.h>

typedef struct {
    int width, height;
    uint8_t *pixels; /* [height][width][3], owned; free with image_free() */
} Image;

/* Decodes the JPEG or PNG at `path` (told apart by content, not by name). Grey, palette, alpha and CMYK pictures become
 * RGB as Pillow's convert("RGB") makes them: alpha dropped, CMYK taken as Adobe's (inverted), gamma, colour profiles
 * and the EXIF orientation not applied. 16 bits are cut to the high byte, grey too (where Pillow clips at 255). Fails
 * with EXIT_DATA and a message "PATH: reason" on anything unreadable, damaged, truncated (any warning of the JPEG
 * decoder counts: it had to invent data), empty, over 1 GiB, or with a side over 20,000; with EXIT_NO_MEMORY without
 * memory. Reentrant. */
Status image_read(const char *path, Image *image) MUST_USE;

/* Writes `pixels` [height][width][3]. `quality` 1..100, 4:2:0. EXIT_IO on failure; the file appears whole or not at
 * all. */
Status image_write_png(const char *path, const uint8_t *pixels, int width, int height) MUST_USE;
Status image_write_jpeg(const char *path, const uint8_t *pixels, int width, int height, int quality) MUST_USE;

void image_free(Image *image);

#endif
