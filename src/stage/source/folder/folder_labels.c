/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/folder_labels.h"

#include "base/list.h"
#include "base/paths.h"
#include "base/table.h"
#include "base/text.h"
#include "stage/source/folder/label_cells.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A cell as a text: "" for what means unknown, so that no person is called NA. */
static const char *text_cell(const Table *table, int column) {
    return cell_is_unknown(table->fields[column]) ? "" : table->fields[column];
}

static Status set_labels(const Table *table, const LabelTable *labels, StageInput *input) {
    for (int i = 0; i < table->column_count; i++) {
        double value;
        const CellKind kind = labels->labels[i] < 0 ? CELL_UNKNOWN : cell_read(table->fields[i], &value);
        if (kind == CELL_AMBIGUOUS)
            return table_error(table,
                               "\"%s\" in column %s: is the comma a decimal one, or does it part thousands? write a "
                               "decimal point, or no comma",
                               table->fields[i], table->columns[i]);
        if (kind == CELL_NUMBER || kind == CELL_BOOLEAN)
            input->labels[labels->labels[i]] = (float)value;
    }
    return NULL;
}

/* Both images of a row with a column for each eye are of one person: the name of the first one, unless told. */
static Status set_person(const Table *table, const LabelTable *labels, StageInput *input) {
    if (labels->person >= 0 && !labels->by_person) {
        const char *person = text_cell(table, labels->person);
        return *person ? input_set(&input->person, person)
                       : table_error(table, "the person is missing in column %s", table->columns[labels->person]);
    }
    if (!labels->row_is_person)
        return NULL;
    const char *first = text_cell(table, labels->files[0]);
    return input_set(&input->person, *first ? first : text_cell(table, labels->files[1]));
}

static PackEye eye_cell(const Table *table, const LabelTable *labels) {
    const char *text = table->fields[labels->eye];
    if (!labels->eyes_are_numbers)
        return input_eye(text);
    return strcmp(text, "1") == 0 ? PACK_EYE_RIGHT : strcmp(text, "2") == 0 ? PACK_EYE_LEFT : PACK_EYE_UNKNOWN;
}

static Status set_from_row(const Table *table, const LabelTable *labels, PackEye eye, StageInput *input) {
    if (labels->known && labels->known->split != PACK_SPLIT_NONE)
        input->split = labels->known->split;
    if (labels->split >= 0 && !input_split(text_cell(table, labels->split), &input->split))
        return table_error(table, "unknown split \"%s\": use train, val or test", table->fields[labels->split]);
    if (eye != PACK_EYE_UNKNOWN)
        input->eye = eye;
    if (labels->eye >= 0 && *text_cell(table, labels->eye))
        input->eye = eye_cell(table, labels);
    if (labels->device >= 0)
        TRY(input_set(&input->device, text_cell(table, labels->device)));
    TRY(set_person(table, labels, input));
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
    if (labels->split >= 0 && !set->builder.options->splits && input_split(text_cell(table, labels->split), &split) &&
        split != input->split && !input->exclude_reason)
        return report_row(set, table, FINDING_PERSON_SPLIT, input->person,
                          ": a second row puts a photograph in another split");
    return report_row(set, table, FINDING_LISTED_TWICE, input->path, "");
}

static Status check_laterality(FolderSet *set, const Table *table, const LabelTable *labels, const StageInput *input) {
    if (labels->eye < 0 || !*text_cell(table, labels->eye) || input->eye != PACK_EYE_UNKNOWN ||
        input_is_rejected(input))
        return NULL;
    return report_row(set, table, FINDING_LATERALITY, input->path, ": neither R nor L");
}

/* Takes ownership of `path`, the row's in normal form. The file may exist all the same, without an image's extension.
 */
static Status add_missing(FolderSet *set, const Table *table, const LabelTable *labels, int column, char *path) {
    void *node = tsearch(path, &set->missing, compare_paths);
    if (!node || *(char **)node != path) {
        Status status = node ? report_row(set, table, FINDING_LISTED_TWICE, path, "")
                             : status_no_memory("a list of paths", strlen(path));
        free(path);
        return status;
    }
    StageInput *input;
    TRY(folder_set_add(set, path, &input));
    TRY(set_from_row(table, labels, labels->file_eyes[column], input));
    TRY(builder_check_file(&set->builder, input));
    return check_laterality(set, table, labels, input);
}

static Status apply_row_without_file(FolderSet *set, const Table *table, const LabelTable *labels, int column) {
    const char *text = text_cell(table, labels->files[column]);
    if (!*text && labels->file_count > 1) /* one eye was not photographed */
        return NULL;
    if (!*text)
        return table_error(table, "the file is missing in column %s", table->columns[labels->files[column]]);
    char *path;
    TRY(path_normal(text, &path));
    if (path)
        return add_missing(set, table, labels, column, path);
    return builder_excludes(&set->builder, text)
               ? NULL
               : report_row(set, table, FINDING_OUTSIDE, text, ": leads above the root");
}

static Status apply_row_to_file(FolderSet *set, const Table *table, const LabelTable *labels, PackEye eye,
                                int64_t file) {
    StageInput *input = &set->builder.source->inputs[file];
    if (set->listed[file])
        return report_second_row(set, table, labels, input);
    set->listed[file] = true;
    TRY(set_from_row(table, labels, eye, input));
    if (set->folders[file].split != PACK_SPLIT_NONE && set->folders[file].split != input->split)
        set->moved_path = set->moved++ ? set->moved_path : set->files[file].path;
    return check_laterality(set, table, labels, input);
}

/* Spreadsheets leave rows of separators behind. */
static bool is_empty_row(const Table *table) {
    for (int i = 0; i < table->column_count; i++)
        if (*table->fields[i])
            return false;
    return true;
}

static Status apply_row(FolderSet *set, const Table *table, const LabelTable *labels) {
    if (is_empty_row(table))
        return NULL;
    for (int column = 0; column < labels->file_count; column++) {
        int64_t file, other;
        const char *text = table->fields[labels->files[column]], *folder = labels->known ? labels->known->folder : NULL;
        TRY(image_index_find(&set->index, text, folder, &file, &other));
        if (other >= 0)
            return table_error(table, "\"%s\" may mean %s or %s; write its path below the root", text,
                               set->files[file].path, set->files[other].path);
        TRY(file < 0 ? apply_row_without_file(set, table, labels, column)
                     : apply_row_to_file(set, table, labels, labels->file_eyes[column], file));
    }
    return NULL;
}

/* --- Rows of people ------------------------------------------------------------------------------------------------*/

typedef struct {
    const char *person; /* bare */
    int64_t file;
} PersonFile;

/* "#002", "002" and "2" name the same person. */
static const char *bare_person(const char *person) {
    return person + strspn(person, "#0 ");
}

static int compare_person_files(const void *a, const void *b) {
    const PersonFile *left = a, *right = b;
    const int order = strcmp(left->person, right->person);
    return order ? order : (left->file > right->file) - (left->file < right->file);
}

static int compare_person(const void *file, const void *person) {
    return strcmp(((const PersonFile *)file)->person, person);
}

static Status apply_row_to_person(FolderSet *set, const Table *table, const LabelTable *labels, const PersonFile *files,
                                  int64_t *strangers) {
    if (is_empty_row(table))
        return NULL;
    const char *person = bare_person(text_cell(table, labels->person));
    const PackEye eye = labels->known ? labels->known->eye : PACK_EYE_UNKNOWN;
    bool found = false;
    for (int64_t i = list_place(files, set->file_count, sizeof *files, compare_person, person);
         *person && i < set->file_count && strcmp(files[i].person, person) == 0; i++) {
        const StageInput *input = &set->builder.source->inputs[files[i].file];
        if (eye != PACK_EYE_UNKNOWN && input->eye != eye)
            continue;
        found = true;
        TRY(apply_row_to_file(set, table, labels, PACK_EYE_UNKNOWN, files[i].file));
    }
    *strangers += !found;
    return NULL;
}

static Status apply_people(FolderSet *set, Table *table, const LabelTable *labels) {
    const StageInput *inputs = set->builder.source->inputs;
    const size_t count = (size_t)set->file_count;
    PersonFile *files = malloc((count + 1) * sizeof *files);
    char **people = calloc(count + 1, sizeof *people); /* rows change the inputs' people */
    int64_t strangers = 0;
    Status status = files && people ? NULL : status_no_memory("the people of the images", count * sizeof *files);
    for (size_t i = 0; i < count && !status; i++) {
        status = input_set(&people[i], inputs[i].person);
        files[i] = (PersonFile){people[i] ? bare_person(people[i]) : "", (int64_t)i};
    }
    if (!status)
        qsort(files, count, sizeof *files, compare_person_files);
    for (bool more = true; !status && !(status = table_next(table, &more)) && more;)
        status = apply_row_to_person(set, table, labels, files, &strangers);
    for (size_t i = 0; people && i < count; i++)
        free(people[i]);
    free(people);
    free(files);
    if (status || !strangers)
        return status;
    return source_warn(set->builder.source, "%s: %lld row%s of people without an image", path_name(table->path),
                       (long long)strangers, strangers == 1 ? " is" : "s are");
}

static Status apply_table(FolderSet *set, const LabelTable *labels) {
    Table table;
    TRY(table_open(labels->path, &table));
    Status status = labels->by_person ? apply_people(set, &table, labels) : NULL;
    for (bool more = !labels->by_person; !status && more && !(status = table_next(&table, &more)) && more;)
        status = apply_row(set, &table, labels);
    table_close(&table);
    return status;
}

/* Images whose folder tells the label of a known set need no row. */
static Status apply_folders(FolderSet *set) {
    int number;
    TRY(folder_set_label(set, set->known->label, &number));
    for (int64_t i = 0; i < set->file_count; i++)
        for (int k = 0; k < KNOWN_NAMES && !set->listed[i]; k++) {
            size_t at, length;
            const KnownFolder *folder = &set->known->folders[k];
            const char *path = set->files[i].path;
            const int parts = path_parts(path);
            if (!folder->folder || parts < 2 || !path_part(path, parts - 2, &at, &length) ||
                strlen(folder->folder) != length || strncasecmp(path + at, folder->folder, length) != 0)
                continue;
            set->builder.source->inputs[i].labels[number] = folder->value;
            set->listed[i] = true;
        }
    return NULL;
}

Status folder_labels_apply(FolderSet *set) {
    for (int i = 0; i < set->table_count; i++)
        TRY(apply_table(set, &set->tables[i]));
    if (set->table_count && set->known->label)
        TRY(apply_folders(set));
    for (int64_t i = 0; set->table_count && i < set->file_count; i++)
        if (!set->listed[i])
            TRY(builder_reject(&set->builder, &set->builder.source->inputs[i], FINDING_UNLISTED,
                               "in no row of the labels"));
    if (!set->moved)
        return NULL;
    return source_warn(set->builder.source,
                       "%lld image%s in a folder of another split than the table says, such as %s: the table counts",
                       (long long)set->moved, set->moved == 1 ? " is" : "s are", set->moved_path);
}
