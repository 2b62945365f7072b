/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the file that a table means: tables omit folders and extensions, or write them in another case. */
#ifndef FOVEA_STAGE_IMAGE_INDEX_H
#define FOVEA_STAGE_IMAGE_INDEX_H

#include "base/file_tree.h"

#include <stddef.h>

typedef struct {
    const char *key; /* last part of the path, lower case, without an image's extension */
    int64_t file;
} ImageKey;

typedef struct {
    const TreeFile *files; /* the caller's */
    char **keys;           /* [count], by file: whole path, lower case, without an image's extension */
    ImageKey *sorted;
    int64_t count;
    bool names_repeat; /* two files have the same key */
} ImageIndex;

Status image_index_open(const TreeFile *files, int64_t count, ImageIndex *index) MUST_USE;
void image_index_close(ImageIndex *index);
/* Whether a file has this name, whatever its folder. */
bool image_index_has(const ImageIndex *index, const char *text);
/* The file whose path ends in `text`, or whose path is the end of `text`. Case, the extension and `folder` (which the
 * file should be below, or NULL) only decide between several. *file is -1 when there is none; *other is a second one
 * that matches as well, or -1. */
Status image_index_find(const ImageIndex *index, const char *text, const char *folder, int64_t *file,
                        int64_t *other) MUST_USE;
/* The length of `name` without an image's extension. */
size_t image_stem(const char *name);

#endif
