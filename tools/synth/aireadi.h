/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of AI-READI's releases, filled with drawn images: retinal_photography/MODALITY/DEVICE/PERSON/FILE.dcm,
 * the tables that go with them, and on demand mistakes with a list of them. Layout and column names are those the
 * release's documentation gives; nothing else is taken from it. */
#ifndef SYNTH_AIREADI_H
#define SYNTH_AIREADI_H

#include "tools/synth/photograph.h"

/* EXIT_USAGE where OUT holds anything. */
Status aireadi_prepare(const Arguments *arguments) MUST_USE;

/* Writes one image [size][size][3] as the file of its person, eye and visit (1 colour, 2 infrared, 3
 * autofluorescence), with the mistake that is planted there; fills file, md5 and twin. Any thread. */
Status aireadi_write(const Arguments *arguments, Photograph *photograph, const uint8_t *pixels) MUST_USE;

/* participants.tsv, retinal_photography/manifest.tsv, clinical_data/, dataset_description.json, md5.csv (the download's
 * list) and, when something is planted, truth.tsv: fate, kind, path and other as stage's findings.tsv has them. */
Status aireadi_tables(const Arguments *arguments, const Photograph *photographs, int64_t count) MUST_USE;

#endif
