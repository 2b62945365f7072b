/* SPDX-License-Identifier: Apache-2.0 */
#include "base/paths.h"
#include "base/files.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

Status path_normal(const char *text, char **path) {
    *path = NULL;
    char *normal = malloc(strlen(text) + 1);
    if (!normal)
        return status_no_memory("a path", strlen(text) + 1);
    size_t length = 0;
    bool above = false;
    for (const char *at = text; *at && !above;) {
        size_t part = strcspn(at, "/");
        if (part == 2 && memcmp(at, "..", 2) == 0) {
            above = length == 0;
            while (length && normal[--length] != '/')
                ;
        } else if (part && !(part == 1 && *at == '.')) {
            if (length)
                normal[length++] = '/';
            memcpy(normal + length, at, part);
            length += part;
        }
        at += part + (at[part] == '/');
    }
    normal[length] = '\0';
    if (above || !length)
        free(normal);
    else
        *path = normal;
    return NULL;
}

const char *path_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool path_part(const char *path, int index, size_t *at, size_t *length) {
    const char *part = path;
    for (; index; index--) {
        part = strchr(part, '/');
        if (!part)
            return false;
        part++;
    }
    *at = (size_t)(part - path);
    *length = strcspn(part, "/");
    return true;
}

int path_parts(const char *path) {
    int parts = 1;
    for (; *path; path++)
        parts += *path == '/';
    return parts;
}

bool path_ends_in(const char *path, const char *tail) {
    size_t length = strlen(path), wanted = strlen(tail);
    if (length < wanted || strcmp(path + length - wanted, tail) != 0)
        return false;
    return length == wanted || path[length - wanted - 1] == '/';
}

bool path_is_below(const char *path, const char *root) {
    size_t length = strlen(root);
    if (strncmp(path, root, length) != 0)
        return false;
    return path[length] == '/' || (length && root[length - 1] == '/');
}

static bool is_at_home(const char *path, char *const *homes, int count) {
    while (count && !path_is_below(path, homes[count - 1]))
        count--;
    return count > 0;
}

Status path_look(const char *root, char *const *homes, int count, const char *path, PathKind *kind, const char **why) {
    char *full, real[PATH_MAX];
    TRY(files_path(&full, "%s/%s", root, path));
    struct stat st;
    *kind = PATH_NO_FILE;
    *why = "";
    if (realpath(full, real)) {
        if (!is_at_home(real, homes, count))
            *kind = PATH_OUTSIDE;
        else if (stat(real, &st) != 0)
            *why = "it cannot be looked at";
        else if (!S_ISREG(st.st_mode))
            *why = "not a regular file";
        else
            *kind = PATH_FILE;
    } else if (errno == ELOOP) {
        *why = "a loop of links";
    } else if (lstat(full, &st) == 0) {
        *why = "a link that leads nowhere";
    } else if (errno == ENOENT || errno == ENOTDIR) {
        *kind = PATH_ABSENT;
    } else {
        *why = "it cannot be looked at";
    }
    free(full);
    return NULL;
}
