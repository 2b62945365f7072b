/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/label_tables.h"

#include "base/files.h"
#include "base/list.h"
#include "base/paths.h"
#include "stage/source/folder/label_columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Takes ownership of `path`. */
static Status add_table(FolderSet *set, char *path, const KnownTable *known) {
    Status status =
        list_grow(&set->tables, set->table_count, &set->table_capacity, sizeof *set->tables, "the tables of labels");
    if (status) {
        free(path);
        return status;
    }
    LabelTable *labels = &set->tables[set->table_count++];
    *labels = (LabelTable){.path = path, .known = known};
    set->has_splits |= known && known->split != PACK_SPLIT_NONE;
    return label_columns_read(set, labels);
}

/* The rules of a known table hold for it under --labels, too. */
static const KnownTable *known_table_of(const FolderSet *set, const char *path) {
    for (int i = 0; i < KNOWN_TABLES && set->known->tables[i].name; i++)
        if (known_table_is(&set->known->tables[i], path_name(path)))
            return &set->known->tables[i];
    return NULL;
}

/* The table of --labels, as given or below the root. */
static Status add_given_table(FolderSet *set, const char *name) {
    char *path;
    TRY(files_path(&path, "%s", name));
    if (files_exists(path))
        return add_table(set, path, known_table_of(set, path));
    free(path);
    TRY(files_path(&path, "%s/%s", set->builder.source->root, name));
    if (files_exists(path))
        return add_table(set, path, known_table_of(set, path));
    free(path);
    return status_error(EXIT_DATA, "%s: no such table, here or below %s", name, set->builder.source->root);
}

static bool is_csv_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcasecmp(dot, ".csv") == 0;
}

/* Adds the tables of one name; more than one only where the name is a pattern. */
static Status add_known_table(FolderSet *set, const KnownTable *known, const TreeFile *tables, int64_t count) {
    const char *found = NULL;
    for (int64_t i = 0; i < count; i++) {
        if (!known_table_is(known, path_name(tables[i].path)))
            continue;
        if (found && !strchr(known->name, '*'))
            return status_error(EXIT_DATA, "%s contains both %s and %s; choose one with --labels",
                                set->builder.source->root, found, tables[i].path);
        found = tables[i].path;
        char *path;
        TRY(files_path(&path, "%s/%s", set->builder.source->root, found));
        TRY(add_table(set, path, known));
    }
    return found ? NULL
                 : source_warn(set->builder.source, "%s%s%s is not there: nothing is known of its images", known->name,
                               known->other ? " or " : "", known->other ? known->other : "");
}

static Status add_known_tables(FolderSet *set) {
    TreeFile *tables;
    int64_t count;
    TRY(file_tree_list(set->builder.source->root, is_csv_name, &tables, &count));
    Status status = NULL;
    for (int i = 0; i < KNOWN_TABLES && !status && set->known->tables[i].name; i++)
        status = add_known_table(set, &set->known->tables[i], tables, count);
    file_tree_free(tables, count);
    TRY(status);
    if (set->table_count || !set->known->spreadsheet)
        return NULL;
    return status_error(EXIT_DATA, "%s/%s: %s", set->builder.source->root, set->known->spreadsheet, set->known->advice);
}

static Status add_tables(FolderSet *set) {
    const SourceOptions *options = set->builder.options;
    if (options->labels)
        return add_given_table(set, options->labels);
    if (options->person)
        return status_error(EXIT_USAGE,
                            "a person column is given (%s), but no table that contains it: add --labels FILE",
                            options->person);
    return set->known->tables[0].name ? add_known_tables(set) : NULL;
}

Status label_tables_find(FolderSet *set) {
    int number;
    TRY(add_tables(set));
    if (set->table_count && set->known->label)
        TRY(folder_set_label(set, set->known->label, &number));
    return set->table_count && !set->label_count
               ? source_warn(set->builder.source, "no column of the tables is a label; the summary says why")
               : NULL;
}

void label_tables_close(FolderSet *set) {
    for (int i = 0; i < set->table_count; i++) {
        free(set->tables[i].path);
        free(set->tables[i].labels);
    }
    free(set->tables);
    for (int i = 0; i < set->label_count; i++)
        free(set->labels[i]);
    free(set->labels);
    free(set->person_hint);
}
