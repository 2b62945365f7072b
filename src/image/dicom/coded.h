/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_CODED_H
#define FOVEA_IMAGE_CODED_H

#include <stddef.h>
#include <stdint.h>

/* A compressed frame in memory, and what the file around it says about the image: 8 bits unsigned of `components` (1 or
 * 3). */
typedef struct {
    const char *name; /* for messages */
    const uint8_t *data;
    size_t size;
    int width, height, components;
} Coded;

#endif
