/* A folder tree of JPEG and PNG files as a data set: record r is the r-th path in byte order. */
#ifndef FOVEA_FOLDER_H
#define FOVEA_FOLDER_H

#include "status.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    char *path;     /* relative to the root */
    uint64_t bytes; /* 0 for a link that leads nowhere */
    bool special;   /* neither a file nor a folder: a pipe, a device, a socket */
} FolderFile;

/* Lists the files below `root` whose names `wants` takes, sorted bytewise by path: hidden names and links to
 * directories are left out (no loop can form), so are pipes and devices; links to files and links that lead nowhere are
 * listed. EXIT_DATA when the folder or one below it cannot be read, or a name in it not be looked at. */
Status folder_list(const char *root, bool (*wants)(const char *name), FolderFile **files, int64_t *count) MUST_USE;
/* All that folder_list() meets, each list sorted. */
typedef struct {
    FolderFile *files, *links; /* links to directories, which are not followed */
    FolderFile *others;        /* what `wants` does not take, and what is no regular file whatever its name */
    int64_t count, link_count, other_count;
} FolderListing;

Status folder_list_all(const char *root, bool (*wants)(const char *name), FolderListing *listing) MUST_USE;
void folder_listing_free(FolderListing *listing);
void folder_list_free(FolderFile *files, int64_t count);

typedef struct {
    char *root;
    char **paths; /* [count], relative to root, sorted bytewise */
    int64_t count;
    uint64_t hash;    /* of names and sizes: two listings with the same hash hold the same records */
    int64_t links;    /* to folders, which were not followed */
    char *first_link; /* relative to root, the first of them bytewise; NULL when there is none */
} Folder;

bool folder_is_picture(const char *name); /* ends in .jpg, .jpeg or .png in any case */

/* The pictures of folder_list(); a link that leads nowhere counts as a bad one. EXIT_DATA naming the folder when it is
 * missing, it or one below it is unreadable, or it holds no picture. */
Status folder_open(const char *root, Folder *folder) MUST_USE;
void folder_close(Folder *folder);

#endif
