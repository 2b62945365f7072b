/* SPDX-License-Identifier: Apache-2.0 */
/* Folders that name a split: train, Testing, Validation_Set, "a. Training Set", at any level of the tree. */
#ifndef FOVEA_STAGE_SPLIT_FOLDERS_H
#define FOVEA_STAGE_SPLIT_FOLDERS_H

#include "stage/source/folder/folder_set.h"

/* How sure a folder's name is about a split. */
typedef enum {
    SPLIT_NAME_NONE,
    SPLIT_NAME_PERHAPS, /* among other words: REFUGE-Test400, visual field test */
    SPLIT_NAME_PLAIN    /* with words such as set and images at most */
} SplitName;

/* Reads the first `length` bytes of a name; *split is set unless the result is NONE. */
SplitName split_name_read(const char *name, size_t length, PackSplit *split);
/* Whether a name consists of words such as images or data, which name neither a split nor a class. */
bool split_name_is_empty(const char *name, size_t length);

/* Fills set->folders. Names among other words count when the tree has them for two splits; a note
 * says which folders were taken, a warning which were not. EXIT_DATA when the folders of one path name two splits. */
Status split_folders_find(FolderSet *set) MUST_USE;

#endif
