/* SPDX-License-Identifier: Apache-2.0 */
/* DICOM photographs: the part of the standard (PS3.5, PS3.10) that a fundus camera's single frames need. */
#ifndef FOVEA_IMAGE_DICOM_H
#define FOVEA_IMAGE_DICOM_H

#include "image/image.h"

#include <stdbool.h>
#include <stddef.h>

/* What a file's header says of its image; texts are NUL-terminated, without padding, "" when absent. */
typedef struct {
    char transfer_syntax[65], sop_class[65], sop_instance[65], photometric[17];
    char patient[65]; /* (0010,0020) as it stands; "" too when it is longer or holds what does not print */
    char laterality;  /* 'R' or 'L'; 0: both, neither, or not told */
    int rows, columns, samples, planar, bits_allocated, bits_stored, high_bit, frames;
    bool is_signed;
    size_t pixels_at, pixels_bytes; /* where the values lie in the file; encapsulated: all items, and their end */
    bool encapsulated;
    bool jpeg_damaged; /* dicom_decode() failed by the JPEG, not by the file around it */
} Dicom;

/* Reads a whole file in memory up to the end of its pixel data. EXIT_DATA "NAME: reason" when it is no DICOM file,
 * damaged, cut short or contradicts itself; *unsupported tells a sound file of a kind that is not read (message with
 * the transfer syntax UID, the pixel format or the number of frames) from a damaged one. Nothing within sequences
 * counts. */
Status dicom_parse(const char *name, const uint8_t *data, size_t size, Dicom *dicom, bool *unsupported) MUST_USE;

/* parse, then the pixels as RGB: native 8 bit RGB and YBR_FULL (interleaved or planar), YBR_FULL_422 (chroma repeated),
 * MONOCHROME1 (inverted) and MONOCHROME2, explicit and implicit little endian; JPEG baseline (1.2.840.10008.1.2.4.50)
 * in one or many fragments, its colours by the JPEG's own markers first (component ids R, G, B; Adobe; JFIF), the tag
 * last. The values are those stored: no rescale slope, window or lookup table is applied. `least` as in image_decode(),
 * for JPEG; rows and columns of `dicom` are the full size. Free `image` with image_free(). */
Status dicom_decode(const char *name, const uint8_t *data, size_t size, int least, Image *image, Dicom *dicom,
                    bool *unsupported) MUST_USE;

#endif
