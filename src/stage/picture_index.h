/* Finds the file that a table means: tables leave out folders and endings, or write them in another case. */
#ifndef FOVEA_STAGE_PICTURE_INDEX_H
#define FOVEA_STAGE_PICTURE_INDEX_H

#include "folder.h"

#include <stddef.h>

typedef struct {
    const char *key; /* last part of the path, lower case, without a picture's ending */
    int64_t file;
} PictureKey;

typedef struct {
    const FolderFile *files; /* the caller's */
    char **keys;             /* [count], by file: whole path, lower case, without a picture's ending */
    PictureKey *sorted;
    int64_t count;
    bool names_repeat; /* two files have the same key */
} PictureIndex;

Status picture_index_open(const FolderFile *files, int64_t count, PictureIndex *index) MUST_USE;
void picture_index_close(PictureIndex *index);
/* Whether a file has this name, whatever its folder. */
bool picture_index_has(const PictureIndex *index, const char *text);
/* The file whose path ends in `text`, or in whose path `text` ends; case and the picture's ending do not count unless
 * they decide between several, nor does `folder` (or NULL), which the right one lies below. *file -1: none;
 * *other: a second one that fits as well, or -1. */
Status picture_index_find(const PictureIndex *index, const char *text, const char *folder, int64_t *file,
                          int64_t *other) MUST_USE;
/* The length of `name` without a picture's ending. */
size_t picture_stem(const char *name);

#endif
