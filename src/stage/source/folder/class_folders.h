/* SPDX-License-Identifier: Apache-2.0 */
/* Folders that are classes: SPLIT/CLASS/FILE, at any level of the tree. */
#ifndef FOVEA_STAGE_CLASS_FOLDERS_H
#define FOVEA_STAGE_CLASS_FOLDERS_H

#include "stage/source/folder/folder_set.h"

typedef struct {
    char **names; /* [count] the folders, sorted by name */
    float *numbers;
    int64_t count;
    int64_t strays; /* images that are in no such folder, and the first of them */
    const char *stray;
} ClassFolders;

/* Finds the classes after split_folders_find(); none, with the reason in the source, when most images are laid out
 * otherwise or the folders are too many. A number is what the
 * name says where all begin with different numbers, else the place in the sorted list. EXIT_DATA when names differ in
 * case or blanks alone, mix numbers and words, or repeat a number. */
Status class_folders_find(const FolderSet *set, ClassFolders *classes) MUST_USE;
/* Enters the classes as label 0 of the inputs and into the source; warns about strays, whose class is unknown. */
Status class_folders_apply(FolderSet *set, const ClassFolders *classes) MUST_USE;
void class_folders_close(ClassFolders *classes);

#endif
