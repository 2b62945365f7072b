/* SPDX-License-Identifier: Apache-2.0 */
/* Links to folders: those that a data set's layout allows are followed, others are reported. */
#ifndef FOVEA_STAGE_SOURCE_LINKS_H
#define FOVEA_STAGE_SOURCE_LINKS_H

#include "base/file_tree.h"
#include "stage/source/source_builder.h"

/* Follows root/path if it is a link to a folder, wherever that is: its contents count as below the root, and
 * source->warnings says so. At most BUILDER_ROOTS - 1 calls. EXIT_DATA when the link is dangling, leads to a file, or
 * to a folder that contains it. */
Status source_links_follow(SourceBuilder *builder, const char *path) MUST_USE;
/* Enters a finding for each link to a folder that a walk did not follow; paths are below `folder` ("" or ending in a
 * slash). */
Status source_links_report(SourceBuilder *builder, const char *folder, const TreeFile *links, int64_t count) MUST_USE;

#endif
