/* SPDX-License-Identifier: Apache-2.0 */
#include "data/label_table.h"

#include "base/files.h"
#include "base/paths.h"
#include "base/table.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const file_names[] = {"file", "filename", "image", "path", NULL};
static const char *const person_names[] = {"person", "person_id", "patient", "patient_id", "participant_id", NULL};

typedef struct {
    const Folder *folder;
    LabelTable *labels;
    char *before;     /* what precedes the folder's paths in the table: "" or "train/" */
    int *columns;     /* [labels->columns] of the table */
    int file, person; /* columns; person -1: none */
    int64_t *lines;   /* [count] of the table, by record; 0: none yet */
} TableRead;

/* labels.csv beside a folder, by this name of it; *path stays NULL without one. */
static Status look_beside(TableRead *read, const char *folder, char **path) {
    size_t end = strlen(folder);
    while (end > 0 && folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/')
        start--;
    const char *name = folder + start;
    const int length = (int)(end - start);
    if (length == 0 || strncmp(name, "..", (size_t)length) == 0) /* "." and ".." are no names of a table's paths */
        return NULL;
    TRY(files_path(path, "%.*slabels.csv", (int)start, folder));
    if (files_exists(*path)) {
        free(read->before);
        return files_path(&read->before, "%.*s/", length, name);
    }
    free(*path);
    *path = NULL;
    return NULL;
}

/* labels.csv in the folder, or beside it: where the user named it, then where links lead to. */
static Status find_table(TableRead *read, char **path) {
    const char *root = read->folder->root;
    char real[PATH_MAX];
    TRY(files_path(&read->before, "%s", ""));
    TRY(files_path(path, "%s/labels.csv", root));
    if (files_exists(*path))
        return NULL;
    free(*path);
    *path = NULL;
    TRY(look_beside(read, root, path));
    if (!*path && realpath(root, real))
        TRY(look_beside(read, real, path));
    if (*path)
        return NULL;
    return status_error(EXIT_DATA,
                        "%s has no labels: there is no labels.csv in it or beside it; write one with the columns file "
                        "and %s, or use a pack",
                        root, read->labels->names[0]);
}

static int compare_to_path(const void *path, const void *own) {
    return strcmp(path, *(char *const *)own);
}

/* The record of a path of the table; -1: not of this folder. */
static Status find_record(const TableRead *read, const char *text, int64_t *record) {
    char *path;
    *record = -1;
    TRY(path_normal(text, &path));
    const size_t before = strlen(read->before);
    if (path && strncmp(path, read->before, before) == 0) {
        char *const *paths = read->folder->paths, *const * found;
        found = bsearch(path + before, paths, (size_t)read->folder->count, sizeof *paths, compare_to_path);
        *record = found ? found - paths : -1;
    }
    free(path);
    return NULL;
}

static Status read_cell(const Table *table, int column, float *value) {
    const char *text = table->fields[column];
    double number;
    *value = NAN;
    if (!*text || !strcasecmp(text, "nan") || !strcasecmp(text, "na"))
        return NULL;
    if (!table_number(text, &number))
        return table_error(table, "%s is '%s', which is no number; number the classes from 0, or leave the cell empty",
                           table->columns[column], text);
    *value = (float)number;
    return NULL;
}

static Status read_row(TableRead *read, const Table *table) {
    LabelTable *labels = read->labels;
    int64_t record;
    TRY(find_record(read, table->fields[read->file], &record));
    if (record < 0)
        return NULL;
    if (read->lines[record])
        return table_error(table, "%s has labels already, in line %lld; remove one of the rows",
                           table->fields[read->file], (long long)read->lines[record]);
    read->lines[record] = table->line;
    for (int i = 0; i < labels->columns; i++)
        TRY(read_cell(table, read->columns[i], &labels->values[record * labels->columns + i]));
    return labels->people ? files_path(&labels->people[record], "%s", table->fields[read->person]) : NULL;
}

static Status find_columns(TableRead *read, const Table *table) {
    LabelTable *labels = read->labels;
    TRY(table_column(table, file_names, &read->file));
    for (int i = 0; i < labels->columns; i++)
        TRY(table_column(table, (const char *const[]){labels->names[i], NULL}, &read->columns[i]));
    read->person = table_find(table, person_names);
    if (read->person < 0)
        return NULL;
    labels->people = calloc((size_t)read->folder->count, sizeof *labels->people);
    return labels->people ? NULL
                          : status_no_memory("the people of labels.csv", (size_t)read->folder->count * sizeof(char *));
}

static Status read_table(TableRead *read, const char *path) {
    Table table;
    TRY(table_open(path, &table));
    Status status = find_columns(read, &table);
    for (bool more = true; !status && more;) {
        status = table_next(&table, &more);
        if (!status && more)
            status = read_row(read, &table);
    }
    table_close(&table);
    return status;
}

Status label_table_read(const Folder *folder, LabelTable *labels) {
    TableRead read = {.folder = folder, .labels = labels};
    read.columns = calloc((size_t)labels->columns, sizeof *read.columns);
    read.lines = calloc((size_t)folder->count, sizeof *read.lines);
    Status status = read.columns && read.lines
                        ? find_table(&read, &labels->path)
                        : status_no_memory("the lines of labels.csv", (size_t)folder->count * sizeof *read.lines);
    if (!status)
        status = read_table(&read, labels->path);
    free(read.columns);
    free(read.lines);
    free(read.before);
    return status;
}
