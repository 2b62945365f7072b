/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables of the layout aireadi are filled from, and how they are written. */
#ifndef SYNTH_AIREADI_SET_H
#define SYNTH_AIREADI_SET_H

#include "tools/synth/photograph.h"
#include <stdio.h>

typedef struct {
    const Arguments *arguments;
    const Photograph *photographs;
    int64_t count;
} Set;

/* The first photograph of each person in turn, from 0; NULL behind the last. */
const Photograph *set_person(const Set *set, int64_t person);

typedef void (*SetFill)(const Set *set, FILE *out);
Status set_write(const Set *set, const char *name, SetFill fill) MUST_USE;

/* retinal_photography/manifest.tsv in the form of arguments->manifest. */
void manifest_fill(const Set *set, FILE *out);
/* The path in a row that leads outside the root, as its mistake has it. */
void manifest_outside(const Set *set, const Photograph *photograph, char text[64]);
/* truth.tsv */
void truth_fill(const Set *set, FILE *out);

#endif
