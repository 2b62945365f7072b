/* SPDX-License-Identifier: Apache-2.0 */
/* The data set of a deflated DICOM file (PS3.5, annex A.5; RFC 1951 without a header of zlib's). */
#ifndef FOVEA_IMAGE_DICOM_INFLATE_H
#define FOVEA_IMAGE_DICOM_INFLATE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Inflates `size` bytes of the file `name`; *out is malloc'ed, the caller's. Bytes after the end, such as the one that
 * makes the length even, are ignored. EXIT_DATA when the data is damaged, cut short, or inflates to over `most` bytes:
 * a bomb of 1 MiB holds 1 GiB. Memory is taken as it inflates. */
Status dicom_inflate(const char *name, const uint8_t *data, size_t size, size_t most, uint8_t **out,
                     size_t *out_size) MUST_USE;

#endif
