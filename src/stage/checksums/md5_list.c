/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/checksums/md5_list.h"

#include "base/path_index.h"
#include "base/paths.h"
#include "base/table.h"
#include "base/text.h"
#include "base/text_file.h"
#include "stage/checksums/md5_lines.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct {
    const char *path; /* of the list */
    Md5File *files;   /* [paths.count] */
    PathIndex paths;
    int64_t given; /* files that have a sum */
} Md5List;

/* The files of fewer parts that `path` ends in: the longest is meant. They have one path, so there is one at most. */
static Status find_shorter(const Md5List *list, const char *path, Md5File **file) {
    PathRange range;
    TRY(path_index_shorter(&list->paths, path, strlen(path), &range));
    *file = range.first < range.end ? &list->files[list->paths.sorted[range.first].item] : NULL;
    return NULL;
}

/* The file that `path` means; NULL when there is none. */
static Status find_file(const Md5List *list, int64_t line, const char *path, Md5File **file) {
    PathRange range;
    Md5File *other = NULL;
    *file = NULL;
    path += strspn(path, "/");
    TRY(path_index_longer(&list->paths, path, strlen(path), &range));
    for (int64_t i = range.first; i < range.end && !other; i++) {
        Md5File *found = &list->files[list->paths.sorted[i].item];
        if (found->whole && !path_ends_in(path, found->path))
            continue;
        other = *file;
        *file = found;
    }
    if (!other && (!*file || !path_ends_in(path, (*file)->path)))
        TRY(find_shorter(list, path, *file ? &other : file));
    return other ? status_error(EXIT_DATA, "%s:%lld: %s may mean %s or %s; write its path below the root", list->path,
                                (long long)line, path, other->path, (*file)->path)
                 : NULL;
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

static Status count_cells(const Md5List *list, char *const *cells, int columns, ColumnContents *counts) {
    char sum[MD5_TEXT];
    for (int i = 0; i < columns; i++) {
        PathRange range;
        const char *name = path_name(cells[i]);
        TRY(path_index_longer(&list->paths, name, strlen(name), &range));
        counts->sums[i] += is_sum(cells[i], sum);
        counts->names[i] += range.first < range.end;
    }
    return NULL;
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
    Status status = count_cells(list, table->columns, columns, &counts);
    *headless = false;
    for (int i = 0; i < columns; i++)
        *headless |= counts.sums[i] != 0;
    for (bool more = true; !status && !(status = table_next(table, &more)) && more;)
        status = count_cells(list, table->fields, columns, &counts);
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

static Status read_sums(Md5List *list, Md5File *files, int64_t count) {
    list->files = files;
    TRY(path_index_open(&list->paths, count, false));
    for (int64_t i = 0; i < count; i++)
        TRY(path_index_add(&list->paths, files[i].path, strlen(files[i].path)));
    path_index_sort(&list->paths);
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
            list->path, (long long)count);
    return NULL;
}

Status md5_list_read(const char *path, Md5File *files, int64_t count) {
    Md5List list = {.path = path};
    Status status = read_sums(&list, files, count);
    path_index_close(&list.paths);
    return status;
}
