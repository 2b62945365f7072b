/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the file that a table means: tables omit folders and extensions, write them in another case, with backslashes,
 * or with the folders of another machine before them. */
#ifndef FOVEA_STAGE_IMAGE_INDEX_H
#define FOVEA_STAGE_IMAGE_INDEX_H

#include "base/file_tree.h"
#include "base/path_index.h"

#include <stddef.h>

typedef struct {
    const TreeFile *files; /* the caller's */
    PathIndex paths;       /* of the files, without an image's extension */
    bool names_repeat;     /* two files have the same name */
} ImageIndex;

Status image_index_open(const TreeFile *files, int64_t count, ImageIndex *index) MUST_USE;
void image_index_close(ImageIndex *index);
/* Whether a file has this name, whatever its folder. */
Status image_index_has(const ImageIndex *index, const char *text, bool *there) MUST_USE;
/* The file whose path ends in `text`, or the longest path that is the end of `text`. Case, the extension and `folder`
 * (which the file should be below, or NULL) only decide between several. *file is -1 when there is none; *other is a
 * second one that matches as well, or -1. */
Status image_index_find(const ImageIndex *index, const char *text, const char *folder, int64_t *file,
                        int64_t *other) MUST_USE;
/* The length of `name` without an image's extension. */
size_t image_stem(const char *name);

#endif
