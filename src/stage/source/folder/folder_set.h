/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of images while its source is built: what source_folder.c and folder_labels.c share. */
#ifndef FOVEA_STAGE_FOLDER_SET_H
#define FOVEA_STAGE_FOLDER_SET_H

#include "base/file_tree.h"
#include "stage/source/folder/image_index.h"
#include "stage/source/folder/known_sets.h"
#include "stage/source/source_builder.h"

/* The columns of a table of labels; -1: none. */
typedef struct {
    char *path;
    const KnownTable *known;
    int file, person, split, eye, device;
    bool by_person; /* its rows are of people, not of files */
    int *labels;    /* [column_count] the number of the column's label, or -1 */
} LabelTable;

typedef struct {
    SourceBuilder builder;
    const KnownSet *known;
    TreeFile *files;
    int64_t file_count; /* input i is file i, until the builder sorts the inputs */
    TreeFile *others;   /* [other_count] files that are not read */
    int64_t other_count;
    ImageIndex index;
    bool *listed; /* [file_count] a table has a row for it */
    bool has_splits;
    LabelTable tables[KNOWN_TABLES];
    int table_count;
    char **labels; /* [label_count] */
    int label_count;
    int64_t label_capacity;
    void *missing; /* tsearch(3) tree of the paths of rows for which no image was found */
} FolderSet;

/* Adds an input for a path below the root, with the person that the path names by the set's rule. */
Status folder_set_add(FolderSet *set, const char *path, StageInput **input) MUST_USE;

#endif
