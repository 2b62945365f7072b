/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path_index.h"

#include "base/list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Between the parts of a key. Less than any letter of a name, so that "left" and all paths that end in it come before
 * "left 2". */
enum { JOINT = '\1' };

/* The key of a path, with room for one more byte; the caller's. */
static Status make_key(const char *path, size_t length, bool fold, char **key) {
    size_t filled = 0;
    char *to = *key = malloc(length + 2);
    if (!to)
        return status_no_memory("a path's key", length + 2);
    for (size_t end = length; end;) {
        size_t start = end;
        while (start && path[start - 1] != '/')
            start--;
        if (end > start && !(end - start == 1 && path[start] == '.')) {
            if (filled)
                to[filled++] = JOINT;
            for (size_t i = start; i < end; i++)
                to[filled++] = fold ? (char)tolower((unsigned char)path[i]) : path[i];
        }
        end = start ? start - 1 : 0;
    }
    to[filled] = '\0';
    return NULL;
}

static int compare_keys(const void *a, const void *b) {
    const PathKey *left = a, *right = b;
    const int order = strcmp(left->key, right->key);
    return order ? order : (left->item > right->item) - (left->item < right->item);
}

Status path_index_open(PathIndex *index, int64_t count, bool fold) {
    *index = (PathIndex){.sorted = calloc((size_t)count + 1, sizeof *index->sorted), .fold = fold};
    return index->sorted ? NULL : status_no_memory("an index of paths", (size_t)count * sizeof *index->sorted);
}

Status path_index_add(PathIndex *index, const char *path, size_t length) {
    PathKey *added = &index->sorted[index->count];
    TRY(make_key(path, length, index->fold, &added->key));
    added->item = index->count++;
    return NULL;
}

void path_index_sort(PathIndex *index) {
    qsort(index->sorted, (size_t)index->count, sizeof *index->sorted, compare_keys);
}

void path_index_close(PathIndex *index) {
    for (int64_t i = 0; i < index->count; i++)
        free(index->sorted[i].key);
    free(index->sorted);
    *index = (PathIndex){0};
}

static int compare_key(const void *path, const void *key) {
    return strcmp(((const PathKey *)path)->key, key);
}

/* The first position whose key is not less than `key`. */
static int64_t first_place(const PathIndex *index, const char *key) {
    return list_place(index->sorted, index->count, sizeof *index->sorted, compare_key, key);
}

/* The paths whose keys are `key`, which has room for one more byte, or continue it by `next` or less. */
static PathRange find_range(const PathIndex *index, char *key, char next) {
    const size_t length = strlen(key);
    PathRange range = {.first = first_place(index, key)};
    key[length] = next;
    key[length + 1] = '\0';
    range.end = first_place(index, key);
    key[length] = '\0';
    return range;
}

Status path_index_longer(const PathIndex *index, const char *path, size_t length, PathRange *range) {
    char *key;
    *range = (PathRange){0};
    TRY(make_key(path, length, index->fold, &key));
    if (*key)
        *range = find_range(index, key, JOINT + 1);
    free(key);
    return NULL;
}

Status path_index_shorter(const PathIndex *index, const char *path, size_t length, PathRange *range) {
    char *key;
    *range = (PathRange){0};
    TRY(make_key(path, length, index->fold, &key));
    for (char *joint; range->first == range->end && (joint = strrchr(key, JOINT));) {
        *joint = '\0';
        *range = find_range(index, key, JOINT);
    }
    free(key);
    return NULL;
}

bool path_index_names_repeat(const PathIndex *index) {
    static const char joint[] = {JOINT, '\0'};
    for (int64_t i = 1; i < index->count; i++) {
        const char *last = index->sorted[i - 1].key, *key = index->sorted[i].key;
        const size_t length = strcspn(key, joint);
        if (strcspn(last, joint) == length && memcmp(last, key, length) == 0)
            return true;
    }
    return false;
}
