/* SPDX-License-Identifier: Apache-2.0 */
/* The paths that tables contain, looked up among the files of a tree. */
#ifndef FOVEA_BASE_PATHS_H
#define FOVEA_BASE_PATHS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* `text` as a path relative to its root: without leading slashes, empty parts, "." and ".."; the caller's.
 * *path is NULL when it climbs above the root or is the root itself. */
Status path_normal(const char *text, char **path) MUST_USE;
const char *path_name(const char *path); /* after the last slash */
/* Part `index` between slashes, as an offset and a length; false when there are fewer. */
bool path_part(const char *path, int index, size_t *at, size_t *length);
int path_parts(const char *path);
/* Whether `path` is `tail` or ends in "/" and `tail`. */
bool path_ends_in(const char *path, const char *tail);

typedef enum { PATH_FILE, PATH_ABSENT, PATH_OUTSIDE, PATH_NO_FILE } PathKind;

/* What root/path is, with links followed. PATH_OUTSIDE: below none of `homes`, `count` paths of realpath(3).
 * PATH_NO_FILE: a folder, a device, a link that leads nowhere or to itself, or a path that may not be read; *why says
 * which (a constant text). */
Status path_look(const char *root, char *const *homes, int count, const char *path, PathKind *kind,
                 const char **why) MUST_USE;
/* Whether `path` is below `root`, both of realpath(3). */
bool path_is_below(const char *path, const char *root);

#endif
