/* SPDX-License-Identifier: Apache-2.0 */
/* Public data sets known by name: the tables of their labels, and how their file names identify people. */
#ifndef FOVEA_STAGE_KNOWN_SETS_H
#define FOVEA_STAGE_KNOWN_SETS_H

#include "pack/row.h"

#include <stdbool.h>

typedef enum {
    PERSON_OF_NAME,   /* nothing identifies people: each image counts as one */
    PERSON_OF_NUMBER, /* the digits before "_" */
    PERSON_OF_DIGITS  /* the first digits within the name */
} PersonRule;

enum { KNOWN_TABLES = 3, KNOWN_NAMES = 2 };

typedef struct {
    const char *name;   /* of the file, wherever in the tree: a pattern of fnmatch(3); NULL: no such table */
    const char *other;  /* another name under which it is published, or NULL */
    const char *folder; /* its images are below a folder of this name, where file names repeat; or NULL */
    PackSplit split;    /* of all its images */
    PackEye eye;        /* of all its rows, if they are of people; unknown: both */
} KnownTable;

/* A folder whose images have one value of a label. */
typedef struct {
    const char *folder;
    float value;
} KnownFolder;

typedef struct {
    const char *name, *dataset;
    PersonRule person;
    const char *person_column; /* in the tables, or NULL */
    const char *eye_column;    /* in the tables, 1: right, 2: left; or NULL */
    KnownTable tables[KNOWN_TABLES];
    const char *label;              /* a label that has other names in the tables, or comes from folders; or NULL */
    const char *names[KNOWN_NAMES]; /* of its columns */
    KnownFolder folders[KNOWN_NAMES];
    const char *spreadsheet; /* a table that cannot be read, and what to do about it; or NULL */
    const char *advice;
} KnownSet;

/* The set of that name; NULL gives the rules for any folder. EXIT_USAGE listing all names for an unknown one. */
Status known_sets_find(const char *name, const KnownSet **set) MUST_USE;
/* Whether a file of this name is the table, in upper or lower case. */
bool known_table_is(const KnownTable *table, const char *name);

#endif
