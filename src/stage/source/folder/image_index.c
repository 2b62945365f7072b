/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/image_index.h"

#include "base/paths.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t image_stem(const char *name) {
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".dcm"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (length > ending && strcasecmp(name + length - ending, endings[i]) == 0)
            return length - ending;
    }
    return length;
}

static Status fill_index(const TreeFile *files, int64_t count, ImageIndex *index) {
    TRY(path_index_open(&index->paths, count, true));
    index->files = files;
    for (int64_t i = 0; i < count; i++)
        TRY(path_index_add(&index->paths, files[i].path, image_stem(files[i].path)));
    path_index_sort(&index->paths);
    index->names_repeat = path_index_names_repeat(&index->paths);
    return NULL;
}

Status image_index_open(const TreeFile *files, int64_t count, ImageIndex *index) {
    *index = (ImageIndex){0};
    Status status = fill_index(files, count, index);
    if (status)
        image_index_close(index);
    return status;
}

void image_index_close(ImageIndex *index) {
    path_index_close(&index->paths);
    *index = (ImageIndex){0};
}

/* A copy of `text` with slashes for backslashes and without a drive, when it has backslashes. NULL: none, or no memory.
 */
static char *from_backslashes(const char *text) {
    char *copy = strchr(text, '\\') ? strdup(text) : NULL;
    for (char *at = copy; at && (at = strchr(at, '\\'));)
        *at = '/';
    return copy;
}

static Status find_name(const ImageIndex *index, const char *text, bool *there) {
    PathRange range;
    const char *name = path_name(text);
    TRY(path_index_longer(&index->paths, name, image_stem(name), &range));
    *there = range.first < range.end;
    return NULL;
}

Status image_index_has(const ImageIndex *index, const char *text, bool *there) {
    TRY(find_name(index, text, there));
    char *copy = *there ? NULL : from_backslashes(text);
    Status status = copy ? find_name(index, copy, there) : NULL;
    free(copy);
    return status;
}

/* How well a file matches: 1 apart from case, extension and folder, more the more agrees. */
static int rate_match(const char *path, const char *text, const char *folder) {
    const bool below = folder && strstr(path, folder);
    const bool exact = path_ends_in(path, text) || path_ends_in(text, path);
    return 1 + 4 * below + 2 * exact + 8 * (strcmp(path, text) == 0);
}

static Status find_text(const ImageIndex *index, const char *text, const char *folder, int64_t *file, int64_t *other) {
    PathRange range;
    const size_t length = image_stem(text);
    TRY(path_index_longer(&index->paths, text, length, &range));
    if (range.first == range.end)
        TRY(path_index_shorter(&index->paths, text, length, &range));
    int best = 0;
    for (int64_t i = range.first; i < range.end; i++) {
        const int64_t found = index->paths.sorted[i].item;
        const int match = rate_match(index->files[found].path, text, folder);
        if (match > best) {
            best = match;
            *file = found;
            *other = -1;
        } else if (match == best) {
            *other = found;
        }
    }
    return NULL;
}

Status image_index_find(const ImageIndex *index, const char *text, const char *folder, int64_t *file, int64_t *other) {
    *file = *other = -1;
    text += strspn(text, "/");
    TRY(find_text(index, text, folder, file, other));
    char *copy = *file < 0 ? from_backslashes(text) : NULL;
    Status status = copy ? find_text(index, copy, folder, file, other) : NULL;
    free(copy);
    return status;
}
