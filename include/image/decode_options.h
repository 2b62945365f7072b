/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_DECODE_OPTIONS_H
#define FOVEA_IMAGE_DECODE_OPTIONS_H

#include <stdbool.h>

/* What decides the colours of a JPEG of three components. */
typedef enum {
    IMAGE_COLOURS_OF_FILE, /* as libjpeg and Pillow: JFIF (YCbCr), Adobe, component ids R, G, B; otherwise YCbCr */
    IMAGE_COLOURS_YCBCR,   /* as DICOM readers: component ids R, G, B, Adobe, JFIF; otherwise (ids 1, 2, 3) YCbCr */
    IMAGE_COLOURS_RGB      /* the same; otherwise RGB already, unless chroma is subsampled, which RGB never is */
} ImageColours;

/* How image_decode() decodes; with all fields 0 it decodes as image_read() does. */
typedef struct {
    /* 0: full size. Otherwise a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size (in the decoder's cosine transform,
     * which saves most of the time) as long as its shorter side keeps at least this many pixels. */
    int min_side;
    ImageColours colours;
    int components; /* unless 0, a JPEG with another number of components is refused */
    bool as_stored; /* the file's orientation is ignored, as DICOM readers do */
} ImageDecode;

enum { IMAGE_WARNING_BYTES = 200 }; /* libjpeg's longest message */

/* What image_decode() has to say about an image that it decoded. */
typedef struct {
    int height, width;                 /* the full size, upright */
    int orientation;                   /* EXIF's or TIFF's, 2 to 8, that was applied; 1: none */
    char warning[IMAGE_WARNING_BYTES]; /* "", or what was odd about the file; no pixel is lost */
} ImageFacts;

#endif
