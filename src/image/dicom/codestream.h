/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a JPEG 2000 codestream (ISO/IEC 15444-1, annex A): what OpenJPEG would allocate by, or not miss. */
#ifndef FOVEA_IMAGE_CODESTREAM_H
#define FOVEA_IMAGE_CODESTREAM_H

#include "base/status.h"
#include "image/dicom/coded.h"

#include <stdbool.h>

/* Narrows `coded` to the codestream if it is within the boxes of a JP2 file, and checks it before any memory is
 * allocated: its size and components are the header's, every tile is there, and no part of one is cut short. */
Status codestream_find(Coded *coded, bool *unsupported) MUST_USE;

#endif
