/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a table of labels: which names files, people, splits, and which are labels. */
#ifndef FOVEA_STAGE_LABEL_COLUMNS_H
#define FOVEA_STAGE_LABEL_COLUMNS_H

#include "stage/source/folder/folder_set.h"

/* Reads the table at labels->path once and recognises its columns; adds its labels to the set. A column that is no
 * label is entered with the reason, and cells that are lost are warned about. */
Status label_columns_read(FolderSet *set, LabelTable *labels) MUST_USE;

#endif
