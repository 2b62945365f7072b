/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/label_columns.h"

#include "base/paths.h"
#include "base/table.h"
#include "stage/source/folder/label_cells.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const file_names[] = {"file",      "image",      "image_id",   "id_code", "filename",
                                         "file_name", "filepath",   "Image name", "imgName", "path",
                                         "ID",        "image_path", "image_name", NULL};

/* What a first pass over a table counts for a column. */
typedef struct {
    int64_t images;   /* cells that name an existing file */
    int64_t texts;    /* cells that are no values */
    int64_t values;   /* numbers and booleans */
    int64_t booleans; /* of these */
    char *text;       /* the first text, and its line */
    int64_t line;
} ColumnCount;

static Status count_cell(const FolderSet *set, const Table *table, const char *cell, ColumnCount *count) {
    double value;
    bool there;
    TRY(image_index_has(&set->index, cell, &there));
    count->images += there;
    switch (cell_read(cell, &value)) {
    case CELL_UNKNOWN:
        return NULL;
    case CELL_BOOLEAN:
        count->booleans++;
        count->values++;
        return NULL;
    case CELL_NUMBER:
    case CELL_AMBIGUOUS: /* refused when the row is read, if this is a label */
        count->values++;
        return NULL;
    case CELL_TEXT:
        break;
    }
    if (count->texts++)
        return NULL;
    count->line = table->line;
    return input_set(&count->text, cell);
}

static Status count_cells(const FolderSet *set, Table *table, ColumnCount *counts) {
    for (bool more;;) {
        TRY(table_next(table, &more));
        if (!more)
            return NULL;
        for (int i = 0; i < table->column_count; i++)
            TRY(count_cell(set, table, table->fields[i], &counts[i]));
    }
}

/* --- Files and people ----------------------------------------------------------------------------------------------*/

static bool names_images(const ColumnCount *count) {
    return count->images && count->texts >= count->values; /* numbers are values, even if files have such names */
}

/* One column of images for each eye; false when there is no such pair. */
static bool find_eye_columns(const Table *table, const ColumnCount *counts, LabelTable *labels) {
    int columns[] = {[PACK_EYE_UNKNOWN] = -1, [PACK_EYE_RIGHT] = -1, [PACK_EYE_LEFT] = -1};
    for (int i = 0; i < table->column_count; i++) {
        const PackEye eye = input_eye_of_words(table->columns[i], 1);
        if (!names_images(&counts[i]) || eye == PACK_EYE_UNKNOWN)
            continue;
        if (columns[eye] >= 0)
            return false;
        columns[eye] = i;
    }
    if (columns[PACK_EYE_RIGHT] < 0 || columns[PACK_EYE_LEFT] < 0)
        return false;
    for (PackEye eye = PACK_EYE_RIGHT; eye <= PACK_EYE_LEFT; eye++) {
        labels->file_eyes[labels->file_count] = eye;
        labels->files[labels->file_count++] = columns[eye];
    }
    return true;
}

/* The column of texts that names the most files, or -1. */
static int find_best_column(const Table *table, const ColumnCount *counts) {
    int best = -1;
    for (int i = 0; i < table->column_count; i++)
        if (names_images(&counts[i]) && (best < 0 || counts[i].images > counts[best].images))
            best = i;
    return best;
}

/* The column with a usual name, if it names half as many files as the best; else one for each eye; else the best. */
static void find_file_columns(const Table *table, const ColumnCount *counts, LabelTable *labels) {
    const int best = find_best_column(table, counts);
    for (int n = 0; file_names[n]; n++) {
        const int column = table_find(table, (const char *const[]){file_names[n], NULL});
        if (column >= 0 && counts[column].images && (best < 0 || 2 * counts[column].images >= counts[best].images)) {
            labels->files[labels->file_count++] = column;
            return;
        }
    }
    if (!find_eye_columns(table, counts, labels) && best >= 0)
        labels->files[labels->file_count++] = best;
}

static Status refuse_no_files(const FolderSet *set, const Table *table, const ColumnCount *counts) {
    int numbers = -1;
    for (int i = 0; i < table->column_count; i++)
        numbers = counts[i].images && numbers < 0 ? i : numbers;
    return numbers < 0
               ? status_error(EXIT_DATA,
                              "%s: no column names files: no cell is the name of an image below %s; a column \"file\" "
                              "should contain their paths",
                              table->path, set->builder.source->root)
               : status_error(EXIT_DATA,
                              "%s: no column names files: column %s holds numbers, which are taken for values though "
                              "files below %s have such names; if it names them, call it \"file\"",
                              table->path, table->columns[numbers], set->builder.source->root);
}

/* A usual name whose files do not exist is taken all the same: then each row reports its file. */
static Status find_files(const FolderSet *set, const Table *table, const ColumnCount *counts, LabelTable *labels) {
    find_file_columns(table, counts, labels);
    labels->by_person = !labels->file_count && labels->person >= 0 && set->known->person != PERSON_OF_NAME;
    if (labels->file_count || labels->by_person)
        return NULL;
    labels->files[0] = table_find(table, file_names);
    labels->file_count = labels->files[0] >= 0;
    return labels->file_count ? NULL : refuse_no_files(set, table, counts);
}

static Status find_people(FolderSet *set, const Table *table, LabelTable *labels) {
    static const char *const usual[] = {"person",      "person_id",      "patient", "patient_id", "patientid",
                                        "participant", "participant_id", "subject", "subject_id", NULL};
    const char *wanted = set->builder.options->person;
    labels->person = -1;
    if (wanted)
        return table_column(table, (const char *const[]){wanted, NULL}, &labels->person);
    if (set->known->person_column)
        labels->person = table_find(table, (const char *const[]){set->known->person_column, NULL});
    const int hint = labels->person < 0 ? table_find(table, usual) : -1;
    return hint < 0 ? NULL : input_set(&set->person_hint, table->columns[hint]);
}

/* --- Labels --------------------------------------------------------------------------------------------------------*/

/* Columns that number the rows. */
static bool is_row_number(const char *name) {
    return strcasecmp(name, "ID") == 0 || strcasecmp(name, "index") == 0 || strcasecmp(name, "row") == 0;
}

/* The label's name in the pack: the tables of a known set may call one label differently. */
static const char *label_name(const FolderSet *set, const char *column) {
    for (int i = 0; i < KNOWN_NAMES && set->known->names[i]; i++)
        if (strcasecmp(set->known->names[i], column) == 0)
            return set->known->label;
    return column;
}

/* A column of texts; values among them are lost, and may be what was meant. */
static Status drop_texts(StageSource *source, const char *file, const char *name, const ColumnCount *count) {
    TRY(source_drop_column(source, file, name, "%lld cell%s no number, such as \"%s\" (line %lld)",
                           (long long)count->texts, count->texts == 1 ? " is" : "s are", count->text,
                           (long long)count->line));
    return count->values
               ? source_warn(source,
                             "%s: column %s is no label: %lld cell%s no number, such as \"%s\" (line %lld), "
                             "and %lld %s",
                             file, name, (long long)count->texts, count->texts == 1 ? " is" : "s are", count->text,
                             (long long)count->line, (long long)count->values, count->values == 1 ? "is" : "are")
               : NULL;
}

/* A label when at least half of its cells that are known are values. */
static Status judge_column(FolderSet *set, const Table *table, int column, const ColumnCount *count, int *label) {
    const char *name = table->columns[column], *file = path_name(table->path);
    StageSource *source = set->builder.source;
    if (!count->values && !count->texts)
        return *name ? source_drop_column(source, file, name, "no cell has a value") : NULL;
    if (!*name)
        return source_drop_column(source, file, "(without a name)", "it has no name");
    if (is_row_number(name))
        return source_drop_column(source, file, name, "it numbers the rows");
    if (count->texts > count->values)
        return drop_texts(source, file, name, count);
    if (strchr(name, '/') || strcmp(name, ".") == 0)
        return status_error(EXIT_DATA,
                            "%s:1: a label cannot be called \"%s\", since packs store it under its name; "
                            "rename the column",
                            table->path, name);
    if (count->booleans)
        fprintf(set->builder.notes.out, "%s: column %s: true and yes are 1, false and no are 0.\n", file, name);
    TRY(folder_set_label(set, label_name(set, name), label));
    return count->texts ? source_warn(source,
                                      "%s: column %s: %lld cell%s no number, such as \"%s\" (line %lld): the label is "
                                      "unknown there",
                                      file, name, (long long)count->texts, count->texts == 1 ? " is" : "s are",
                                      count->text, (long long)count->line)
                        : NULL;
}

static bool is_taken(const LabelTable *labels, int column) {
    for (int i = 0; i < labels->file_count; i++)
        if (labels->files[i] == column)
            return true;
    return column == labels->person || column == labels->split || column == labels->eye || column == labels->device;
}

static Status assign_columns(FolderSet *set, const Table *table, const ColumnCount *counts, LabelTable *labels) {
    labels->split = table_find(table, (const char *const[]){"split", NULL});
    labels->eye = table_find(table, (const char *const[]){"eye", "laterality", NULL});
    labels->device = table_find(table, (const char *const[]){"device", "camera", NULL});
    if (set->known->eye_column && labels->eye < 0) {
        labels->eye = table_find(table, (const char *const[]){set->known->eye_column, NULL});
        labels->eyes_are_numbers = true;
    }
    TRY(find_people(set, table, labels));
    TRY(find_files(set, table, counts, labels));
    labels->row_is_person = labels->file_count > 1 && labels->person < 0 && set->known->person == PERSON_OF_NAME;
    labels->labels = malloc((size_t)table->column_count * sizeof *labels->labels);
    if (!labels->labels)
        return status_no_memory("columns", 0);
    set->has_splits |= labels->split >= 0;
    for (int i = 0; i < table->column_count; i++) {
        labels->labels[i] = -1;
        if (!is_taken(labels, i))
            TRY(judge_column(set, table, i, &counts[i], &labels->labels[i]));
    }
    return NULL;
}

static void note_columns(const FolderSet *set, const Table *table, const LabelTable *labels) {
    FILE *out = set->builder.notes.out;
    fprintf(out, "%s:", path_name(table->path));
    for (int i = 0; i < labels->file_count; i++)
        fprintf(out, " files by column %s%s;", table->columns[labels->files[i]],
                labels->file_eyes[i] == PACK_EYE_RIGHT  ? " (right)"
                : labels->file_eyes[i] == PACK_EYE_LEFT ? " (left)"
                                                        : "");
    if (labels->person >= 0)
        fprintf(out, " people by column %s;", table->columns[labels->person]);
    if (labels->split >= 0)
        fprintf(out, " split by column %s;", table->columns[labels->split]);
    fprintf(out, " %d columns in all.\n", table->column_count);
}

Status label_columns_read(FolderSet *set, LabelTable *labels) {
    Table table;
    TRY(table_open(labels->path, &table));
    ColumnCount *counts = calloc((size_t)table.column_count, sizeof *counts);
    Status status = counts ? count_cells(set, &table, counts)
                           : status_no_memory("counts", (size_t)table.column_count * sizeof *counts);
    if (!status)
        status = assign_columns(set, &table, counts, labels);
    if (!status)
        note_columns(set, &table, labels);
    for (int i = 0; counts && i < table.column_count; i++)
        free(counts[i].text);
    free(counts);
    table_close(&table);
    return status;
}
