/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the file that a table means: tables leave out folders and endings, or write them in another case. */
#ifndef FOVEA_STAGE_IMAGE_INDEX_H
#define FOVEA_STAGE_IMAGE_INDEX_H

#include "base/file_tree.h"

#include <stddef.h>

typedef struct {
    const char *key; /* last part of the path, lower case, without an image's ending */
    int64_t file;
} ImageKey;

typedef struct {
    const TreeFile *files; /* the caller's */
    char **keys;           /* [count], by file: whole path, lower case, without an image's ending */
    ImageKey *sorted;
    int64_t count;
    bool names_repeat; /* two files have the same key */
} ImageIndex;

Status image_index_open(const TreeFile *files, int64_t count, ImageIndex *index) MUST_USE;
void image_index_close(ImageIndex *index);
/* Whether a file has this name, whatever its folder. */
bool image_index_has(const ImageIndex *index, const char *text);
/* The file whose path ends in `text`, or in whose path `text` ends; case and the image's ending do not count unless
 * they decide between several, nor does `folder` (or NULL), which the right one lies below. *file -1: none;
 * *other: a second one that fits as well, or -1. */
Status image_index_find(const ImageIndex *index, const char *text, const char *folder, int64_t *file,
                        int64_t *other) MUST_USE;
/* The length of `name` without an image's ending. */
size_t image_stem(const char *name);

#endif
