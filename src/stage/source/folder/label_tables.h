/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables of labels a folder of images has: the one that is given, or those of a known set. */
#ifndef FOVEA_STAGE_LABEL_TABLES_H
#define FOVEA_STAGE_LABEL_TABLES_H

#include "stage/source/folder/folder_set.h"

/* Finds the tables and recognises their columns; fills set->tables and set->labels. */
Status label_tables_find(FolderSet *set) MUST_USE;
void label_tables_close(FolderSet *set);

#endif
