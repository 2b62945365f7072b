/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/folder_labels.h"

#include "base/files.h"
#include "base/list.h"
#include "base/paths.h"
#include "base/table.h"
#include "base/text.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const file_names[] = {"file",     "image",      "image_id", "id_code", "filename", "file_name",
                                         "filepath", "Image name", "path",     "ID",      NULL};

/* What a first pass over a table counts for each column. */
typedef struct {
    int64_t *images; /* cells that name an existing file */
    int64_t *texts;  /* cells that are not numbers */
    int64_t *numbers;
} ColumnCounts;

static Status count_cells(const FolderSet *set, Table *table, ColumnCounts *counts) {
    for (bool more;;) {
        TRY(table_next(table, &more));
        if (!more)
            return NULL;
        for (int i = 0; i < table->column_count; i++) {
            double value;
            const char *cell = table->fields[i];
            counts->images[i] += image_index_has(&set->index, cell);
            bool number = table_number(cell, &value);
            counts->numbers[i] += number;
            counts->texts[i] += !number && cell[strspn(cell, " ")];
        }
    }
}

/* The column with a usual name, if its cells name existing files; else the column that names the most. */
static int find_file_column(const Table *table, const ColumnCounts *counts) {
    for (int n = 0; file_names[n]; n++) {
        int column = table_find(table, (const char *const[]){file_names[n], NULL});
        if (column >= 0 && counts->images[column])
            return column;
    }
    int best = 0;
    for (int i = 1; i < table->column_count; i++)
        best = counts->images[i] > counts->images[best] ? i : best;
    return counts->images[best] ? best : -1;
}

static Status find_person_column(const FolderSet *set, const Table *table, LabelTable *labels) {
    const char *wanted = set->builder.options->person;
    if (wanted)
        return table_column(table, (const char *const[]){wanted, NULL}, &labels->person);
    if (set->known->person_column)
        labels->person = table_find(table, (const char *const[]){set->known->person_column, NULL});
    return NULL;
}

static Status add_label(FolderSet *set, const char *name, int *number) {
    for (*number = 0; *number < set->label_count; (*number)++)
        if (strcmp(set->labels[*number], name) == 0)
            return NULL;
    TRY(list_grow(&set->labels, set->label_count, &set->label_capacity, sizeof *set->labels, "the labels' names"));
    set->labels[set->label_count] = NULL;
    TRY(input_set(&set->labels[set->label_count], name));
    set->label_count++;
    return NULL;
}

static Status assign_columns(FolderSet *set, const Table *table, const ColumnCounts *counts, LabelTable *labels) {
    labels->split = table_find(table, (const char *const[]){"split", NULL});
    labels->eye = table_find(table, (const char *const[]){"eye", "laterality", NULL});
    labels->device = table_find(table, (const char *const[]){"device", "camera", NULL});
    labels->person = -1;
    TRY(find_person_column(set, table, labels));
    labels->file = find_file_column(table, counts);
    labels->by_person = labels->file < 0 && labels->person >= 0 && set->known->person != PERSON_OF_NAME;
    if (labels->file < 0 && !labels->by_person) /* perhaps none of its files exist: then each row reports it */
        TRY(table_column(table, file_names, &labels->file));
    labels->labels = malloc((size_t)table->column_count * sizeof *labels->labels);
    if (!labels->labels)
        return status_no_memory("columns", 0);
    set->has_splits |= labels->split >= 0;
    for (int i = 0; i < table->column_count; i++) {
        labels->labels[i] = -1;
        if (i == labels->file || i == labels->person || i == labels->split || i == labels->eye || i == labels->device)
            continue;
        if (counts->numbers[i] && !counts->texts[i] && *table->columns[i])
            TRY(add_label(set, table->columns[i], &labels->labels[i]));
        else if (counts->texts[i])
            fprintf(set->builder.notes.out, "%s: column %s holds texts and is no label.\n", path_name(table->path),
                    table->columns[i]);
    }
    return NULL;
}

static Status read_columns(FolderSet *set, LabelTable *labels) {
    Table table;
    TRY(table_open(labels->path, &table));
    size_t columns = (size_t)table.column_count;
    int64_t *cells = calloc(3 * columns, sizeof *cells);
    ColumnCounts counts = {cells, cells + columns, cells + 2 * columns};
    Status status = cells ? count_cells(set, &table, &counts) : status_no_memory("counts", 3 * columns);
    if (!status)
        status = assign_columns(set, &table, &counts, labels);
    free(cells);
    table_close(&table);
    return status;
}

/* Takes ownership of `path`. */
static Status add_table(FolderSet *set, char *path, const KnownTable *known) {
    LabelTable *labels = &set->tables[set->table_count++];
    *labels = (LabelTable){.path = path, .known = known};
    set->has_splits |= known && known->split != PACK_SPLIT_NONE;
    return read_columns(set, labels);
}

/* The table of --labels, as given or below the root. */
static Status add_given_table(FolderSet *set, const char *name) {
    char *path;
    TRY(files_path(&path, "%s", name));
    if (files_exists(path))
        return add_table(set, path, NULL);
    free(path);
    TRY(files_path(&path, "%s/%s", set->builder.source->root, name));
    if (files_exists(path))
        return add_table(set, path, NULL);
    free(path);
    return status_error(EXIT_DATA, "%s: no such table, here or below %s", name, set->builder.source->root);
}

static bool is_csv_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcasecmp(dot, ".csv") == 0;
}

static Status add_known_table(FolderSet *set, const KnownTable *known, const TreeFile *tables, int64_t count) {
    const char *found = NULL;
    for (int64_t i = 0; i < count; i++) {
        if (strcasecmp(path_name(tables[i].path), known->name) != 0)
            continue;
        if (found)
            return status_error(EXIT_DATA, "%s contains both %s and %s; choose one with --labels",
                                set->builder.source->root, found, tables[i].path);
        found = tables[i].path;
    }
    if (found) {
        char *path;
        TRY(files_path(&path, "%s/%s", set->builder.source->root, found));
        return add_table(set, path, known);
    }
    fprintf(set->builder.notes.out, "%s is not there: nothing is known of its images.\n", known->name);
    return NULL;
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

Status folder_labels_find(FolderSet *set) {
    const SourceOptions *options = set->builder.options;
    if (options->labels)
        return add_given_table(set, options->labels);
    if (options->person)
        return status_error(EXIT_USAGE,
                            "a person column is given (%s), but no table that contains it: add --labels FILE",
                            options->person);
    return set->known->tables[0].name ? add_known_tables(set) : NULL;
}

/* --- Rows ----------------------------------------------------------------------------------------------------------*/

static Status set_labels(const Table *table, const LabelTable *labels, StageInput *input) {
    for (int i = 0; i < table->column_count; i++) {
        double value;
        if (labels->labels[i] >= 0 && table_number(table->fields[i], &value))
            input->labels[labels->labels[i]] = (float)value;
    }
    return NULL;
}

static Status set_from_row(const Table *table, const LabelTable *labels, StageInput *input) {
    if (labels->known && labels->known->split != PACK_SPLIT_NONE)
        input->split = labels->known->split;
    if (labels->split >= 0 && !input_split(table->fields[labels->split], &input->split))
        return table_error(table, "unknown split \"%s\": use train, val or test", table->fields[labels->split]);
    if (labels->eye >= 0)
        input->eye = input_eye(table->fields[labels->eye]);
    if (labels->device >= 0)
        TRY(input_set(&input->device, table->fields[labels->device]));
    if (labels->person >= 0 && !labels->by_person) {
        if (!*table->fields[labels->person])
            return table_error(table, "the person is missing in column %s", table->columns[labels->person]);
        TRY(input_set(&input->person, table->fields[labels->person]));
    }
    return set_labels(table, labels, input);
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(a, b);
}

/* Enters a finding about the current row. */
static Status report_row(FolderSet *set, const Table *table, FindingKind kind, const char *path, const char *what) {
    char *detail;
    Status status = text_format(&detail, "%s:%lld%s", path_name(table->path), (long long)table->line, what);
    if (!status)
        status = findings_add(set->builder.findings, kind, path, "", detail);
    free(detail);
    return status;
}

/* The first row counts, but two rows that put one file in different splits are refused. */
static Status report_second_row(FolderSet *set, const Table *table, const LabelTable *labels, const StageInput *input) {
    PackSplit split = input->split;
    if (labels->split >= 0 && !set->builder.options->splits && input_split(table->fields[labels->split], &split) &&
        split != input->split && !input->exclude_reason)
        return report_row(set, table, FINDING_PERSON_SPLIT, input->person,
                          ": a second row puts a photograph in another split");
    return report_row(set, table, FINDING_LISTED_TWICE, input->path, "");
}

static Status check_laterality(FolderSet *set, const Table *table, const LabelTable *labels, const StageInput *input) {
    if (labels->eye < 0 || input->eye != PACK_EYE_UNKNOWN || input_is_rejected(input))
        return NULL;
    return report_row(set, table, FINDING_LATERALITY, input->path, ": neither R nor L");
}

/* Takes ownership of `path`, the row's in normal form. The file may exist all the same, without an image's extension.
 */
static Status add_missing(FolderSet *set, const Table *table, const LabelTable *labels, char *path) {
    void *node = tsearch(path, &set->missing, compare_paths);
    if (!node || *(char **)node != path) {
        Status status = node ? report_row(set, table, FINDING_LISTED_TWICE, path, "")
                             : status_no_memory("a list of paths", strlen(path));
        free(path);
        return status;
    }
    StageInput *input;
    TRY(folder_set_add(set, path, &input));
    TRY(set_from_row(table, labels, input));
    TRY(builder_check_file(&set->builder, input));
    return check_laterality(set, table, labels, input);
}

static Status apply_row_without_file(FolderSet *set, const Table *table, const LabelTable *labels) {
    const char *text = table->fields[labels->file];
    if (!*text)
        return table_error(table, "the file is missing in column %s", table->columns[labels->file]);
    char *path;
    TRY(path_normal(text, &path));
    if (path)
        return add_missing(set, table, labels, path);
    return builder_excludes(&set->builder, text)
               ? NULL
               : report_row(set, table, FINDING_OUTSIDE, text, ": leads above the root");
}

static Status apply_row_to_file(FolderSet *set, const Table *table, const LabelTable *labels, int64_t file) {
    StageInput *input = &set->builder.source->inputs[file];
    if (set->listed[file])
        return report_second_row(set, table, labels, input);
    set->listed[file] = true;
    TRY(set_from_row(table, labels, input));
    return check_laterality(set, table, labels, input);
}

static Status apply_row(FolderSet *set, const Table *table, const LabelTable *labels) {
    int64_t file, other;
    const char *text = table->fields[labels->file], *folder = labels->known ? labels->known->folder : NULL;
    TRY(image_index_find(&set->index, text, folder, &file, &other));
    if (other >= 0)
        return table_error(table, "\"%s\" may mean %s or %s; write its path below the root", text,
                           set->files[file].path, set->files[other].path);
    return file < 0 ? apply_row_without_file(set, table, labels) : apply_row_to_file(set, table, labels, file);
}

/* "#002", "002" and "2" name the same person. */
static bool is_same_person(const char *a, const char *b) {
    a += strspn(a, "#0 ");
    b += strspn(b, "#0 ");
    return strcmp(a, b) == 0;
}

static Status apply_row_to_person(FolderSet *set, const Table *table, const LabelTable *labels) {
    const char *person = table->fields[labels->person];
    PackEye eye = labels->known ? labels->known->eye : PACK_EYE_UNKNOWN;
    bool found = false;
    for (int64_t i = 0; i < set->file_count; i++) {
        StageInput *input = &set->builder.source->inputs[i];
        if ((eye != PACK_EYE_UNKNOWN && input->eye != eye) || !is_same_person(person, input->person))
            continue;
        found = true;
        TRY(apply_row_to_file(set, table, labels, i));
    }
    if (!found)
        fprintf(set->builder.notes.out, "%s:%lld: no image of person %s.\n", path_name(table->path),
                (long long)table->line, person);
    return NULL;
}

static Status apply_table(FolderSet *set, const LabelTable *labels) {
    Table table;
    TRY(table_open(labels->path, &table));
    Status status = NULL;
    for (bool more = true; !status && !(status = table_next(&table, &more)) && more;)
        status = labels->by_person ? apply_row_to_person(set, &table, labels) : apply_row(set, &table, labels);
    table_close(&table);
    return status;
}

Status folder_labels_apply(FolderSet *set) {
    for (int i = 0; i < set->table_count; i++)
        TRY(apply_table(set, &set->tables[i]));
    for (int64_t i = 0; set->table_count && i < set->file_count; i++)
        if (!set->listed[i])
            TRY(builder_reject(&set->builder, &set->builder.source->inputs[i], FINDING_UNLISTED,
                               "in no row of the labels"));
    return NULL;
}

void folder_labels_close(FolderSet *set) {
    for (int i = 0; i < set->table_count; i++) {
        free(set->tables[i].path);
        free(set->tables[i].labels);
    }
    for (int i = 0; i < set->label_count; i++)
        free(set->labels[i]);
    free(set->labels);
    if (set->missing)
        tdestroy(set->missing, free);
}
