/* SPDX-License-Identifier: Apache-2.0 */
/* Finds paths by their ends. They are sorted by their parts, the last one first, so that a look-up costs log(count)
 * however often a file's name repeats. */
#ifndef FOVEA_BASE_PATH_INDEX_H
#define FOVEA_BASE_PATH_INDEX_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *key;    /* the parts of the path, the last one first */
    int64_t item; /* which path_index_add() it was, from 0 */
} PathKey;

typedef struct {
    PathKey *sorted; /* [count] equal keys in the order of their items */
    int64_t count;
    bool fold; /* upper and lower case are the same */
} PathIndex;

/* sorted[first] to sorted[end - 1] */
typedef struct {
    int64_t first, end;
} PathRange;

/* Makes room for `count` paths. */
Status path_index_open(PathIndex *index, int64_t count, bool fold) MUST_USE;
/* Adds the first `length` bytes of a path; at most as many as path_index_open() has room for. Empty parts and "." are
 * left out. */
Status path_index_add(PathIndex *index, const char *path, size_t length) MUST_USE;
/* Call after the last path_index_add(). */
void path_index_sort(PathIndex *index);
void path_index_close(PathIndex *index);

/* The paths that end in the given one, whole parts of it, or are it. */
Status path_index_longer(const PathIndex *index, const char *path, size_t length, PathRange *range) MUST_USE;
/* The paths of fewer parts that the given one ends in; the longest of them, which are equal to each other. */
Status path_index_shorter(const PathIndex *index, const char *path, size_t length, PathRange *range) MUST_USE;
/* Whether two paths have the same last part. */
bool path_index_names_repeat(const PathIndex *index);

#endif
