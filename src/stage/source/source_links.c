/* SPDX-License-Identifier: Apache-2.0 */
/* Links to folders: those that a set's layout lets stand for a disk are followed, the others told of. */
#include "base/files.h"
#include "base/paths.h"
#include "base/text.h"
#include "stage/source/source_builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* `full` is a link. */
static Status follow(Maker *maker, const char *path, const char *full) {
    char *real = realpath(full, NULL);
    if (!real)
        return errno == ELOOP ? status_error(EXIT_DATA, "%s: a loop of links", full)
                              : status_error(EXIT_DATA, "%s: a link that cannot be followed (%s): is its disk mounted?",
                                             full, strerror(errno));
    struct stat st;
    char *parent = strndup(full, (size_t)(path_name(full) - full)), *within = parent ? realpath(parent, NULL) : NULL;
    free(parent);
    Status status = NULL;
    if (stat(real, &st) != 0 || !S_ISDIR(st.st_mode))
        status = status_error(EXIT_DATA, "%s: a link to %s, which is no folder", full, real);
    else if (!within || strcmp(within, real) == 0 || path_is_below(within, real))
        status = status_error(EXIT_DATA, "%s: a loop: it is a link to %s, which it lies in", full, real);
    free(within);
    if (status || path_is_below(real, maker->homes[0])) {
        free(real);
        return status;
    }
    maker->homes[maker->home_count++] = real;
    fprintf(maker->notes, "%s is a link to a folder elsewhere, and was followed.\n", path);
    char *line;
    status = text_format(&line, "%s is a link, and followed: what lies in %s is taken", path, real);
    if (!status)
        status = maker_tell(maker, line);
    free(line);
    return status;
}

Status maker_follow(Maker *maker, const char *path) {
    char *full;
    TRY(files_path(&full, "%s/%s", maker->source->root, path));
    struct stat st;
    Status status = lstat(full, &st) == 0 && S_ISLNK(st.st_mode) ? follow(maker, path, full) : NULL;
    free(full);
    return status;
}

Status maker_tell_links(Maker *maker, const char *folder, const TreeFile *links, int64_t count) {
    Status status = NULL;
    for (const TreeFile *link = links; link < links + count && !status; link++) {
        char *path;
        status = files_path(&path, "%s%s", folder, link->path);
        if (!status)
            status = findings_add(maker->findings, FINDING_LINK, path, "", "a link to a folder, not followed");
        free(path);
    }
    return status;
}
