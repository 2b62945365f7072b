/* SPDX-License-Identifier: Apache-2.0 */
/* A second file of a photograph: the same bytes, or nearly the same image. */
#ifndef SYNTH_TWIN_H
#define SYNTH_TWIN_H

#include "tools/synth/dicom_write.h"
#include "tools/synth/photograph.h"

/* Fills photograph->twin, where its mistake takes one: beside it, or in the partner's folder. */
void twin_name(const Arguments *arguments, Photograph *photograph);

/* The bytes of the twin, the caller's: `sound` once more, or another file of `image`, with the partner's number if it
 * lies there. */
Status twin_make(const Photograph *photograph, const DicomImage *image, const char *partner, const uint8_t *sound,
                 size_t sound_size, uint8_t **bytes, size_t *size) MUST_USE;

#endif
