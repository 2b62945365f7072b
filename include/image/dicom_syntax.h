/* SPDX-License-Identifier: Apache-2.0 */
/* DICOM's transfer syntaxes (PS3.6, annex A): how a data set is written, and how its pixels are compressed. */
#ifndef FOVEA_IMAGE_DICOM_SYNTAX_H
#define FOVEA_IMAGE_DICOM_SYNTAX_H

#include <stdbool.h>

/* How the pixels of a frame are compressed. */
typedef enum { DICOM_NATIVE, DICOM_JPEG, DICOM_JPEG_LS, DICOM_JPEG_2000, DICOM_RLE } DicomCoding;

typedef struct {
    const char *uid, *name;
    bool is_read;
    DicomCoding coding;
    bool implicit; /* elements without VRs */
    bool deflated; /* the data set, not its pixels alone */
} DicomSyntax;

/* Names unknown ones, too: "unknown here". */
DicomSyntax dicom_syntax(const char *uid);

#endif
