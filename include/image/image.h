/* SPDX-License-Identifier: Apache-2.0 */
/* An image in memory: 8-bit RGB. */
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

void image_free(Image *image);

/* Whether `name` ends in .jpg, .jpeg, .png, .tif or .tiff, in any case. */
bool image_is_file_name(const char *name);
/* Whether it ends in .dcm, in any case. */
bool image_is_dicom_name(const char *name);

#endif
