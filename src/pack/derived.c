/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/derived.h"

#include "base/file_lock.h"
#include "base/files.h"
#include "base/text.h"
#include "base/text_writer.h"
#include "base/tsv.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* realpath(3) of the folder of a file that does not exist yet, and the file's name after it; the caller's. */
static Status whole_path(const char *file, char **path) {
    const char *slash = strrchr(file, '/');
    char *folder, whole[PATH_MAX];
    *path = NULL;
    TRY(slash ? files_path(&folder, "%.*s", (int)(slash - file) + 1, file) : files_path(&folder, "."));
    Status status = realpath(folder, whole) ? files_path(path, "%s/%s", whole, slash ? slash + 1 : file)
                                            : status_error(EXIT_IO, "%s: no such folder: %s", folder, strerror(errno));
    free(folder);
    return status;
}

static bool has_line(const char *text, size_t size, const char *wanted) {
    const size_t length = strlen(wanted);
    TextLine line;
    for (const char *at = text; text_next_line(&at, text + size, &line);)
        if (line.length + 1 == length && memcmp(line.start, wanted, line.length) == 0)
            return true;
    return false;
}

/* The line of `path`, with its line end; the caller's. */
static Status print_line(const char *path, char **line) {
    TextWriter writer;
    TRY(text_writer_open(&writer, "the list of derived files"));
    tsv_put_line(writer.out, &path, 1);
    return text_writer_take(&writer, line);
}

/* Writes the list at `list` with one line more. A line that was cut short stays as it is, and apart. */
static Status append_line(const char *list, const char *line) {
    char *before = NULL, *after;
    size_t size = 0;
    if (files_exists(list))
        TRY(files_read(list, &before, &size));
    Status status = NULL;
    if (!has_line(before ? before : "", size, line)) {
        const bool cut = size && before[size - 1] != '\n';
        status = text_format(&after, "%s%s%s", before ? before : "", cut ? "\n" : "", line);
        if (!status)
            status = files_write(list, after, strlen(after));
        free(after);
    }
    free(before);
    return status;
}

/* While the pack's folder is locked, so that no line of another process is lost. */
static Status append_locked(const char *pack, const char *list, const char *line) {
    const int folder = open(pack, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return files_failure("open directory", pack, errno);
    file_lock_wait(folder);
    Status status = append_line(list, line);
    close(folder);
    return status;
}

Status pack_derived_add(const char *pack, const char *derived) {
    char *list, *whole = NULL, *line = NULL;
    TRY(files_path(&list, "%s/derived.tsv", pack));
    Status status = whole_path(derived, &whole);
    if (!status)
        status = print_line(whole, &line);
    if (!status)
        status = append_locked(pack, list, line);
    free(line);
    free(whole);
    free(list);
    return status;
}

Status pack_derived_check(const char *pack) {
    return access(pack, W_OK) != 0 ? files_failure("write", pack, errno) : NULL;
}
