/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of DICOM photographs: the part of the standard (PS3.5, PS3.10) that a fundus camera's single frames
 * need. */
#ifndef FOVEA_IMAGE_DICOM_H
#define FOVEA_IMAGE_DICOM_H

#include "base/status.h"
#include "image/decode_options.h"
#include "image/dicom_syntax.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a file's header says about its image; texts are NUL-terminated, without padding, "" when absent. */
typedef struct {
    char transfer_syntax[65], sop_class[65], sop_instance[65], photometric[17];
    char patient[65]; /* (0010,0020) as written; "" too when it is longer or contains unprintable bytes */
    char laterality;  /* 'R' or 'L'; 0: both, neither, or absent */
    int rows, columns, samples, planar, bits_allocated, bits_stored, high_bit, frames;
    bool is_signed;
    DicomCoding coding;
    uint8_t *inflated; /* the data set of a deflated file; malloc'ed, the caller's; NULL for others */
    /* Where the values are in the file, or in `inflated`; with a coding: all items, and their end. */
    size_t pixels_at, pixels_bytes;
    bool coding_damaged;               /* dicom_decode() failed by the compressed image, not by the file around it */
    char warning[IMAGE_WARNING_BYTES]; /* as in ImageFacts */
} Dicom;

/* Reads a whole file in memory up to the end of its pixel data. EXIT_DATA "NAME: reason" when it is no DICOM file,
 * damaged, cut short or contradicts itself; *unsupported is true for a valid file of a kind that is not read (the
 * message has the transfer syntax UID, the pixel format or the number of frames). Elements within sequences are
 * skipped. */
Status dicom_parse(const char *name, const uint8_t *data, size_t size, Dicom *dicom, bool *unsupported) MUST_USE;

#endif
