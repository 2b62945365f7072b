/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/aireadi/manifest.h"

#include "base/files.h"
#include "base/list.h"
#include "base/paths.h"
#include "base/table.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int person, path, laterality;
} ManifestColumns;

static const char photography[] = "retinal_photography/";

static Status add_row(Manifest *manifest, const Table *table, const ManifestColumns *columns, char *path /* taken */) {
    Status status =
        list_grow(&manifest->rows, manifest->count, &manifest->capacity, sizeof *manifest->rows, "the manifest");
    if (status) {
        free(path);
        return status;
    }
    ManifestRow *row = &manifest->rows[manifest->count++];
    *row = (ManifestRow){.path = path, .line = table->line};
    TRY(input_set(&row->person, table->fields[columns->person]));
    return input_set(&row->laterality, table->fields[columns->laterality]);
}

static Status refuse_outside(SourceBuilder *builder, const Table *table, const char *text, const char *why) {
    if (builder_excludes(builder, text + strspn(text, "/")))
        return NULL;
    char *detail;
    Status status = text_format(&detail, "%s:%lld: %s", path_name(table->path), (long long)table->line, why);
    if (!status)
        status = findings_add(builder->findings, FINDING_OUTSIDE, text, "", detail);
    free(detail);
    return status;
}

/* The release writes paths from the root with a leading slash; other absolute paths lead elsewhere. */
static Status read_row(SourceBuilder *builder, const Table *table, const ManifestColumns *columns, Manifest *manifest) {
    const char *text = table->fields[columns->path];
    if (!*text)
        return table_error(table, "the path is missing");
    char *path;
    TRY(path_normal(text, &path));
    if (!path)
        return refuse_outside(builder, table, text, "leads above the root");
    if (*text == '/' && strncmp(path, photography, sizeof photography - 1) != 0) {
        free(path);
        return refuse_outside(builder, table, text, "an absolute path that is not below /retinal_photography");
    }
    return add_row(manifest, table, columns, path);
}

static Status read_rows(SourceBuilder *builder, Table *table, Manifest *manifest) {
    ManifestColumns columns;
    TRY(table_column(table, (const char *const[]){"person_id", "participant_id", NULL}, &columns.person));
    TRY(table_column(table, (const char *const[]){"filepath", "filename", NULL}, &columns.path));
    TRY(table_column(table, (const char *const[]){"laterality", NULL}, &columns.laterality));
    for (bool more;;) {
        TRY(table_next(table, &more));
        if (!more)
            return NULL;
        TRY(read_row(builder, table, &columns, manifest));
    }
}

static int compare_rows(const void *a, const void *b) {
    const ManifestRow *left = a, *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : (left->line > right->line) - (left->line < right->line);
}

static void free_row(ManifestRow *row) {
    free(row->path);
    free(row->person);
    free(row->laterality);
    *row = (ManifestRow){0};
}

static Status keep_first_rows(SourceBuilder *builder, Manifest *manifest) {
    int64_t kept = 0, reported = -1;
    Status status = NULL;
    if (manifest->count)
        qsort(manifest->rows, (size_t)manifest->count, sizeof *manifest->rows, compare_rows);
    for (int64_t i = 0; i < manifest->count; i++) {
        ManifestRow *row = &manifest->rows[i];
        if (kept && strcmp(manifest->rows[kept - 1].path, row->path) == 0) {
            char detail[64];
            snprintf(detail, sizeof detail, "lines %lld and %lld", (long long)manifest->rows[kept - 1].line,
                     (long long)row->line);
            if (!status && reported != kept)
                status = findings_add(builder->findings, FINDING_LISTED_TWICE, row->path, "", detail);
            reported = kept;
            free_row(row);
        } else {
            manifest->rows[kept++] = *row;
        }
    }
    manifest->count = kept;
    return status;
}

Status manifest_read(SourceBuilder *builder, Manifest *manifest) {
    char *path;
    TRY(files_path(&path, "%s/retinal_photography/manifest.tsv", builder->source->root));
    Table table;
    Status status = table_open(path, &table);
    free(path);
    TRY(status);
    status = read_rows(builder, &table, manifest);
    table_close(&table);
    return status ? status : keep_first_rows(builder, manifest);
}

void manifest_close(Manifest *manifest) {
    for (int64_t i = 0; i < manifest->count; i++)
        free_row(&manifest->rows[i]);
    free(manifest->rows);
    *manifest = (Manifest){0};
}
