/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text_file.h"

#include "base/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static Status refuse_missing(const char *path, const char *what) {
    struct stat st;
    const int cause = errno;
    if (cause == ELOOP || lstat(path, &st) == 0)
        return status_error(EXIT_DATA, "%s: a link that leads %s", path, cause == ELOOP ? "to itself" : "nowhere");
    return status_error(EXIT_DATA, "%s: the %s does not exist", path, what);
}

Status text_file_read(const char *path, const char *what, TextFile *file) {
    static const char mark[] = "\xEF\xBB\xBF";
    struct stat st;
    *file = (TextFile){0};
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return refuse_missing(path, what);
    TRY(files_read(path, &file->data, &file->size));
    const char *nul = memchr(file->data, '\0', file->size);
    if (nul) {
        Status status = status_error(EXIT_DATA, "%s: not a text file: byte %lld is 0; save it as UTF-8 (UTF-16?)", path,
                                     (long long)(nul - file->data));
        free(file->data);
        *file = (TextFile){0};
        return status;
    }
    const size_t skip = strncmp(file->data, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
    file->text = file->data + skip;
    file->size -= skip;
    return NULL;
}
