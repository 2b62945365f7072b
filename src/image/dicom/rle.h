/* SPDX-License-Identifier: Apache-2.0 */
/* DICOM's RLE (PS3.5, annex G): a table of up to 15 segments, each a plane of bytes packed as PackBits does. */
#ifndef FOVEA_IMAGE_RLE_H
#define FOVEA_IMAGE_RLE_H

#include "base/status.h"
#include "image/dicom/coded.h"

/* EXIT_DATA "NAME: damaged RLE: ..." unless each component has a segment of exactly its pixels. Grey fills all three
 * channels. */
Status rle_decode(const Coded *coded, uint8_t *pixels /*[height][width][3]*/) MUST_USE;

#endif
