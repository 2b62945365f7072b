/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are found but not read, counted by extension. */
#ifndef FOVEA_STAGE_UNREAD_FILES_H
#define FOVEA_STAGE_UNREAD_FILES_H

#include "base/file_tree.h"
#include "stage/source/source_builder.h"

/* Warns about files that a walk found and that are not read, by extension, and about pipes and devices, to the user and
 * on the card; the line starts with `where`. Files for which `is_expected` is true are not mentioned. */
Status unread_files_report(SourceBuilder *builder, const char *where, const TreeFile *files, int64_t count,
                           bool (*is_expected)(const void *context, const char *path), const void *context) MUST_USE;

#endif
