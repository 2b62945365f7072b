/* SPDX-License-Identifier: Apache-2.0 */
/* A folder tree of JPEG, PNG and TIFF files as a data set: record r is the r-th path in byte order. */
#ifndef FOVEA_DATA_FOLDER_H
#define FOVEA_DATA_FOLDER_H

#include "base/status.h"
#include <stdbool.h>
#include <stdint.h>

/* Which file a record is, whatever its path; 0, 0 for a dangling link. */
typedef struct {
    uint64_t device, inode;
} FileIdentity;

typedef struct {
    char *root;
    char **paths;             /* [count], relative to root, sorted bytewise */
    FileIdentity *identities; /* [count] */
    int64_t count;
    uint64_t hash;    /* of names and sizes: two listings with the same hash have the same records */
    int64_t dicoms;   /* files that only staging reads */
    int64_t links;    /* to folders, which were not followed */
    char *first_link; /* relative to root, the first of them bytewise; NULL when there is none */
} Folder;

/* The images of file_tree_list(); a dangling link counts as an unreadable one. EXIT_DATA naming the folder when it is
 * missing, when it or one below it is unreadable, or when it contains no image;
 * the message tells DICOM files from none. */
Status folder_open(const char *root, Folder *folder) MUST_USE;
void folder_close(Folder *folder);

#endif
