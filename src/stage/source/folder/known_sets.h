/* SPDX-License-Identifier: Apache-2.0 */
/* Public data sets known by name: the tables of their labels, and how their file names identify people. */
#ifndef FOVEA_STAGE_KNOWN_SETS_H
#define FOVEA_STAGE_KNOWN_SETS_H

#include "pack/row.h"

typedef enum {
    PERSON_OF_NAME,   /* nothing identifies people: each image counts as one */
    PERSON_OF_NUMBER, /* the digits before "_" */
    PERSON_OF_DIGITS  /* the first digits within the name */
} PersonRule;

enum { KNOWN_TABLES = 2 };

typedef struct {
    const char *name;   /* of the file, wherever in the tree; NULL: no such table */
    const char *folder; /* its images are below a folder of this name, where file names repeat; or NULL */
    PackSplit split;    /* of all its images */
    PackEye eye;        /* of all its rows, if they are of people; unknown: both */
} KnownTable;

typedef struct {
    const char *name, *dataset;
    PersonRule person;
    const char *person_column; /* in the tables, or NULL */
    KnownTable tables[KNOWN_TABLES];
    const char *spreadsheet; /* a table that cannot be read, and what to do about it; or NULL */
    const char *advice;
} KnownSet;

/* The set of that name; NULL gives the rules for any folder. EXIT_USAGE listing all names for an unknown one. */
Status known_sets_find(const char *name, const KnownSet **set) MUST_USE;

#endif
