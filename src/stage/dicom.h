/* DICOM photographs: the part of the standard (PS3.5, PS3.10) that a fundus camera's single frames need. */
#ifndef FOVEA_STAGE_DICOM_H
#define FOVEA_STAGE_DICOM_H

#include "image.h"

#include <stdbool.h>
#include <stddef.h>

/* What a file's header says of its picture; texts are NUL-terminated, without padding, "" when absent. */
typedef struct {
    char transfer_syntax[65], sop_class[65], sop_instance[65], photometric[17];
    int rows, columns, samples, planar, bits_allocated, bits_stored, high_bit, frames;
    bool is_signed;
    size_t pixels_at, pixels_bytes; /* native: where the values lie in the file */
    bool encapsulated;
} Dicom;

/* Reads a whole file in memory up to its pixel data. EXIT_DATA "NAME: reason" when it is no DICOM file, damaged, cut
 * short or contradicts itself; *unsupported tells a sound file of a kind that is not read (message with the transfer
 * syntax UID or the pixel format) from a damaged one. */
Status dicom_parse(const char *name, const uint8_t *data, size_t size, Dicom *dicom, bool *unsupported) MUST_USE;

/* parse, then the pixels as RGB: native 8 bit RGB (interleaved or planar), YBR_FULL, MONOCHROME1 (inverted) and
 * MONOCHROME2, explicit and implicit little endian; JPEG baseline (1.2.840.10008.1.2.4.50) in one or many fragments,
 * its colours by the JPEG's own markers first (component ids R, G, B; Adobe; JFIF), the tag last. `least` as in
 * image_decode(). */
Status dicom_decode(const char *name, const uint8_t *data, size_t size, int least, Image *image, Dicom *dicom,
                    bool *unsupported) MUST_USE;

#endif
