/* SPDX-License-Identifier: Apache-2.0 */
/* A folder's labels.csv. */
#ifndef FOVEA_DATA_LABEL_TABLE_H
#define FOVEA_DATA_LABEL_TABLE_H

#include "data/folder.h"

/* The columns that are asked for, and what the table has. */
typedef struct {
    char *const *names; /* [columns] */
    int columns;
    float *values; /* [folder's count][columns], NaN on entry and where nothing is known */
    char *path;    /* of the table; the caller's, as are: */
    char **people; /* [folder's count] or NULL: whom an image shows */
} LabelTable;

/* Finds the labels.csv in the folder or beside it and reads it. */
Status label_table_read(const Folder *folder, LabelTable *labels) MUST_USE;

#endif
