/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are there and not read, told by their endings. */
#include "base/files.h"
#include "base/paths.h"
#include "stage/source/source_builder.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LONGEST = 12, SHOWN = 5 };

typedef struct {
    char ending[LONGEST + 2]; /* lower case, with its dot; "" for none */
    int64_t count;
} Kind;

typedef struct {
    Kind *kinds;
    int64_t count, files, specials;
    const char *special; /* the first of them */
} Tally;

/* What is too long or has other signs than letters and digits is no ending, but a part of a name with a dot in it. */
static void ending_of(const char *path, char ending[LONGEST + 2]) {
    const char *dot = strrchr(path_name(path), '.');
    size_t length = dot ? strlen(dot) : 0;
    *ending = '\0';
    if (length < 2 || length > LONGEST + 1)
        return;
    for (size_t i = 1; i < length; i++)
        if (!isalnum((unsigned char)dot[i]))
            return;
    for (size_t i = 0; i <= length; i++)
        ending[i] = (char)tolower((unsigned char)dot[i]);
}

static Status enter(Tally *tally, const char *path) {
    char ending[LONGEST + 2];
    ending_of(path, ending);
    int64_t i = 0;
    while (i < tally->count && strcmp(tally->kinds[i].ending, ending) != 0)
        i++;
    if (i == tally->count) {
        Kind *grown = realloc(tally->kinds, ((size_t)i + 1) * sizeof *grown);
        if (!grown)
            return status_no_memory("a list of endings", ((size_t)i + 1) * sizeof *grown);
        tally->kinds = grown;
        grown[tally->count++] = (Kind){0};
        strcpy(grown[i].ending, ending);
    }
    tally->kinds[i].count++;
    tally->files++;
    return NULL;
}

static int by_count(const void *a, const void *b) {
    const Kind *left = a, *right = b;
    int order = (left->count < right->count) - (left->count > right->count);
    return order ? order : strcmp(left->ending, right->ending);
}

static void write_line(FILE *out, const char *where, Tally *tally) {
    int64_t rest = tally->files;
    if (tally->files) {
        qsort(tally->kinds, (size_t)tally->count, sizeof *tally->kinds, by_count);
        fprintf(out, "%s%lld file%s not read: ", where, (long long)tally->files,
                tally->files == 1 ? " with another ending is" : "s with other endings are");
        for (int64_t i = 0; i < tally->count && i < SHOWN; i++) {
            const Kind *kind = &tally->kinds[i];
            fprintf(out, "%s%lld %s", i ? ", " : "", (long long)kind->count,
                    *kind->ending ? kind->ending : "without an ending");
            rest -= kind->count;
        }
        if (rest)
            fprintf(out, ", and %lld other%s", (long long)rest, rest == 1 ? "" : "s");
    }
    if (tally->specials)
        fprintf(out, "%s%lld %s, and not read, such as %s", tally->files ? "; " : where, (long long)tally->specials,
                tally->specials == 1 ? "is a pipe or a device" : "are pipes or devices", tally->special);
}

static Status tell(Maker *maker, const char *where, Tally *tally) {
    if (!tally->files && !tally->specials)
        return NULL;
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return status_no_memory("a line on files", 0);
    write_line(out, where, tally);
    Status status = fclose(out) == 0 ? maker_tell(maker, line) : status_no_memory("a line on files", 0);
    if (!status)
        fprintf(maker->notes, "%s.\n", line);
    free(line);
    return status;
}

Status maker_tell_others(Maker *maker, const char *where, const TreeFile *files, int64_t count,
                         bool (*passes)(const void *context, const char *path), const void *context) {
    Tally tally = {0};
    Status status = NULL;
    for (const TreeFile *file = files; file < files + count && !status; file++) {
        if (file->special) {
            tally.special = tally.special ? tally.special : file->path;
            tally.specials++;
        } else if (!passes(context, file->path))
            status = enter(&tally, file->path);
    }
    if (!status)
        status = tell(maker, where, &tally);
    free(tally.kinds);
    return status;
}
