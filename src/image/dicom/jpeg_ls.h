/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_JPEG_LS_H
#define FOVEA_IMAGE_JPEG_LS_H

#include "base/status.h"
#include "image/dicom/coded.h"

/* Decodes a JPEG-LS stream, lossless or near, interleaved by sample, by line or not at all. EXIT_DATA "NAME: damaged
 * JPEG-LS: ..." also when the stream is of another size or kind than `coded`. Grey fills all three channels. */
Status jpeg_ls_decode(const Coded *coded, uint8_t *pixels /*[height][width][3]*/) MUST_USE;

#endif
