/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a folder tree, sorted by path. */
#ifndef FOVEA_BASE_FILE_TREE_H
#define FOVEA_BASE_FILE_TREE_H

#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;     /* relative to the root */
    uint64_t bytes; /* 0 for a link that leads nowhere */
    bool special;   /* neither a file nor a folder: a pipe, a device, a socket */
} TreeFile;

/* Lists the files below `root` whose names `wants` takes, sorted bytewise by path: hidden names and links to
 * directories are left out (no loop can form), so are pipes and devices; links to files and links that lead nowhere are
 * listed. EXIT_DATA when the folder or one below it cannot be read, or a name in it not be looked at. */
Status file_tree_list(const char *root, bool (*wants)(const char *name), TreeFile **files, int64_t *count) MUST_USE;
/* All that file_tree_list() meets, each list sorted. */
typedef struct {
    TreeFile *files, *links; /* links to directories, which are not followed */
    TreeFile *others;        /* what `wants` does not take, and what is no regular file whatever its name */
    int64_t count, link_count, other_count;
} FileTree;

Status file_tree_read(const char *root, bool (*wants)(const char *name), FileTree *listing) MUST_USE;
void file_tree_close(FileTree *listing);
void file_tree_free(TreeFile *files, int64_t count);

#endif
