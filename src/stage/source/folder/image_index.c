/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/image_index.h"

#include "base/paths.h"

#include <ctype.h>
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

/* Lower case, without extension and leading slashes; the caller's. */
static char *make_key(const char *text) {
    text += strspn(text, "/");
    char *key = strndup(text, image_stem(text));
    for (char *at = key; at && *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return key;
}

static int compare_keys(const void *a, const void *b) {
    const ImageKey *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    return order ? order : (left->file > right->file) - (left->file < right->file);
}

static Status fill_index(const TreeFile *files, int64_t count, ImageIndex *index) {
    index->keys = calloc((size_t)count + 1, sizeof *index->keys);
    index->sorted = calloc((size_t)count + 1, sizeof *index->sorted);
    if (!index->keys || !index->sorted)
        return status_no_memory("an index of files", (size_t)count * sizeof *index->sorted);
    index->files = files;
    for (; index->count < count; index->count++) {
        char *key = index->keys[index->count] = make_key(files[index->count].path);
        if (!key)
            return status_no_memory("an index of files", strlen(files[index->count].path));
        index->sorted[index->count] = (ImageKey){path_name(key), index->count};
    }
    qsort(index->sorted, (size_t)count, sizeof *index->sorted, compare_keys);
    for (int64_t i = 1; i < count; i++)
        index->names_repeat |= strcmp(index->sorted[i - 1].key, index->sorted[i].key) == 0;
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
    for (int64_t i = 0; i < index->count; i++)
        free(index->keys[i]);
    free(index->keys);
    free(index->sorted);
    *index = (ImageIndex){0};
}

/* The first position whose key is not less than `name`. */
static int64_t first_place(const ImageIndex *index, const char *name) {
    int64_t low = 0, high = index->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (strcmp(index->sorted[middle].key, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool image_index_has(const ImageIndex *index, const char *text) {
    char *key = make_key(path_name(text));
    if (!key)
        return false;
    int64_t place = *key ? first_place(index, key) : index->count;
    bool there = place < index->count && strcmp(index->sorted[place].key, key) == 0;
    free(key);
    return there;
}

/* How well a file matches: 0 not at all, 1 apart from case, extension and folder, more the more agrees. */
static int rate_match(const ImageIndex *index, int64_t file, const char *text, const char *key, const char *folder) {
    const char *path = index->files[file].path;
    if (!path_ends_in(index->keys[file], key) && !path_ends_in(key, index->keys[file]))
        return 0;
    bool below = folder && strstr(path, folder);
    bool exact = path_ends_in(path, text) || path_ends_in(text, path);
    bool whole = strcmp(path, text) == 0;
    return 1 + 4 * below + 2 * exact + 8 * whole;
}

Status image_index_find(const ImageIndex *index, const char *text, const char *folder, int64_t *file, int64_t *other) {
    *file = *other = -1;
    text += strspn(text, "/");
    char *key = make_key(text);
    if (!key)
        return status_no_memory("a name", strlen(text));
    const char *name = path_name(key);
    int best = 0;
    for (int64_t i = *name ? first_place(index, name) : index->count;
         i < index->count && strcmp(index->sorted[i].key, name) == 0; i++) {
        int match = rate_match(index, index->sorted[i].file, text, key, folder);
        if (match > best) {
            best = match;
            *file = index->sorted[i].file;
            *other = -1;
        } else if (match && match == best) {
            *other = index->sorted[i].file;
        }
    }
    free(key);
    return NULL;
}
