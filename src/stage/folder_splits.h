/* Which side of a split a folder's pictures are on. */
#ifndef FOVEA_STAGE_FOLDER_SPLITS_H
#define FOVEA_STAGE_FOLDER_SPLITS_H

#include "folder_set.h"

/* Enters options->splits ("person<TAB>split" lines, a line "person<TAB>split" before them or not) over what was known.
 * EXIT_DATA naming the line. */
Status folder_splits_read(FolderSet *set) MUST_USE;
/* A person on two sides becomes a finding; in a set with splits, a picture on none is excluded. */
Status folder_splits_check(FolderSet *set) MUST_USE;

#endif
