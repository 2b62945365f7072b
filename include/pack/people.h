/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of people, each with a split: sorted, searched, and reduced to one entry each. */
#ifndef FOVEA_PACK_PEOPLE_H
#define FOVEA_PACK_PEOPLE_H

#include "pack/row.h"

typedef struct {
    const char *person; /* the caller's text */
    PackSplit split;
    int64_t index; /* the caller's: a record, a line */
} PackPerson;

/* Sorts by person (bytewise), then split, then index. */
void pack_people_sort(PackPerson *people, int64_t count);
/* The first entry of a person in a sorted list; NULL: none. */
PackPerson *pack_people_find(PackPerson *people, int64_t count, const char *person);
/* Keeps the first entry of each person of a sorted list; returns how many remain. */
int64_t pack_people_unique(PackPerson *people, int64_t count);

#endif
