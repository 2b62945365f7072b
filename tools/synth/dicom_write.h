/* SPDX-License-Identifier: Apache-2.0 */
/* DICOM files of one photograph, in the encodings that fundus cameras' files come in. */
#ifndef SYNTH_DICOM_WRITE_H
#define SYNTH_DICOM_WRITE_H

#include "base/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    ENCODING_EXPLICIT_RGB,
    ENCODING_PLANAR_RGB, /* one colour after the other */
    ENCODING_IMPLICIT_RGB,
    ENCODING_MONOCHROME2,
    ENCODING_MONOCHROME1,   /* implicit, 0 is white */
    ENCODING_JPEG,          /* in one fragment */
    ENCODING_JPEG_PIECES,   /* in several, without an offset table */
    ENCODING_LOSSLESS_JPEG, /* what only claims to be: transfer syntaxes that are not read */
    ENCODING_HT_JPEG2000
} Encoding;

typedef struct {
    const char *person, *uid; /* SOP instance */
    bool left;
    Encoding encoding;
    int width, height;
    const uint8_t *pixels; /* [height][width][3]; MONOCHROME takes the green channel */
    int quality;           /* of JPEG */
    double keep; /* share of a JPEG's bytes, or of native rows, that the file holds: below 1 it is cut short */
} DicomImage;

bool dicom_is_jpeg(Encoding encoding);
/* Whether its elements are written without their kinds (VR). */
bool dicom_is_implicit(Encoding encoding);

/* The whole file in memory, the caller's. */
Status dicom_write(const DicomImage *image, uint8_t **bytes, size_t *size) MUST_USE;

#endif
