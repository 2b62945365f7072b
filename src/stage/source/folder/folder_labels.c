/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of labels beside a folder of images: which columns they have, and whose rows they are. */
#include "base/files.h"
#include "base/paths.h"
#include "base/table.h"
#include "stage/source/folder/folder_set.h"

#include <ctype.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const file_names[] = {"file",     "image",      "image_id", "id_code", "filename", "file_name",
                                         "filepath", "Image name", "path",     "ID",      NULL};

/* What a first reading of a table counts, by column. */
typedef struct {
    int64_t *images; /* cells that name a file which is there */
    int64_t *texts;  /* cells that are no number */
    int64_t *numbers;
} Counts;

static Status count_cells(const FolderSet *set, Table *table, Counts *counts) {
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

/* The column with a usual name, if its cells are files that are there; else the one with most of them. */
static int file_column(const Table *table, const Counts *counts) {
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

static Status find_person(const FolderSet *set, const Table *table, LabelTable *labels) {
    const char *wanted = set->maker.options->person;
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
    char **grown = realloc(set->labels, ((size_t)set->label_count + 1) * sizeof *grown);
    if (!grown)
        return status_no_memory("the labels' names", 0);
    set->labels = grown;
    set->labels[set->label_count] = NULL;
    TRY(input_set(&set->labels[set->label_count], name));
    set->label_count++;
    return NULL;
}

static Status decide(FolderSet *set, const Table *table, const Counts *counts, LabelTable *labels) {
    labels->split = table_find(table, (const char *const[]){"split", NULL});
    labels->eye = table_find(table, (const char *const[]){"eye", "laterality", NULL});
    labels->device = table_find(table, (const char *const[]){"device", "camera", NULL});
    labels->person = -1;
    TRY(find_person(set, table, labels));
    labels->file = file_column(table, counts);
    labels->by_person = labels->file < 0 && labels->person >= 0 && set->known->person != PERSON_OF_NAME;
    if (labels->file < 0 && !labels->by_person) /* perhaps not one of its files is there: then each row says so */
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
            fprintf(set->maker.notes, "%s: column %s holds texts and is no label.\n", path_name(table->path),
                    table->columns[i]);
    }
    return NULL;
}

static Status survey(FolderSet *set, LabelTable *labels) {
    Table table;
    TRY(table_open(labels->path, &table));
    size_t columns = (size_t)table.column_count;
    int64_t *cells = calloc(3 * columns, sizeof *cells);
    Counts counts = {cells, cells + columns, cells + 2 * columns};
    Status status = cells ? count_cells(set, &table, &counts) : status_no_memory("counts", 3 * columns);
    if (!status)
        status = decide(set, &table, &counts, labels);
    free(cells);
    table_close(&table);
    return status;
}

/* Takes `path`. */
static Status add_table(FolderSet *set, char *path, const KnownTable *known) {
    LabelTable *labels = &set->tables[set->table_count++];
    *labels = (LabelTable){.path = path, .known = known};
    set->has_splits |= known && known->split != PACK_SPLIT_NONE;
    return survey(set, labels);
}

/* As given, or below the root. */
static Status add_given(FolderSet *set, const char *name) {
    char *path;
    TRY(files_path(&path, "%s", name));
    if (files_exists(path))
        return add_table(set, path, NULL);
    free(path);
    TRY(files_path(&path, "%s/%s", set->maker.source->root, name));
    if (files_exists(path))
        return add_table(set, path, NULL);
    free(path);
    return status_error(EXIT_DATA, "%s: no such table, neither here nor below %s", name, set->maker.source->root);
}

static bool is_csv_name(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && strcasecmp(dot, ".csv") == 0;
}

static Status add_known(FolderSet *set, const KnownTable *known, const TreeFile *tables, int64_t count) {
    const char *found = NULL;
    for (int64_t i = 0; i < count; i++) {
        if (strcasecmp(path_name(tables[i].path), known->name) != 0)
            continue;
        if (found)
            return status_error(EXIT_DATA, "%s holds both %s and %s; name one with --labels", set->maker.source->root,
                                found, tables[i].path);
        found = tables[i].path;
    }
    if (found) {
        char *path;
        TRY(files_path(&path, "%s/%s", set->maker.source->root, found));
        return add_table(set, path, known);
    }
    fprintf(set->maker.notes, "%s is not there: nothing is known of its images.\n", known->name);
    return NULL;
}

static Status add_all_known(FolderSet *set) {
    TreeFile *tables;
    int64_t count;
    TRY(file_tree_list(set->maker.source->root, is_csv_name, &tables, &count));
    Status status = NULL;
    for (int i = 0; i < KNOWN_TABLES && !status && set->known->tables[i].name; i++)
        status = add_known(set, &set->known->tables[i], tables, count);
    file_tree_free(tables, count);
    TRY(status);
    if (set->table_count || !set->known->spreadsheet)
        return NULL;
    return status_error(EXIT_DATA, "%s/%s: %s", set->maker.source->root, set->known->spreadsheet, set->known->advice);
}

Status folder_labels_find(FolderSet *set) {
    const SourceOptions *options = set->maker.options;
    if (options->labels)
        return add_given(set, options->labels);
    if (options->person)
        return status_error(EXIT_USAGE, "a person column is given (%s), but no table that has it: add --labels FILE",
                            options->person);
    return set->known->tables[0].name ? add_all_known(set) : NULL;
}

/* --- Rows ----------------------------------------------------------------------------------------------------------*/

static Status fill_labels(const Table *table, const LabelTable *labels, StageInput *input) {
    for (int i = 0; i < table->column_count; i++) {
        double value;
        if (labels->labels[i] >= 0 && table_number(table->fields[i], &value))
            input->labels[labels->labels[i]] = (float)value;
    }
    return NULL;
}

static Status fill_input(const Table *table, const LabelTable *labels, StageInput *input) {
    if (labels->known && labels->known->split != PACK_SPLIT_NONE)
        input->split = labels->known->split;
    if (labels->split >= 0 && !input_split(table->fields[labels->split], &input->split))
        return table_error(table, "\"%s\" is no split: train, val or test", table->fields[labels->split]);
    if (labels->eye >= 0)
        input->eye = input_eye(table->fields[labels->eye]);
    if (labels->device >= 0)
        TRY(input_set(&input->device, table->fields[labels->device]));
    if (labels->person >= 0 && !labels->by_person) {
        if (!*table->fields[labels->person])
            return table_error(table, "no person in column %s", table->columns[labels->person]);
        TRY(input_set(&input->person, table->fields[labels->person]));
    }
    return fill_labels(table, labels, input);
}

static int by_text(const void *a, const void *b) {
    return strcmp(a, b);
}

/* A finding on the current row. */
static Status tell(FolderSet *set, const Table *table, FindingKind kind, const char *path, const char *what) {
    char *detail;
    Status status = files_path(&detail, "%s:%lld%s", path_name(table->path), (long long)table->line, what);
    if (!status)
        status = findings_add(set->maker.findings, kind, path, "", detail);
    free(detail);
    return status;
}

/* The first row counts, but two that put one file in different splits are not to be chosen from. */
static Status told_twice(FolderSet *set, const Table *table, const LabelTable *labels, const StageInput *input) {
    PackSplit split = input->split;
    if (labels->split >= 0 && !set->maker.options->splits && input_split(table->fields[labels->split], &split) &&
        split != input->split && !input->excluded)
        return tell(set, table, FINDING_PERSON_SPLIT, input->person,
                    ": a second row puts a photograph in another split");
    return tell(set, table, FINDING_LISTED_TWICE, input->path, "");
}

static Status tell_laterality(FolderSet *set, const Table *table, const LabelTable *labels, const StageInput *input) {
    if (labels->eye < 0 || input->eye != PACK_EYE_UNKNOWN || maker_settled(input))
        return NULL;
    return tell(set, table, FINDING_LATERALITY, input->path, ": neither R nor L");
}

/* Takes `path`, the row's in normal form. It may be there all the same, and be no image by its name. */
static Status add_unknown(FolderSet *set, const Table *table, const LabelTable *labels, char *path) {
    void *node = tsearch(path, &set->missing, by_text);
    if (!node || *(char **)node != path) {
        Status status =
            node ? tell(set, table, FINDING_LISTED_TWICE, path, "") : status_no_memory("a list of paths", strlen(path));
        free(path);
        return status;
    }
    StageInput *input;
    char *person = NULL;
    TRY(maker_add(&set->maker, path, &input));
    TRY(folder_person(set, path, &person));
    free(input->person);
    input->person = person;
    TRY(input_set(&input->modality, "cfp"));
    input->is_dicom = input_is_dicom(path);
    TRY(fill_input(table, labels, input));
    TRY(maker_look(&set->maker, input));
    return tell_laterality(set, table, labels, input);
}

static Status take_unknown(FolderSet *set, const Table *table, const LabelTable *labels) {
    const char *text = table->fields[labels->file];
    if (!*text)
        return table_error(table, "no file in column %s", table->columns[labels->file]);
    char *path;
    TRY(path_normal(text, &path));
    if (path)
        return add_unknown(set, table, labels, path);
    return maker_excludes(&set->maker, text) ? NULL : tell(set, table, FINDING_OUTSIDE, text, ": leads above the root");
}

static Status take_file(FolderSet *set, const Table *table, const LabelTable *labels, int64_t file) {
    StageInput *input = &set->maker.source->inputs[file];
    if (set->listed[file])
        return told_twice(set, table, labels, input);
    set->listed[file] = true;
    TRY(fill_input(table, labels, input));
    return tell_laterality(set, table, labels, input);
}

static Status take_row(FolderSet *set, const Table *table, const LabelTable *labels) {
    int64_t file, other;
    const char *text = table->fields[labels->file], *folder = labels->known ? labels->known->folder : NULL;
    TRY(image_index_find(&set->index, text, folder, &file, &other));
    if (other >= 0)
        return table_error(table, "\"%s\" may be %s or %s", text, set->files[file].path, set->files[other].path);
    return file < 0 ? take_unknown(set, table, labels) : take_file(set, table, labels, file);
}

/* "#002", "002" and "2" name the same person. */
static bool is_same_person(const char *a, const char *b) {
    a += strspn(a, "#0 ");
    b += strspn(b, "#0 ");
    return strcmp(a, b) == 0;
}

static Status take_person(FolderSet *set, const Table *table, const LabelTable *labels) {
    const char *person = table->fields[labels->person];
    PackEye eye = labels->known ? labels->known->eye : PACK_EYE_UNKNOWN;
    bool found = false;
    for (int64_t i = 0; i < set->file_count; i++) {
        StageInput *input = &set->maker.source->inputs[i];
        if ((eye != PACK_EYE_UNKNOWN && input->eye != eye) || !is_same_person(person, input->person))
            continue;
        found = true;
        TRY(take_file(set, table, labels, i));
    }
    if (!found)
        fprintf(set->maker.notes, "%s:%lld: no image of person %s.\n", path_name(table->path), (long long)table->line,
                person);
    return NULL;
}

static Status apply(FolderSet *set, const LabelTable *labels) {
    Table table;
    TRY(table_open(labels->path, &table));
    Status status = NULL;
    for (bool more = true; !status && !(status = table_next(&table, &more)) && more;)
        status = labels->by_person ? take_person(set, &table, labels) : take_row(set, &table, labels);
    table_close(&table);
    return status;
}

Status folder_labels_apply(FolderSet *set) {
    for (int i = 0; i < set->table_count; i++)
        TRY(apply(set, &set->tables[i]));
    for (int64_t i = 0; set->table_count && i < set->file_count; i++)
        if (!set->listed[i])
            TRY(maker_settle(&set->maker, &set->maker.source->inputs[i], FINDING_UNLISTED, "in no row of the labels"));
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
