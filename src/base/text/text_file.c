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

/* Formats that are given in place of a text, by their first bytes. */
static const char *name_other_format(const char *data, size_t size) {
    static const struct {
        const char *bytes, *name;
    } formats[] = {{"PK\x03\x04", "a spreadsheet (.xlsx, .ods) or another zip archive"},
                   {"\xD0\xCF\x11\xE0", "a spreadsheet (.xls) or another Office document"},
                   {"\x1F\x8B", "compressed with gzip"},
                   {"%PDF", "a PDF document"}};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (size >= strlen(formats[i].bytes) && memcmp(data, formats[i].bytes, strlen(formats[i].bytes)) == 0)
            return formats[i].name;
    return NULL;
}

/* Why the bytes are no text; NULL: they are one. */
static Status refuse_other_bytes(const char *path, const char *what, const TextFile *file) {
    const char *format = name_other_format(file->data, file->size);
    const char *nul = memchr(file->data, '\0', file->size);
    if (format)
        return status_error(EXIT_DATA, "%s: %s, which is not read as a %s; save it as a text: CSV, in UTF-8", path,
                            format, what);
    return nul ? status_error(EXIT_DATA, "%s: not a text file: byte %lld is 0; save it as UTF-8 (UTF-16?)", path,
                              (long long)(nul - file->data))
               : NULL;
}

Status text_file_read(const char *path, const char *what, TextFile *file) {
    static const char mark[] = "\xEF\xBB\xBF";
    struct stat st;
    *file = (TextFile){0};
    if (stat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
        return refuse_missing(path, what);
    TRY(files_read(path, &file->data, &file->size));
    Status status = refuse_other_bytes(path, what, file);
    if (status) {
        free(file->data);
        *file = (TextFile){0};
        return status;
    }
    const size_t skip = strncmp(file->data, mark, strlen(mark)) == 0 ? strlen(mark) : 0;
    file->text = file->data + skip;
    file->size -= skip;
    return NULL;
}
