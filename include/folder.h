/* A folder tree of JPEG and PNG files as a data set: record r is the r-th path in byte order. */
#ifndef FOVEA_FOLDER_H
#define FOVEA_FOLDER_H

#include "status.h"
#include <stdint.h>

typedef struct {
    char *root;
    char **paths; /* [count], relative to root, sorted bytewise */
    int64_t count;
    uint64_t hash; /* of names and sizes: two listings with the same hash hold the same records */
} Folder;

/* Lists `root` recursively: names ending in .jpg, .jpeg or .png in any case; hidden names and links to directories are
 * left out (no loop can form), a link that leads nowhere is listed, so that it counts as a bad picture. EXIT_DATA
 * naming the folder when it is missing, it or one below it is unreadable, or it holds no picture. */
Status folder_open(const char *root, Folder *folder) MUST_USE;
void folder_close(Folder *folder);

#endif
