/* SPDX-License-Identifier: Apache-2.0 */
/* Writing PNG and JPEG. */
#ifndef FOVEA_IMAGE_ENCODE_H
#define FOVEA_IMAGE_ENCODE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Writes `pixels` [height][width][3]. `quality` 1..100, 4:2:0. EXIT_IO on failure; the file appears whole or not at
 * all. */
Status image_write_png(const char *path, const uint8_t *pixels, int width, int height) MUST_USE;
Status image_write_jpeg(const char *path, const uint8_t *pixels, int width, int height, int quality) MUST_USE;
/* The file in memory: *bytes is malloc'ed, the caller's. `name` is for messages. */
Status image_encode_png(const char *name, const uint8_t *pixels, int width, int height, uint8_t **bytes,
                        size_t *size) MUST_USE;
Status image_encode_jpeg(const char *name, const uint8_t *pixels, int width, int height, int quality, uint8_t **bytes,
                         size_t *size) MUST_USE;

#endif
