/* SPDX-License-Identifier: Apache-2.0 */
/* The elements of a DICOM file (PS3.5, section 7): their headers, and skipping their values. Every length is compared
 * with the bytes that are left before it is used. */
#ifndef FOVEA_IMAGE_DICOM_ELEMENTS_H
#define FOVEA_IMAGE_DICOM_ELEMENTS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DICOM_UNDEFINED_LENGTH 0xFFFFFFFFu

enum {
    DICOM_PIXEL_DATA = 0x7FE00010,
    DICOM_MAX_DEPTH = 32 /* of sequences within sequences; the standard's own objects stay below ten */
};

/* A file in memory and the reading position in it. */
typedef struct {
    const char *name;
    const uint8_t *data;
    size_t size, at;
} DicomBytes;

typedef struct {
    uint32_t tag;    /* group << 16 | element */
    char vr[3];      /* "" where it is implicit */
    uint32_t length; /* of the value, or DICOM_UNDEFINED_LENGTH */
    size_t at;       /* of the tag; the value begins at the reading position */
} DicomElement;

/* "NAME: damaged DICOM: ...", EXIT_DATA. */
Status dicom_damaged(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* Little endian, from two bytes. */
uint16_t dicom_u16(const uint8_t *bytes);

/* Reads an element's header, with or without a VR, up to its value. A defined length fits into the bytes left. */
Status dicom_read_element(DicomBytes *bytes, bool implicit, DicomElement *element) MUST_USE;

/* Skips the value of the element just read. */
Status dicom_skip_value(DicomBytes *bytes, bool implicit, const DicomElement *element) MUST_USE;

/* Reads the header of an item up to its value; *more is false at the sequence's end. */
Status dicom_read_item(DicomBytes *bytes, DicomElement *item, bool *more) MUST_USE;

/* Skips the items of encapsulated pixel data and the sequence's end. */
Status dicom_skip_fragments(DicomBytes *bytes) MUST_USE;

#endif
