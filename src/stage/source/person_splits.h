/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on which side of a split: the user's own list of people, and what a set says of itself. */
#ifndef FOVEA_STAGE_PERSON_SPLITS_H
#define FOVEA_STAGE_PERSON_SPLITS_H

#include "stage/source/source_builder.h"

typedef struct {
    const char *path;         /* of options->splits; NULL: none was given */
    struct PersonSide *sides; /* sorted by person, each once */
    int64_t count;
    char *text;
} PersonSplits;

/* Reads options->splits: "person<TAB>split" lines with the escapes of tsv.h, under a header or not. A person on two
 * sides becomes a finding. EXIT_DATA naming the line. */
Status person_splits_open(const Maker *maker, PersonSplits *splits) MUST_USE;
/* The side of a person, who then counts as known; NONE when the list does not have them. */
PackSplit person_splits_of(PersonSplits *splits, const char *person);
/* A line for the card on the list, and one for the user when some of its people turned out not to be known. */
Status person_splits_note(Maker *maker, const PersonSplits *splits) MUST_USE;
void person_splits_close(PersonSplits *splits);

/* For a set that has splits: an input on none is excluded, with `reason`; a person on two sides becomes a finding. */
Status person_splits_check(Maker *maker, const char *reason) MUST_USE;

#endif
