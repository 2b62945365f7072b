/* SPDX-License-Identifier: Apache-2.0 */
#include "data/labels.h"

#include "base/files.h"
#include "data/label_table.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

static Status name_column(Labels *labels, const char *start, const char *end) {
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    if (start == end)
        return status_error(EXIT_USAGE, "a name is empty; give names of columns, separated by commas");
    TRY(files_path(&labels->names[labels->columns], "%.*s", (int)(end - start), start));
    labels->columns++;
    for (int i = 0; i < labels->columns - 1; i++)
        if (strcmp(labels->names[i], labels->names[labels->columns - 1]) == 0)
            return status_error(EXIT_USAGE, "the column %s is named twice; remove one", labels->names[i]);
    return NULL;
}

static Status name_columns(Labels *labels, const char *columns) {
    int count = 1;
    for (const char *at = columns; *at; at++)
        count += *at == ',';
    labels->names = calloc((size_t)count, sizeof *labels->names);
    if (!labels->names)
        return status_no_memory("the names of labels", (size_t)count * sizeof *labels->names);
    for (const char *at = columns; count > 0; count--) {
        const char *end = at + strcspn(at, ",");
        TRY(name_column(labels, at, end));
        at = end + 1;
    }
    return NULL;
}

/* The number of the pack's label with that name. */
static Status find_label(const Pack *pack, const char *name, int *label) {
    for (*label = 0; *label < pack->info.label_count; ++*label)
        if (strcmp(pack->info.label_names[*label], name) == 0)
            return NULL;
    char there[400] = "";
    size_t used = 0;
    for (int i = 0; i < pack->info.label_count && used < sizeof there; i++)
        used += (size_t)snprintf(there + used, sizeof there - used, "%s%s", i ? ", " : "", pack->info.label_names[i]);
    if (!*there)
        return status_error(EXIT_DATA, "%s has no labels; stage it with --labels, or name a pack that has them",
                            pack->directory);
    return status_error(EXIT_DATA, "%s has no label '%s'; it has %s", pack->directory, name, there);
}

static Status read_part(const RecordsPart *part, Labels *labels) {
    for (int i = 0; i < labels->columns; i++) {
        int label;
        TRY(find_label(&part->pack, labels->names[i], &label));
        for (int64_t r = 0; r < part->count; r++)
            labels->values[(part->first + r) * labels->columns + i] = part->pack.rows[part->list[r]].labels[label];
    }
    return NULL;
}

static Status read_table(const Folder *folder, Labels *labels) {
    LabelTable table = {.names = labels->names, .columns = labels->columns, .values = labels->values};
    Status status = label_table_read(folder, &table);
    labels->text = table.path;
    labels->people = table.people;
    return status;
}

/* Those of each record in memory, of which each part has some. */
static Status take_values(const Records *records, const double *values, Labels *labels) {
    const size_t columns = (size_t)labels->columns;
    int64_t before = 0; /* records of earlier packs */
    for (int64_t r = 0; r < records->count && !records->part_count; r++)
        for (size_t i = 0; i < columns; i++)
            labels->values[(size_t)r * columns + i] = (float)values[(size_t)r * columns + i];
    for (int p = 0; p < records->part_count; before += records->parts[p++].pack.count)
        for (int64_t r = 0; r < records->parts[p].count; r++)
            for (size_t i = 0; i < columns; i++)
                labels->values[(size_t)(records->parts[p].first + r) * columns + i] =
                    (float)values[(size_t)(before + records->parts[p].list[r]) * columns + i];
    return files_path(&labels->text, "%s", records->text);
}

static Status read_all(const Records *records, Labels *labels) {
    TRY(records->part_count ? files_path(&labels->text, "%s", records->text) : read_table(&records->folder, labels));
    for (int part = 0; part < records->part_count; part++)
        TRY(read_part(&records->parts[part], labels));
    return NULL;
}

/* `given` NULL: those of the packs or the folder. */
static Status read_values(const Records *records, const double *given, Labels *labels) {
    const size_t values = (size_t)records->count * (size_t)labels->columns;
    labels->count = records->count;
    labels->values = malloc(values * sizeof *labels->values);
    if (!labels->values)
        return status_no_memory("the labels", values * sizeof *labels->values);
    for (size_t i = 0; i < values; i++)
        labels->values[i] = NAN;
    TRY(given ? take_values(records, given, labels) : read_all(records, labels));
    for (size_t i = 0; i < values; i++)
        if (isnan(labels->values[i])) /* one NaN, whatever the file had */
            labels->values[i] = NAN;
    labels->hash = XXH3_64bits(labels->values, values * sizeof *labels->values);
    return NULL;
}

static Status check_known(const Records *records, const Labels *labels) {
    for (int64_t i = 0; i < labels->count; i++)
        if (labels_has_any(labels, i))
            return NULL;
    return status_error(EXIT_DATA, "%s: none of the %lld images of %s has a label %s; label some, or use other images",
                        labels->text, (long long)labels->count, records->text, labels->names[0]);
}

static Status open_labels(const Records *records, const char *columns, const double *given, Labels *labels) {
    *labels = (Labels){0};
    Status status = name_columns(labels, columns);
    if (!status)
        status = read_values(records, given, labels);
    if (!status)
        status = check_known(records, labels);
    if (status)
        labels_close(labels);
    return status;
}

Status labels_open(const Records *records, const char *columns, Labels *labels) {
    return open_labels(records, columns, NULL, labels);
}

Status labels_take(const Records *records, const char *columns, const double *values, Labels *labels) {
    return open_labels(records, columns, values, labels);
}

void labels_close(Labels *labels) {
    for (int i = 0; i < labels->columns; i++)
        free(labels->names[i]);
    for (int64_t i = 0; labels->people && i < labels->count; i++)
        free(labels->people[i]);
    free(labels->people);
    free(labels->names);
    free(labels->values);
    free(labels->text);
    *labels = (Labels){0};
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Everyone who is named, sorted; the list is the caller's, the texts are not. */
static Status list_people(const Labels *labels, char ***people, size_t *count) {
    *count = 0;
    *people = malloc((size_t)labels->count * sizeof **people);
    if (!*people)
        return status_no_memory("a list of people", (size_t)labels->count * sizeof **people);
    for (int64_t i = 0; labels->people && i < labels->count; i++)
        if (labels->people[i] && *labels->people[i])
            (*people)[(*count)++] = labels->people[i];
    qsort(*people, *count, sizeof **people, compare_texts);
    return NULL;
}

Status labels_check_disjoint(const Labels *train, const Labels *val) {
    char **left, **right = NULL;
    size_t left_count, right_count = 0;
    TRY(list_people(train, &left, &left_count));
    Status status = list_people(val, &right, &right_count);
    for (size_t i = 0, j = 0; !status && i < left_count && j < right_count;) {
        const int order = strcmp(left[i], right[j]);
        if (!order)
            status = status_error(EXIT_DATA,
                                  "person %s of %s is also in the validation data (%s): its figures would not be those "
                                  "of unseen people; move all images of a person to one side",
                                  left[i], train->text, val->text);
        i += order < 0;
        j += order > 0;
    }
    free(left);
    free(right);
    return status;
}

bool labels_has(const Labels *labels, int64_t record, int column) {
    return !isnan(labels->values[record * labels->columns + column]);
}

bool labels_has_any(const Labels *labels, int64_t record) {
    for (int i = 0; i < labels->columns; i++)
        if (labels_has(labels, record, i))
            return true;
    return false;
}
