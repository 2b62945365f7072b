/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of images while its source is built: what the files of this folder share. */
#ifndef FOVEA_STAGE_FOLDER_SET_H
#define FOVEA_STAGE_FOLDER_SET_H

#include "base/file_tree.h"
#include "stage/source/folder/image_index.h"
#include "stage/source/folder/known_sets.h"
#include "stage/source/source_builder.h"

enum { FILE_COLUMNS = 2 };

/* The columns of a table of labels; -1: none. */
typedef struct {
    char *path;
    const KnownTable *known;
    int files[FILE_COLUMNS]; /* [file_count]; two: one for each eye, and a row is of one person */
    PackEye file_eyes[FILE_COLUMNS];
    int file_count;
    int person, split, eye, device;
    bool by_person;        /* its rows are of people, not of files */
    bool row_is_person;    /* a row with a file for each eye, and nothing else that names its person */
    bool eyes_are_numbers; /* 1: right, 2: left */
    int *labels;           /* [column_count] the number of the column's label, or -1 */
} LabelTable;

/* What the folders of a path say about its split. */
typedef struct {
    PackSplit split;
    int depth; /* the number of the last folder that names it; -1: none does */
} FolderSplit;

typedef struct {
    SourceBuilder builder;
    const KnownSet *known;
    TreeFile *files;
    int64_t file_count; /* input i is file i, until the builder sorts the inputs */
    TreeFile *others;   /* [other_count] files that are not read */
    int64_t other_count;
    ImageIndex index;
    FolderSplit *folders; /* [file_count] */
    bool *listed;         /* [file_count] a table has a row for it */
    bool has_splits;
    int64_t moved; /* images whose row and whose folder name different splits, and the first of them */
    const char *moved_path;
    LabelTable *tables;
    int table_count;
    int64_t table_capacity;
    char **labels; /* [label_count] */
    int label_count;
    int64_t label_capacity;
    char *person_hint; /* a column that may name people and was not asked for, or NULL */
    void *missing;     /* tsearch(3) tree of the paths of rows for which no image was found */
} FolderSet;

/* Adds an input for a path below the root, with the person that the path names by the set's rule. */
Status folder_set_add(FolderSet *set, const char *path, StageInput **input) MUST_USE;
/* The number of a label, which is added when it is new. */
Status folder_set_label(FolderSet *set, const char *name, int *number) MUST_USE;

#endif
