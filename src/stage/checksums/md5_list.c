/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/checksums/md5_list.h"

#include "base/paths.h"
#include "base/table.h"
#include "base/text.h"
#include "base/text_file.h"
#include "stage/checksums/md5_lines.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The files by the last part of their paths. */
typedef struct {
    const char *name;
    Md5File *file;
} NamedFile;

typedef struct {
    const char *path; /* of the list */
    NamedFile *named; /* sorted by name */
    int64_t count;
    int64_t given; /* files that have a sum */
} Md5List;

static int compare_names(const void *a, const void *b) {
    return strcmp(((const NamedFile *)a)->name, ((const NamedFile *)b)->name);
}

static const NamedFile *first_named(const Md5List *list, const char *name) {
    NamedFile key = {name, NULL};
    const NamedFile *found = bsearch(&key, list->named, (size_t)list->count, sizeof *list->named, compare_names);
    while (found && found > list->named && strcmp(found[-1].name, name) == 0)
        found--;
    return found;
}

/* Whether one path ends in the other. */
static bool paths_match(const char *path, const Md5File *file) {
    return path_ends_in(path, file->path) || (!file->whole && path_ends_in(file->path, path));
}

/* The file that `path` means; NULL when there is none. */
static Status find_file(const Md5List *list, int64_t line, const char *path, Md5File **file) {
    *file = NULL;
    path += strspn(path, "/");
    const char *name = path_name(path);
    const NamedFile *found = first_named(list, name);
    for (; found && found < list->named + list->count && strcmp(found->name, name) == 0; found++) {
        if (!paths_match(path, found->file))
            continue;
        /* One whole path may end in another; the longer one is meant. */
        if (*file && path_ends_in(path, found->file->path) && path_ends_in(path, (*file)->path)) {
            if (strlen(found->file->path) > strlen((*file)->path))
                *file = found->file;
            continue;
        }
        if (*file)
            return status_error(EXIT_DATA, "%s:%lld: %s may mean %s or %s; write its path below the root", list->path,
                                (long long)line, path, (*file)->path, found->file->path);
        *file = found->file;
    }
    return NULL;
}

static Status enter_sum(Md5List *list, int64_t line, const char *path, const char *sum) {
    Md5File *file;
    TRY(find_file(list, line, path, &file));
    if (!file)
        return NULL; /* of a file that is not staged */
    if (*file->md5 && strcmp(file->md5, sum) != 0)
        return status_error(EXIT_DATA, "%s:%lld: a second, different sum for %s; remove one of the two", list->path,
                            (long long)line, file->path);
    list->given += !*file->md5;
    memcpy(file->md5, sum, MD5_TEXT);
    return NULL;
}

/* --- Lines ---------------------------------------------------------------------------------------------------------*/

static Status read_lines(Md5List *list, const TextFile *file) {
    const char *at = file->text;
    int64_t number = 1, sums = 0;
    for (TextLine found; text_next_line(&at, file->text + file->size, &found); number++) {
        char *line = text_cut_line(file->text, &found), *path, sum[MD5_TEXT];
        line[strcspn(line, "\r")] = '\0';
        const Md5Line kind = md5_line_parse(line, &path, sum);
        if (kind == MD5_LINE_BAD || kind == MD5_LINE_UNKNOWN)
            return status_error(EXIT_DATA,
                                "%s:%lld: not a line of md5sum (32 digits, two spaces, a path) or azcopy list",
                                list->path, (long long)number);
        sums += kind == MD5_LINE_SUM;
        if (kind == MD5_LINE_SUM)
            TRY(enter_sum(list, number, path, sum));
    }
    if (!sums)
        return status_error(
            EXIT_DATA, "%s: no line has an MD5 sum; azcopy list prints them with --properties ContentMD5", list->path);
    return NULL;
}

/* --- Tables --------------------------------------------------------------------------------------------------------*/

/* For each column, how many cells are sums, and how many end in the name of a file. */
typedef struct {
    int64_t *sums, *names;
} ColumnContents;

static bool is_sum(const char *cell, char sum[MD5_TEXT]) {
    const size_t taken = md5_parse_sum(cell, sum);
    return taken && !cell[taken];
}

static void count_cells(const Md5List *list, char *const *cells, int columns, ColumnContents *counts) {
    char sum[MD5_TEXT];
    for (int i = 0; i < columns; i++) {
        counts->sums[i] += is_sum(cells[i], sum);
        counts->names[i] += first_named(list, path_name(cells[i])) != NULL;
    }
}

/* The only column of sums, or the only one whose name contains "md5". */
static Status choose_sums(const Table *table, const ColumnContents *counts, int *column) {
    int any = -1, named = -1, others = 0, others_named = 0;
    for (int i = table->column_count - 1; i >= 0; i--) {
        if (!counts->sums[i])
            continue;
        others += any >= 0;
        any = i;
        if (strcasestr(table->columns[i], "md5")) {
            others_named += named >= 0;
            named = i;
        }
    }
    if (any < 0)
        return status_error(EXIT_DATA,
                            "%s: no column contains MD5 sums (32 hexadecimal digits, or 24 characters of base64)",
                            table->path);
    if (others && (named < 0 || others_named))
        return status_error(EXIT_DATA, "%s: %d columns contain what may be MD5 sums, such as %s; keep only one of them",
                            table->path, (named < 0 ? others : others_named) + 1,
                            table->columns[named < 0 ? any : named]);
    *column = others ? named : any;
    return NULL;
}

static Status choose_columns(const Table *table, const ColumnContents *counts, int *sums, int *paths) {
    TRY(choose_sums(table, counts, sums));
    *paths = 0;
    for (int i = 1; i < table->column_count; i++)
        *paths = counts->names[i] > counts->names[*paths] ? i : *paths;
    if (counts->names[*paths])
        return NULL;
    return status_error(EXIT_DATA,
                        "%s: no column contains paths of the files to stage; is it the list of another download?",
                        table->path);
}

/* *headless: the first line contains a sum, so it is not a header. */
static Status find_columns(const Md5List *list, Table *table, int *sums, int *paths, bool *headless) {
    const int columns = table->column_count;
    int64_t *cells = calloc(2 * (size_t)columns, sizeof *cells);
    if (!cells)
        return status_no_memory("counts", 0);
    ColumnContents counts = {cells, cells + columns};
    count_cells(list, table->columns, columns, &counts);
    *headless = false;
    for (int i = 0; i < columns; i++)
        *headless |= counts.sums[i] != 0;
    Status status = NULL;
    for (bool more = true; !status && !(status = table_next(table, &more)) && more;)
        count_cells(list, table->fields, columns, &counts);
    if (!status)
        status = choose_columns(table, &counts, sums, paths);
    free(cells);
    return status;
}

static Status enter_cells(Md5List *list, const Table *table, char *const *cells, int sums, int paths) {
    char sum[MD5_TEXT];
    if (is_sum(cells[sums], sum))
        return enter_sum(list, table->line, cells[paths], sum);
    return *cells[sums]
               ? table_error(table, "\"%s\" is not an MD5 sum (32 hexadecimal digits, or 24 characters of base64)",
                             cells[sums])
               : NULL;
}

static Status read_table(Md5List *list) {
    int sums = 0, paths = 0;
    bool headless = false;
    Table table;
    TRY(table_open(list->path, &table));
    Status status = find_columns(list, &table, &sums, &paths, &headless);
    table_close(&table);
    TRY(status);
    TRY(table_open(list->path, &table));
    if (headless)
        status = enter_cells(list, &table, table.columns, sums, paths);
    for (bool more = true; !status && !(status = table_next(&table, &more)) && more;)
        status = enter_cells(list, &table, table.fields, sums, paths);
    table_close(&table);
    return status;
}

static Status read_sums(Md5List *list, Md5File *files) {
    list->named = malloc(((size_t)list->count + 1) * sizeof *list->named);
    if (!list->named)
        return status_no_memory("names", (size_t)list->count * sizeof *list->named);
    for (int64_t i = 0; i < list->count; i++)
        list->named[i] = (NamedFile){path_name(files[i].path), &files[i]};
    qsort(list->named, (size_t)list->count, sizeof *list->named, compare_names);
    TextFile file;
    TRY(text_file_read(list->path, "list", &file));
    const bool lines = md5_lines_recognise(file.text);
    Status status = lines ? read_lines(list, &file) : NULL;
    free(file.data);
    TRY(status);
    if (!lines)
        TRY(read_table(list));
    if (!list->given)
        return status_error(
            EXIT_DATA, "%s: has sums, but for none of the %lld files to stage; is it the list of another download?",
            list->path, (long long)list->count);
    return NULL;
}

Status md5_list_read(const char *path, Md5File *files, int64_t count) {
    Md5List list = {.path = path, .count = count};
    Status status = read_sums(&list, files);
    free(list.named);
    return status;
}
