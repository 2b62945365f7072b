/* SPDX-License-Identifier: Apache-2.0 */
/* Public data sets known by name: which table holds their labels, and how their files name people. */
#ifndef FOVEA_STAGE_KNOWN_SETS_H
#define FOVEA_STAGE_KNOWN_SETS_H

#include "pack/pack.h"

typedef enum {
    PERSON_OF_NAME,   /* nothing names people: each image is its own */
    PERSON_OF_NUMBER, /* the digits before "_" */
    PERSON_OF_DIGITS  /* the first digits within the name */
} PersonRule;

enum { KNOWN_TABLES = 2 };

typedef struct {
    const char *name;   /* of the file, wherever in the tree; NULL: no such table */
    const char *folder; /* its images lie below a folder of this name, where names repeat; or NULL */
    PackSplit split;    /* of all its images */
    PackEye eye;        /* of all its rows, where they are people's; unknown: both */
} KnownTable;

typedef struct {
    const char *name, *dataset;
    PersonRule person;
    const char *person_column; /* in the tables, or NULL */
    KnownTable tables[KNOWN_TABLES];
    const char *spreadsheet; /* a table that is not read, and what to do about it; or NULL */
    const char *advice;
} KnownSet;

/* The set of that name; NULL gives the one for folders of any kind. EXIT_USAGE with all names for an unknown one. */
Status known_set(const char *name, const KnownSet **set) MUST_USE;

#endif
