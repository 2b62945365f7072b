/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of labels beside a folder of images: their columns, and the files their rows mean. */
#ifndef FOVEA_STAGE_FOLDER_LABELS_H
#define FOVEA_STAGE_FOLDER_LABELS_H

#include "stage/source/folder/folder_set.h"

/* Finds the tables and recognises their columns; fills set->labels. */
Status folder_labels_find(FolderSet *set) MUST_USE;
/* Enters the tables into the inputs, adds inputs for rows without a file, and excludes files without a row. */
Status folder_labels_apply(FolderSet *set) MUST_USE;
void folder_labels_close(FolderSet *set);

#endif
