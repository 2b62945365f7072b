/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_DECODE_OPTIONS_H
#define FOVEA_IMAGE_DECODE_OPTIONS_H

/* What decides the colours of a JPEG of three components. */
typedef enum {
    IMAGE_COLOURS_OF_FILE, /* as libjpeg and Pillow: JFIF (YCbCr), Adobe, component ids R, G, B; otherwise YCbCr */
    IMAGE_COLOURS_YCBCR,   /* as DICOM readers: component ids R, G, B, Adobe, JFIF; otherwise (ids 1, 2, 3) YCbCr */
    IMAGE_COLOURS_RGB      /* the same; otherwise RGB already */
} ImageColours;

/* How image_decode() decodes; with all fields 0 it decodes as image_read() does. */
typedef struct {
    /* 0: full size. Otherwise a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size (in the decoder's cosine transform,
     * which saves most of the time) as long as its shorter side keeps at least this many pixels. */
    int min_side;
    ImageColours colours;
    int components; /* unless 0, a JPEG with another number of components is refused */
} ImageDecode;

#endif
