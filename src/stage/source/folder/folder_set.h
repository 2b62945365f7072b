/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of images on its way to become a source: what source_folder.c and folder_labels.c share. */
#ifndef FOVEA_STAGE_FOLDER_SET_H
#define FOVEA_STAGE_FOLDER_SET_H

#include "stage/source/folder/image_index.h"
#include "stage/source/folder/known_sets.h"
#include "stage/source/source_builder.h"

/* Which column of a labels table holds what; -1: none. */
typedef struct {
    char *path;
    const KnownTable *known;
    int file, person, split, eye, device;
    bool by_person; /* its rows are people's, not files' */
    int *labels;    /* [column_count] number of the label a column is, or -1 */
} LabelTable;

typedef struct {
    Maker maker;
    const KnownSet *known;
    TreeFile *files;
    int64_t file_count; /* input i is file i, until the maker sorts them */
    TreeFile *others;   /* [other_count] what is not read */
    int64_t other_count;
    ImageIndex index;
    bool *listed; /* [file_count] a row of a table is for it */
    bool has_splits;
    LabelTable tables[KNOWN_TABLES];
    int table_count;
    char **labels; /* [label_count] */
    int label_count;
    void *missing; /* tree of the paths of rows without an image that was found */
} FolderSet;

/* Finds the tables and what their columns hold; fills set->labels. */
Status folder_labels_find(FolderSet *set) MUST_USE;
/* Enters what the tables say into the inputs, adds inputs for rows without a file, excludes files without a row. */
Status folder_labels_apply(FolderSet *set) MUST_USE;
void folder_labels_close(FolderSet *set);

/* The person that a file's path names by the set's rule; the caller's. */
Status folder_person(const FolderSet *set, const char *path, char **person) MUST_USE;

#endif
