/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pixels.h"

#include <stdlib.h>

enum {
    MAX_SIDE = 20000,
    /* Deflate makes at most 1032 bytes of one, eight pixels each at one bit a pixel; no JPEG comes near that. A file
     * that claims more is truncated, and would make us allocate gigabytes before we noticed. */
    MAX_PIXELS_PER_BYTE = 1032 * 8
};

Status pixels_check_size(const char *name, uint64_t width, uint64_t height, size_t file_bytes) {
    if (!width || !height || width > MAX_SIDE || height > MAX_SIDE)
        return status_error(EXIT_DATA, "%s: %llu x %llu pixels; a side must be 1 to %d", name,
                            (unsigned long long)width, (unsigned long long)height, MAX_SIDE);
    if (width * height / MAX_PIXELS_PER_BYTE > file_bytes)
        return status_error(EXIT_DATA, "%s: truncated: claims %llu x %llu pixels in %zu bytes", name,
                            (unsigned long long)width, (unsigned long long)height, file_bytes);
    return NULL;
}

Status pixels_allocate(Image *image, const char *name, int width, int height) {
    size_t bytes = (size_t)width * (size_t)height * 3;
    image->pixels = malloc(bytes);
    if (!image->pixels)
        return status_no_memory(name, bytes);
    image->width = width;
    image->height = height;
    return NULL;
}
