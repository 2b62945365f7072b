/* SPDX-License-Identifier: Apache-2.0 */
/* Which file a call is about: the interposed calls act only on files under one directory. */
#ifndef FOVEA_PRELOAD_PATHS_H
#define FOVEA_PRELOAD_PATHS_H

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file of a descriptor; "" when there is none. */
static inline void path_of_descriptor(int descriptor, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    path[length > 0 ? length : 0] = '\0';
}

/* `name` made absolute with its directory's links resolved, not its own: calls on names do not follow the last one. */
static inline void path_of_name(int directory, const char *name, char path[PATH_MAX]) {
    char whole[PATH_MAX], parent[PATH_MAX];
    if (name[0] == '/') {
        snprintf(whole, sizeof whole, "%s", name);
    } else {
        if (directory != AT_FDCWD)
            path_of_descriptor(directory, parent);
        else if (!getcwd(parent, sizeof parent))
            parent[0] = '\0';
        if (snprintf(whole, sizeof whole, "%s/%s", parent, name) >= PATH_MAX)
            whole[0] = '\0';
    }
    char *last = strrchr(whole, '/');
    snprintf(path, PATH_MAX, "%s", whole);
    if (!last)
        return;
    *last = '\0';
    if (realpath(*whole ? whole : "/", parent) && snprintf(path, PATH_MAX, "%s/%s", parent, last + 1) >= PATH_MAX)
        path[0] = '\0';
}

static inline bool lies_under(const char *path, const char *directory) {
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/')
        length--;
    return length && strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

#endif
