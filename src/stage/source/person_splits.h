/* SPDX-License-Identifier: Apache-2.0 */
/* The side of each person: the user's own list of people (--splits), and the check of a set's own split. */
#ifndef FOVEA_STAGE_PERSON_SPLITS_H
#define FOVEA_STAGE_PERSON_SPLITS_H

#include "stage/source/source_builder.h"

typedef struct {
    const char *path;         /* options->splits; NULL: none was given */
    struct PersonSide *sides; /* sorted by person, each person once */
    int64_t count;
    char *text;
} PersonSplits;

/* Reads options->splits: "person<TAB>split" lines with the escapes of tsv.h, with or without a header. A person on two
 * sides becomes a finding. EXIT_DATA naming the line. */
Status person_splits_open(const SourceBuilder *builder, PersonSplits *splits) MUST_USE;
/* The side of a person, who is then marked as known; NONE when the list does not name the person. */
PackSplit person_splits_of(PersonSplits *splits, const char *person);
/* Writes a line about the list to the card, and a warning when some of its people are not in the set. */
Status person_splits_note(SourceBuilder *builder, const PersonSplits *splits) MUST_USE;
void person_splits_close(PersonSplits *splits);

/* For a set that has splits: excludes an input without one, with `reason`; a person on two sides becomes a finding. */
Status person_splits_check(SourceBuilder *builder, const char *reason) MUST_USE;

#endif
