/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of tables of labels, entered into the images that they mean. */
#ifndef FOVEA_STAGE_FOLDER_LABELS_H
#define FOVEA_STAGE_FOLDER_LABELS_H

#include "stage/source/folder/folder_set.h"

/* Enters the tables into the inputs, adds inputs for rows without a file, and excludes files without a row. */
Status folder_labels_apply(FolderSet *set) MUST_USE;

#endif
