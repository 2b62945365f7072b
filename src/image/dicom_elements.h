/* SPDX-License-Identifier: Apache-2.0 */
/* The elements a DICOM file is made of (PS3.5, section 7): their headers, and what lies between them. Every length is
 * held against what is left before it is believed. */
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

/* A file in memory and the place reached in it. */
typedef struct {
    const char *name;
    const uint8_t *data;
    size_t size, at;
} DicomBytes;

typedef struct {
    uint32_t tag;    /* group << 16 | element */
    char vr[3];      /* "" where none is written */
    uint32_t length; /* of the value, or DICOM_UNDEFINED_LENGTH */
    size_t at;       /* of the tag; the value begins where reading stands */
} DicomElement;

/* "NAME: damaged DICOM: ...", EXIT_DATA. */
Status dicom_damaged(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* Little endian, from two bytes that are there. */
uint16_t dicom_u16(const uint8_t *bytes);

/* Reads an element's header, with or without a VR, and stands at its value. A defined length fits into what is left. */
Status dicom_read_element(DicomBytes *bytes, bool implicit, DicomElement *element) MUST_USE;

/* Steps over the value of the element just read, whatever it holds. */
Status dicom_skip_value(DicomBytes *bytes, bool implicit, const DicomElement *element) MUST_USE;

/* Reads the header of an item and stands at its value; *more is false when it was the sequence's end. */
Status dicom_read_item(DicomBytes *bytes, DicomElement *item, bool *more) MUST_USE;

/* Steps over the items of encapsulated pixel data up to and over the sequence's end. */
Status dicom_skip_fragments(DicomBytes *bytes) MUST_USE;

#endif
