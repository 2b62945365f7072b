/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/unread_files.h"

#include "base/list.h"
#include "base/paths.h"
#include "base/text_writer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EXTENSION = 12, SHOWN = 5 };

typedef struct {
    char extension[MAX_EXTENSION + 2]; /* lower case, with its dot; "" for none */
    int64_t count;
} ExtensionCount;

typedef struct {
    ExtensionCount *kinds;
    int64_t count, capacity, files, specials;
    const char *special; /* the first of them */
} UnreadFiles;

/* A dot followed by anything too long or not alphanumeric is part of the name, not an extension. */
static void file_extension(const char *path, char extension[MAX_EXTENSION + 2]) {
    const char *dot = strrchr(path_name(path), '.');
    size_t length = dot ? strlen(dot) : 0;
    *extension = '\0';
    if (length < 2 || length > MAX_EXTENSION + 1)
        return;
    for (size_t i = 1; i < length; i++)
        if (!isalnum((unsigned char)dot[i]))
            return;
    for (size_t i = 0; i <= length; i++)
        extension[i] = (char)tolower((unsigned char)dot[i]);
}

static Status count_file(UnreadFiles *unread, const char *path) {
    char extension[MAX_EXTENSION + 2];
    file_extension(path, extension);
    int64_t i = 0;
    while (i < unread->count && strcmp(unread->kinds[i].extension, extension) != 0)
        i++;
    if (i == unread->count) {
        TRY(list_grow(&unread->kinds, i, &unread->capacity, sizeof *unread->kinds, "a list of extensions"));
        unread->kinds[unread->count++] = (ExtensionCount){0};
        strcpy(unread->kinds[i].extension, extension);
    }
    unread->kinds[i].count++;
    unread->files++;
    return NULL;
}

static int compare_counts(const void *a, const void *b) {
    const ExtensionCount *left = a, *right = b;
    int order = (left->count < right->count) - (left->count > right->count);
    return order ? order : strcmp(left->extension, right->extension);
}

static void write_summary(FILE *out, const char *where, UnreadFiles *unread) {
    int64_t rest = unread->files;
    if (unread->files) {
        qsort(unread->kinds, (size_t)unread->count, sizeof *unread->kinds, compare_counts);
        fprintf(out, "%s%lld file%s not read: ", where, (long long)unread->files,
                unread->files == 1 ? " with another ending is" : "s with other endings are");
        for (int64_t i = 0; i < unread->count && i < SHOWN; i++) {
            const ExtensionCount *kind = &unread->kinds[i];
            fprintf(out, "%s%lld %s", i ? ", " : "", (long long)kind->count,
                    *kind->extension ? kind->extension : "without an ending");
            rest -= kind->count;
        }
        if (rest)
            fprintf(out, ", and %lld other%s", (long long)rest, rest == 1 ? "" : "s");
    }
    if (unread->specials)
        fprintf(out, "%s%lld %s, and not read, such as %s", unread->files ? "; " : where, (long long)unread->specials,
                unread->specials == 1 ? "is a pipe or a device" : "are pipes or devices", unread->special);
}

static Status warn_about_unread(SourceBuilder *builder, const char *where, UnreadFiles *unread) {
    if (!unread->files && !unread->specials)
        return NULL;
    char *line;
    TextWriter text;
    TRY(text_writer_open(&text, "a warning"));
    write_summary(text.out, where, unread);
    TRY(text_writer_take(&text, &line));
    Status status = source_warn(builder->source, "%s", line);
    free(line);
    return status;
}

Status unread_files_report(SourceBuilder *builder, const char *where, const TreeFile *files, int64_t count,
                           bool (*is_expected)(const void *context, const char *path), const void *context) {
    UnreadFiles unread = {0};
    Status status = NULL;
    for (int64_t i = 0; i < count && !status; i++) {
        const TreeFile *file = &files[i];
        if (file->special) {
            unread.special = unread.special ? unread.special : file->path;
            unread.specials++;
        } else if (!is_expected(context, file->path))
            status = count_file(&unread, file->path);
    }
    if (!status)
        status = warn_about_unread(builder, where, &unread);
    free(unread.kinds);
    return status;
}
