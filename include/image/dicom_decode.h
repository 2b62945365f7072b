/* SPDX-License-Identifier: Apache-2.0 */
/* The pixels of DICOM photographs as 8-bit RGB. */
#ifndef FOVEA_IMAGE_DICOM_DECODE_H
#define FOVEA_IMAGE_DICOM_DECODE_H

#include "image/dicom.h"
#include "image/image.h"

/* dicom_parse(), then the pixels as RGB: native 8 bit RGB and YBR_FULL (interleaved or planar), YBR_FULL_422 (chroma
 * repeated), MONOCHROME1 (inverted) and MONOCHROME2, explicit, implicit and deflated little endian; and in one or many
 * fragments JPEG baseline, whose own markers (component ids R, G, B; Adobe; JFIF) override the tag's colours, JPEG-LS,
 * JPEG 2000 (there YBR_RCT and YBR_ICT, too) and RLE, whose colours are the tag's and all of full resolution. The
 * values are those stored: no rescale slope, window or lookup table is applied. `min_side` as in image_decode(), for
 * JPEG; rows and columns of `dicom` are the full size. Free `image` with image_free(). */
Status dicom_decode(const char *name, const uint8_t *data, size_t size, int min_side, Image *image, Dicom *dicom,
                    bool *unsupported) MUST_USE;

#endif
