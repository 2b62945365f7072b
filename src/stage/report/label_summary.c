/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/report/label_summary.h"

#include "base/text_writer.h"
#include "stage/report/markdown.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 12 /* whole numbers that are counted one by one, as grades are */ };

typedef struct {
    int64_t known[PACK_SPLITS], unknown;
    struct {
        float value;
        int64_t count;
    } values[MAX_VALUES]; /* ascending */
    int value_count;
    bool many; /* more values, or broken ones */
    float least, most;
} LabelCount;

static void count_value(LabelCount *label, float value) {
    int at = 0;
    while (at < label->value_count && label->values[at].value < value)
        at++;
    if (at < label->value_count && label->values[at].value == value) {
        label->values[at].count++;
        return;
    }
    label->many |= label->value_count == MAX_VALUES || value != rintf(value);
    if (label->many)
        return;
    memmove(label->values + at + 1, label->values + at, (size_t)(label->value_count - at) * sizeof *label->values);
    label->values[at].value = value;
    label->values[at].count = 1;
    label->value_count++;
}

static LabelCount count_label(const StageSource *source, const PipelineResult *result, int number) {
    LabelCount label = {.least = INFINITY, .most = -INFINITY};
    for (int64_t i = 0; i < source->count; i++) {
        if (!result->outcomes[i].packed)
            continue;
        const float value = source->inputs[i].labels[number];
        if (isnan(value)) {
            label.unknown++;
            continue;
        }
        label.known[source->inputs[i].split]++;
        label.least = fminf(label.least, value);
        label.most = fmaxf(label.most, value);
        if (!label.many)
            count_value(&label, value);
    }
    return label;
}

static Status add_values(MarkdownTable *table, const LabelCount *label) {
    if (label->many)
        return markdown_add(table, "%g to %g", (double)label->least, (double)label->most);
    if (!label->value_count)
        return markdown_add(table, "none: it is lost");
    TextWriter text;
    char *values;
    TRY(text_writer_open(&text, "a label's values"));
    for (int i = 0; i < label->value_count; i++)
        fprintf(text.out, "%s%g: %" PRId64, i ? ", " : "", (double)label->values[i].value, label->values[i].count);
    TRY(text_writer_take(&text, &values));
    Status status = markdown_add(table, "%s", values);
    free(values);
    return status;
}

static Status add_names(MarkdownTable *table, const char *const *names, int count) {
    table->columns = count;
    for (int i = 0; i < count; i++)
        TRY(markdown_add(table, "%s", names[i]));
    return NULL;
}

static Status add_labels(MarkdownTable *table, const StageSource *source, const PipelineResult *result) {
    static const char *const names[] = {"label known", "train", "val", "test", "no split", "all", "unknown", "values"};
    TRY(add_names(table, names, (int)(sizeof names / sizeof *names)));
    for (int number = 0; number < source->info.label_count; number++) {
        const LabelCount label = count_label(source, result, number);
        const int64_t *known = label.known;
        TRY(markdown_add(table, "%s", source->info.label_names[number]));
        TRY(markdown_add(table, "%" PRId64, known[PACK_SPLIT_TRAIN]));
        TRY(markdown_add(table, "%" PRId64, known[PACK_SPLIT_VAL]));
        TRY(markdown_add(table, "%" PRId64, known[PACK_SPLIT_TEST]));
        TRY(markdown_add(table, "%" PRId64, known[PACK_SPLIT_NONE]));
        TRY(markdown_add(table, "%" PRId64,
                         known[PACK_SPLIT_TRAIN] + known[PACK_SPLIT_VAL] + known[PACK_SPLIT_TEST] +
                             known[PACK_SPLIT_NONE]));
        TRY(markdown_add(table, "%" PRId64, label.unknown));
        TRY(add_values(table, &label));
    }
    return NULL;
}

static Status add_dropped(MarkdownTable *table, const StageSource *source) {
    static const char *const names[] = {"no label", "of", "because"};
    TRY(add_names(table, names, (int)(sizeof names / sizeof *names)));
    for (int i = 0; i < source->dropped_count; i++) {
        TRY(markdown_add(table, "%s", source->dropped[i].name));
        TRY(markdown_add(table, "%s", source->dropped[i].table));
        TRY(markdown_add(table, "%s", source->dropped[i].reason));
    }
    return NULL;
}

/* --- Classes -------------------------------------------------------------------------------------------------------*/

static int compare_people(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int64_t count_distinct(const char **people, int64_t count) {
    int64_t distinct = count > 0;
    if (count)
        qsort(people, (size_t)count, sizeof *people, compare_people);
    for (int64_t i = 1; i < count; i++)
        distinct += strcmp(people[i - 1], people[i]) != 0;
    return distinct;
}

/* The class is label 0 of a set that has classes. `people` has room for all photographs. */
static Status add_class(MarkdownTable *table, const StageSource *source, const PipelineResult *result,
                        const SourceClass *class, const char **people) {
    int64_t counts[PACK_SPLITS] = {0}, count = 0;
    for (int64_t i = 0; i < source->count; i++)
        if (result->outcomes[i].packed && source->inputs[i].labels[0] == class->number) {
            people[count++] = source->inputs[i].person;
            counts[source->inputs[i].split]++;
        }
    TRY(markdown_add(table, "%s", class->name));
    TRY(markdown_add(table, "%g", (double)class->number));
    TRY(markdown_add(table, "%" PRId64, counts[PACK_SPLIT_TRAIN]));
    TRY(markdown_add(table, "%" PRId64, counts[PACK_SPLIT_VAL]));
    TRY(markdown_add(table, "%" PRId64, counts[PACK_SPLIT_TEST]));
    TRY(markdown_add(table, "%" PRId64, count));
    return markdown_add(table, "%" PRId64, count_distinct(people, count));
}

static Status add_classes(MarkdownTable *table, const StageSource *source, const PipelineResult *result) {
    static const char *const names[] = {"class", "number", "train", "val", "test", "all", "people"};
    const char **people = malloc(((size_t)source->count + 1) * sizeof *people);
    Status status = people ? add_names(table, names, (int)(sizeof names / sizeof *names))
                           : status_no_memory("the summary", (size_t)source->count * sizeof *people);
    for (int i = 0; i < source->class_count && !status; i++)
        status = add_class(table, source, result, &source->classes[i], people);
    free(people);
    return status;
}

Status label_summary_write(FILE *out, const StageSource *source, const PipelineResult *result) {
    MarkdownTable labels = {0}, dropped = {0}, classes = {0};
    Status status = add_labels(&labels, source, result);
    if (!status)
        status = add_dropped(&dropped, source);
    if (!status)
        status = add_classes(&classes, source, result);
    if (!status && !source->info.label_count)
        fputs("\nNo labels.\n", out);
    if (!status) {
        markdown_print(out, &labels);
        markdown_print(out, &dropped);
        markdown_print(out, &classes);
    }
    markdown_close(&labels);
    markdown_close(&dropped);
    markdown_close(&classes);
    return status;
}
