/* A folder tree of JPEG and PNG files as a data set: record r is the r-th path in byte order. */
#ifndef FOVEA_FOLDER_H
#define FOVEA_FOLDER_H

#include "status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;     /* relative to the root */
    uint64_t bytes; /* 0 for a link that leads nowhere */
} FolderFile;

/* Lists the files below `root` whose names `wants` takes, sorted bytewise by path: hidden names and links to
 * directories are left out (no loop can form), so are pipes and devices; links to files and links that lead nowhere are
 * listed. EXIT_DATA when the folder or one below it cannot be read, or a name in it not be looked at. */
Status folder_list(const char *root, bool (*wants)(const char *name), FolderFile **files, int64_t *count) MUST_USE;
/* The same, with the links to directories that were left out in a list of their own, sorted, too. */
Status folder_list_links(const char *root, bool (*wants)(const char *name), FolderFile **files, int64_t *count,
                         FolderFile **links, int64_t *link_count) MUST_USE;
void folder_list_free(FolderFile *files, int64_t count);

typedef struct {
    char *root;
    char **paths; /* [count], relative to root, sorted bytewise */
    int64_t count;
    uint64_t hash; /* of names and sizes: two listings with the same hash hold the same records */
} Folder;

bool folder_is_picture(const char *name); /* ends in .jpg, .jpeg or .png in any case */

/* The pictures of folder_list(); a link that leads nowhere counts as a bad one. EXIT_DATA naming the folder when it is
 * missing, it or one below it is unreadable, or it holds no picture. */
Status folder_open(const char *root, Folder *folder) MUST_USE;
void folder_close(Folder *folder);

#endif
