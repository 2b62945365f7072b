/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a folder tree, sorted by path. */
#ifndef FOVEA_BASE_FILE_TREE_H
#define FOVEA_BASE_FILE_TREE_H

#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;             /* relative to the root */
    uint64_t bytes;         /* 0 for a link that leads nowhere */
    uint64_t device, inode; /* of the file, behind links; 0, 0 for a link that leads nowhere */
    bool special;           /* neither a file nor a folder: a pipe, a device, a socket */
} TreeFile;

/* Lists the files below `root` whose names `accepts` returns true for, sorted bytewise by path. Leaves out hidden
 * names, links to directories (so that no loop can form), pipes and devices; lists links to files and links that lead
 * nowhere. EXIT_DATA when the folder, one below it or a name in one cannot be read. */
Status file_tree_list(const char *root, bool (*accepts)(const char *name), TreeFile **files, int64_t *count) MUST_USE;
/* All that file_tree_list() meets, each list sorted. */
typedef struct {
    TreeFile *files, *links; /* links to directories, which are not followed */
    TreeFile *others;        /* names that are not accepted, and special files of any name */
    int64_t count, link_count, other_count;
} FileTree;

Status file_tree_read(const char *root, bool (*accepts)(const char *name), FileTree *listing) MUST_USE;
void file_tree_close(FileTree *listing);
void file_tree_free(TreeFile *files, int64_t count);

#endif
