/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FOVEA_IMAGE_JPEG2000_H
#define FOVEA_IMAGE_JPEG2000_H

#include "base/status.h"
#include "image/dicom/coded.h"

#include <stdbool.h>

/* Decodes a JPEG 2000 codestream, bare or within the boxes of a JP2 file, at full size. A transform of the colours that
 * the codestream itself names is undone; other colours stay as they are. EXIT_DATA "NAME: damaged JPEG 2000: ..." also
 * when it is of another size or kind than `coded`; *unsupported when its components differ in resolution. Grey fills
 * all three channels. */
Status jpeg2000_decode(const Coded *coded, uint8_t *pixels /*[height][width][3]*/, bool *unsupported) MUST_USE;

#endif
