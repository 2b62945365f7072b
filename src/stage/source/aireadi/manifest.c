/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/aireadi/manifest.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/table.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int person, path, laterality;
} Columns;

static const char photography[] = "retinal_photography/";

static Status add_row(Manifest *manifest, const Table *table, const Columns *columns, char *path /* taken */) {
    if (manifest->count == manifest->capacity) {
        int64_t capacity = manifest->capacity ? 2 * manifest->capacity : 256;
        ManifestRow *grown = realloc(manifest->rows, (size_t)capacity * sizeof *grown);
        if (!grown) {
            free(path);
            return status_no_memory("the manifest", (size_t)capacity * sizeof *grown);
        }
        manifest->rows = grown;
        manifest->capacity = capacity;
    }
    ManifestRow *row = &manifest->rows[manifest->count++];
    *row = (ManifestRow){.path = path, .line = table->line};
    TRY(input_set(&row->person, table->fields[columns->person]));
    return input_set(&row->laterality, table->fields[columns->laterality]);
}

static Status outside(Maker *maker, const Table *table, const char *text, const char *why) {
    if (maker_excludes(maker, text + strspn(text, "/")))
        return NULL;
    char *detail;
    Status status = text_format(&detail, "%s:%lld: %s", path_name(table->path), (long long)table->line, why);
    if (!status)
        status = findings_add(maker->findings, FINDING_OUTSIDE, text, "", detail);
    free(detail);
    return status;
}

/* A leading slash is the root's, as the release writes it; any other absolute path is another place. */
static Status read_row(Maker *maker, const Table *table, const Columns *columns, Manifest *manifest) {
    const char *text = table->fields[columns->path];
    if (!*text)
        return table_error(table, "no path");
    char *path;
    TRY(path_normal(text, &path));
    if (!path)
        return outside(maker, table, text, "leads above the root");
    if (*text == '/' && strncmp(path, photography, sizeof photography - 1) != 0) {
        free(path);
        return outside(maker, table, text, "an absolute path that is not below /retinal_photography");
    }
    return add_row(manifest, table, columns, path);
}

static Status read_rows(Maker *maker, Table *table, Manifest *manifest) {
    Columns columns;
    TRY(table_column(table, (const char *const[]){"person_id", "participant_id", NULL}, &columns.person));
    TRY(table_column(table, (const char *const[]){"filepath", "filename", NULL}, &columns.path));
    TRY(table_column(table, (const char *const[]){"laterality", NULL}, &columns.laterality));
    for (bool more;;) {
        TRY(table_next(table, &more));
        if (!more)
            return NULL;
        TRY(read_row(maker, table, &columns, manifest));
    }
}

static int in_order(const void *a, const void *b) {
    const ManifestRow *left = a, *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : (left->line > right->line) - (left->line < right->line);
}

static void drop_row(ManifestRow *row) {
    free(row->path);
    free(row->person);
    free(row->laterality);
    *row = (ManifestRow){0};
}

static Status keep_first_rows(Maker *maker, Manifest *manifest) {
    int64_t kept = 0, told = -1;
    Status status = NULL;
    if (manifest->count)
        qsort(manifest->rows, (size_t)manifest->count, sizeof *manifest->rows, in_order);
    for (int64_t i = 0; i < manifest->count; i++) {
        ManifestRow *row = &manifest->rows[i];
        if (kept && strcmp(manifest->rows[kept - 1].path, row->path) == 0) {
            char detail[64];
            snprintf(detail, sizeof detail, "lines %lld and %lld", (long long)manifest->rows[kept - 1].line,
                     (long long)row->line);
            if (!status && told != kept)
                status = findings_add(maker->findings, FINDING_LISTED_TWICE, row->path, "", detail);
            told = kept;
            drop_row(row);
        } else {
            manifest->rows[kept++] = *row;
        }
    }
    manifest->count = kept;
    return status;
}

Status manifest_read(Maker *maker, Manifest *manifest) {
    char *path;
    TRY(files_path(&path, "%s/retinal_photography/manifest.tsv", maker->source->root));
    Table table;
    Status status = table_open(path, &table);
    free(path);
    TRY(status);
    status = read_rows(maker, &table, manifest);
    table_close(&table);
    return status ? status : keep_first_rows(maker, manifest);
}

void manifest_close(Manifest *manifest) {
    for (int64_t i = 0; i < manifest->count; i++)
        drop_row(&manifest->rows[i]);
    free(manifest->rows);
    *manifest = (Manifest){0};
}
