/* SPDX-License-Identifier: Apache-2.0 */
#include "base/data_file.h"
#include "base/files.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Status data_file_find(const char *name, char **path) {
    /* The programs are in the top folder, in build/ below it, or in lib/fovea of an installation with share/fovea. */
    static const char *const places[] = {"", "../", "../../share/fovea/"};
    char program[PATH_MAX];
    if (files_exists(name))
        return files_path(path, "%s", name);
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    *path = NULL;
    if (length <= 0)
        return NULL;
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        TRY(files_path(path, "%s/%s%s", program, places[i], name));
        if (files_exists(*path))
            return NULL;
        free(*path);
        *path = NULL;
    }
    return NULL;
}
