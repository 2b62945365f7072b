/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/image_index.h"

#include "base/paths.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Between the parts of a key. Less than any letter of a name, so that "left" and all paths that end in it come before
 * "left 2". */
enum { JOINT = '\1' };

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

/* The key of a path, with room for one more byte; the caller's. NULL: no memory. */
static char *make_key(const char *text) {
    size_t left = image_stem(text), length = 0;
    char *key = malloc(left + 2);
    while (key && left) {
        size_t start = left;
        while (start && text[start - 1] != '/')
            start--;
        if (left > start && !(left - start == 1 && text[start] == '.')) {
            if (length)
                key[length++] = JOINT;
            for (size_t i = start; i < left; i++)
                key[length++] = (char)tolower((unsigned char)text[i]);
        }
        left = start ? start - 1 : 0;
    }
    if (key)
        key[length] = '\0';
    return key;
}

static int compare_keys(const void *a, const void *b) {
    const ImageKey *left = a, *right = b;
    int order = strcmp(left->key, right->key);
    return order ? order : (left->file > right->file) - (left->file < right->file);
}

/* The length of a key's first part, the file's name. */
static size_t name_length(const char *key) {
    return strcspn(key, (const char[]){JOINT, '\0'});
}

static Status fill_index(const TreeFile *files, int64_t count, ImageIndex *index) {
    index->sorted = calloc((size_t)count + 1, sizeof *index->sorted);
    if (!index->sorted)
        return status_no_memory("an index of files", (size_t)count * sizeof *index->sorted);
    index->files = files;
    for (; index->count < count; index->count++) {
        char *key = make_key(files[index->count].path);
        if (!key)
            return status_no_memory("an index of files", strlen(files[index->count].path));
        index->sorted[index->count] = (ImageKey){key, index->count};
    }
    qsort(index->sorted, (size_t)count, sizeof *index->sorted, compare_keys);
    for (int64_t i = 1; i < count && !index->names_repeat; i++) {
        const char *last = index->sorted[i - 1].key, *key = index->sorted[i].key;
        const size_t length = name_length(key);
        index->names_repeat = name_length(last) == length && memcmp(last, key, length) == 0;
    }
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
        free(index->sorted[i].key);
    free(index->sorted);
    *index = (ImageIndex){0};
}

/* The first position whose key is not less than `key`. */
static int64_t first_place(const ImageIndex *index, const char *key) {
    int64_t low = 0, high = index->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (strcmp(index->sorted[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The files whose keys are `key` or continue it by further parts: positions *first to *last - 1. `key` has room for one
 * more byte. */
static void find_range(const ImageIndex *index, char *key, int64_t *first, int64_t *last) {
    const size_t length = strlen(key);
    *first = first_place(index, key);
    key[length] = JOINT + 1;
    key[length + 1] = '\0';
    *last = first_place(index, key);
    key[length] = '\0';
}

/* A copy of `text` with slashes for backslashes and without a drive, when it has backslashes. NULL: none, or no memory.
 */
static char *from_backslashes(const char *text) {
    char *copy = strchr(text, '\\') ? strdup(text) : NULL;
    for (char *at = copy; at && (at = strchr(at, '\\'));)
        *at = '/';
    return copy;
}

static bool has_name(const ImageIndex *index, const char *text) {
    int64_t first = 0, last = 0;
    char *key = make_key(path_name(text));
    if (key && *key)
        find_range(index, key, &first, &last);
    free(key);
    return first < last;
}

bool image_index_has(const ImageIndex *index, const char *text) {
    char *copy = from_backslashes(text);
    const bool there = has_name(index, text) || (copy && has_name(index, copy));
    free(copy);
    return there;
}

/* How well a file matches: 1 apart from case, extension and folder, more the more agrees. */
static int rate_match(const char *path, const char *text, const char *folder) {
    const bool below = folder && strstr(path, folder);
    const bool exact = path_ends_in(path, text) || path_ends_in(text, path);
    return 1 + 4 * below + 2 * exact + 8 * (strcmp(path, text) == 0);
}

static Status find_text(const ImageIndex *index, const char *text, const char *folder, int64_t *file, int64_t *other) {
    char *key = make_key(text);
    if (!key)
        return status_no_memory("a name", strlen(text));
    int64_t first = 0, last = 0;
    if (*key)
        find_range(index, key, &first, &last);
    /* Or `text` continues the path of a file by folders above it: the last parts of the key are left out one by one. */
    for (char *joint; first == last && (joint = strrchr(key, JOINT));) {
        *joint = '\0';
        for (first = last = first_place(index, key); last < index->count; last++)
            if (strcmp(index->sorted[last].key, key) != 0)
                break;
    }
    int best = 0;
    for (int64_t i = first; i < last; i++) {
        const int match = rate_match(index->files[index->sorted[i].file].path, text, folder);
        if (match > best) {
            best = match;
            *file = index->sorted[i].file;
            *other = -1;
        } else if (match == best) {
            *other = index->sorted[i].file;
        }
    }
    free(key);
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
