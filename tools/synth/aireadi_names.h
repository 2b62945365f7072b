/* SPDX-License-Identifier: Apache-2.0 */
/* How people, cameras and files are called in the layout aireadi. */
#ifndef SYNTH_AIREADI_NAMES_H
#define SYNTH_AIREADI_NAMES_H

#include "tools/synth/dicom_write.h"
#include "tools/synth/photograph.h"

enum { CAMERAS = 4, SITES = 3 };

/* The camera of a person's colour images. */
int camera_of(const Photograph *photograph);
const char *aireadi_device(const Photograph *photograph);
/* The left eyes' eidon images are. */
bool aireadi_is_mosaic(const Photograph *photograph);
const char *aireadi_modality(const Photograph *photograph);
/* "UW", "UCSD" or "UAB", by the first digit of the person's number. */
const char *aireadi_site(int64_t person);

/* `person` counts from 1: four digits, the first of which is the site's. */
void aireadi_person(int64_t person, char text[16]);
/* One that no organisation owns: derived from numbers, below 2.25. */
void aireadi_uid(const Arguments *arguments, const Photograph *photograph, char text[64]);
/* In which encoding the device writes it. */
Encoding aireadi_encoding(const Photograph *photograph);
/* The path below OUT of a photograph that lies in the folder of `person`, whoever's it is; `suffix` behind its name. */
void aireadi_path(const Arguments *arguments, const Photograph *photograph, int64_t person, const char *suffix,
                  char path[200]);

#endif
