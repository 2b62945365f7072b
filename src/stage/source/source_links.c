/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/source_links.h"

#include "base/files.h"
#include "base/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* `full` is a link. */
static Status follow_link(SourceBuilder *builder, const char *path, const char *full) {
    char *real = realpath(full, NULL);
    if (!real)
        return errno == ELOOP ? status_error(EXIT_DATA, "%s: a loop of links", full)
                              : status_error(EXIT_DATA, "%s: a link that cannot be followed (%s); is its disk mounted?",
                                             full, strerror(errno));
    struct stat st;
    char *parent = strndup(full, (size_t)(path_name(full) - full)), *within = parent ? realpath(parent, NULL) : NULL;
    free(parent);
    Status status = NULL;
    if (stat(real, &st) != 0 || !S_ISDIR(st.st_mode))
        status = status_error(EXIT_DATA, "%s: a link to %s, which is not a folder", full, real);
    else if (!within || strcmp(within, real) == 0 || path_is_below(within, real))
        status = status_error(EXIT_DATA, "%s: a loop: a link to %s, which contains it", full, real);
    free(within);
    if (status || path_is_below(real, builder->roots[0])) {
        free(real);
        return status;
    }
    builder->roots[builder->root_count++] = real;
    fprintf(builder->notes.out, "%s is a link to a folder elsewhere, and was followed.\n", path);
    return source_warn(builder->source, "%s is a link and was followed: the contents of %s are staged", path, real);
}

Status source_links_follow(SourceBuilder *builder, const char *path) {
    char *full;
    TRY(files_path(&full, "%s/%s", builder->source->root, path));
    struct stat st;
    Status status = lstat(full, &st) == 0 && S_ISLNK(st.st_mode) ? follow_link(builder, path, full) : NULL;
    free(full);
    return status;
}

Status source_links_report(SourceBuilder *builder, const char *folder, const TreeFile *links, int64_t count) {
    Status status = NULL;
    for (int64_t i = 0; i < count && !status; i++) {
        const TreeFile *link = &links[i];
        char *path;
        status = files_path(&path, "%s%s", folder, link->path);
        if (!status)
            status = findings_add(builder->findings, FINDING_LINK, path, "", "a link to a folder, not followed");
        free(path);
    }
    return status;
}
