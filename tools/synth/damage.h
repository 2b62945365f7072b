/* SPDX-License-Identifier: Apache-2.0 */
/* What mistakes do to a DICOM file's bytes and image. What is left to chance is drawn from the seed and the
 * photograph. */
#ifndef SYNTH_DAMAGE_H
#define SYNTH_DAMAGE_H

#include "tools/synth/dicom_write.h"
#include "tools/synth/photograph.h"

/* Before the file is made: its encoding, how much of the pixels it holds, and whom it names. `person` and `partner` are
 * the numbers of the photograph's person and of the one that the mistake takes, and have to stay. */
void damage_image(const Arguments *arguments, const Photograph *photograph, const char *person, const char *partner,
                  DicomImage *image);

/* The file as the download's list knows it: cut short, emptied, or a bit flipped. */
void damage_file(const Arguments *arguments, const Photograph *photograph, uint8_t *bytes, size_t *size);

#endif
