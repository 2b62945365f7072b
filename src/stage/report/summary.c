/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/report/summary.h"

#include "base/text_writer.h"
#include "pack/people.h"
#include "stage/report/label_summary.h"
#include "stage/report/markdown.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 40 /* of cameras and the like; the rest is added up */ };

static Status add_header(MarkdownTable *table, const char *head) {
    static const char *const names[] = {"train", "val", "test", "no split", "all"};
    table->columns = 1 + (int)(sizeof names / sizeof *names);
    TRY(markdown_add(table, "%s", head));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        TRY(markdown_add(table, "%s", names[i]));
    return NULL;
}

static Status add_counts(MarkdownTable *table, const char *text, const int64_t counts[PACK_SPLITS]) {
    static const PackSplit order[] = {PACK_SPLIT_TRAIN, PACK_SPLIT_VAL, PACK_SPLIT_TEST, PACK_SPLIT_NONE};
    int64_t sum = 0;
    TRY(markdown_add(table, "%s", *text ? text : "(unknown)"));
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        TRY(markdown_add(table, "%" PRId64, counts[order[i]]));
        sum += counts[order[i]];
    }
    return markdown_add(table, "%" PRId64, sum);
}

/* --- Photographs by a text -----------------------------------------------------------------------------------------*/

typedef const char *(*InputText)(const StageInput *input);
static const char *input_device(const StageInput *input) {
    return input->device;
}
static const char *input_modality(const StageInput *input) {
    return input->modality;
}
static const char *input_eye_name(const StageInput *input) {
    return pack_eye_name(input->eye);
}

typedef struct {
    const char *text;
    PackSplit split;
} TaggedInput;

static int compare_tags(const void *a, const void *b) {
    return strcmp(((const TaggedInput *)a)->text, ((const TaggedInput *)b)->text);
}

static Status add_groups(MarkdownTable *table, const TaggedInput *tags, int64_t count) {
    int64_t rest[PACK_SPLITS] = {0}, rows = 0;
    for (int64_t i = 0, next; i < count; i = next, rows++) {
        int64_t counts[PACK_SPLITS] = {0};
        for (next = i; next < count && strcmp(tags[next].text, tags[i].text) == 0; next++)
            counts[tags[next].split]++;
        if (rows < MAX_ROWS)
            TRY(add_counts(table, tags[i].text, counts));
        for (int split = 0; split < PACK_SPLITS && rows >= MAX_ROWS; split++)
            rest[split] += counts[split];
    }
    return rows > MAX_ROWS ? add_counts(table, "(others)", rest) : NULL;
}

/* The packed photographs by a text and the split. */
static Status write_groups(FILE *out, const char *head, const StageSource *source, const PipelineResult *result,
                           InputText text_of) {
    TaggedInput *tags = malloc(((size_t)source->count + 1) * sizeof *tags);
    if (!tags)
        return status_no_memory("the summary", (size_t)source->count * sizeof *tags);
    int64_t count = 0;
    for (int64_t i = 0; i < source->count; i++)
        if (result->outcomes[i].packed)
            tags[count++] = (TaggedInput){text_of(&source->inputs[i]), source->inputs[i].split};
    qsort(tags, (size_t)count, sizeof *tags, compare_tags);
    MarkdownTable table = {0};
    Status status = add_header(&table, head);
    if (!status)
        status = add_groups(&table, tags, count);
    if (!status)
        markdown_print(out, &table);
    markdown_close(&table);
    free(tags);
    return status;
}

/* --- Photographs and people ----------------------------------------------------------------------------------------*/

/* People with at least one packed photograph. */
static Status count_people(const StageSource *source, const PipelineResult *result, int64_t counts[PACK_SPLITS]) {
    PackPerson *people = malloc(((size_t)source->count + 1) * sizeof *people);
    if (!people)
        return status_no_memory("the summary", (size_t)source->count * sizeof *people);
    int64_t count = 0;
    for (int64_t i = 0; i < source->count; i++)
        if (result->outcomes[i].packed)
            people[count++] = (PackPerson){source->inputs[i].person, source->inputs[i].split, i};
    pack_people_sort(people, count);
    count = pack_people_unique(people, count);
    for (int64_t i = 0; i < count; i++)
        counts[people[i].split]++;
    free(people);
    return NULL;
}

static Status write_splits(FILE *out, const StageSource *source, const PipelineResult *result) {
    int64_t photographs[PACK_SPLITS] = {0}, people[PACK_SPLITS] = {0};
    for (int64_t i = 0; i < source->count; i++)
        photographs[source->inputs[i].split] += result->outcomes[i].packed;
    TRY(count_people(source, result, people));
    MarkdownTable table = {0};
    Status status = add_header(&table, "");
    if (!status)
        status = add_counts(&table, "photographs", photographs);
    if (!status)
        status = add_counts(&table, "people", people);
    if (!status)
        markdown_print(out, &table);
    markdown_close(&table);
    return status;
}

/* --- Findings and warnings -----------------------------------------------------------------------------------------*/

/* Each kind with its count and its first path in the order of paths. */
static Status add_findings(MarkdownTable *table, const Findings *findings) {
    int64_t counts[FINDING_KINDS] = {0};
    const char *first[FINDING_KINDS] = {NULL};
    for (int i = 0; i < findings->count; i++) {
        const Finding *finding = &findings->list[i];
        counts[finding->kind]++;
        if (!first[finding->kind] || strcmp(finding->path, first[finding->kind]) < 0)
            first[finding->kind] = finding->path;
    }
    static const char *const heads[] = {"found", "fate", "count", "such as"};
    table->columns = (int)(sizeof heads / sizeof *heads);
    for (int i = 0; i < table->columns; i++)
        TRY(markdown_add(table, "%s", heads[i]));
    for (FindingKind kind = 0; kind < FINDING_KINDS; kind++) {
        if (!counts[kind])
            continue;
        TRY(markdown_add(table, "%s", finding_name(kind)));
        TRY(markdown_add(table, "%s", finding_fate_name(finding_fate(kind))));
        TRY(markdown_add(table, "%" PRId64, counts[kind]));
        TRY(markdown_add(table, "%s", first[kind]));
    }
    return NULL;
}

static Status write_findings(FILE *out, const Findings *findings) {
    MarkdownTable table = {0};
    Status status = add_findings(&table, findings);
    if (!status)
        markdown_print(out, &table);
    markdown_close(&table);
    return status;
}

/* Lines as a list with a heading; nothing for no lines. */
static void write_lines(FILE *out, const char *heading, const char *lines) {
    if (!lines || !*lines)
        return;
    fprintf(out, "\n%s\n\n", heading);
    for (const char *at = lines; *at;) {
        const int length = (int)strcspn(at, "\n");
        fprintf(out, "- %.*s\n", length, at);
        at += length + (at[length] == '\n');
    }
}

static Status write_all(FILE *out, const StageSource *source, const PipelineResult *result, const Findings *findings) {
    write_lines(out, "How it was read:", source->notes);
    TRY(write_splits(out, source, result));
    TRY(write_groups(out, "camera", source, result, input_device));
    TRY(write_groups(out, "kind", source, result, input_modality));
    TRY(write_groups(out, "eye", source, result, input_eye_name));
    TRY(label_summary_write(out, source, result));
    TRY(write_findings(out, findings));
    write_lines(out, "Warnings:", source->warnings);
    return NULL;
}

Status summary_print(const StageSource *source, const PipelineResult *result, const Findings *findings,
                     char **summary) {
    TextWriter text;
    *summary = NULL;
    TRY(text_writer_open(&text, "the summary"));
    Status status = write_all(text.out, source, result, findings);
    if (!status)
        return text_writer_take(&text, summary);
    text_writer_discard(&text);
    return status;
}

Status summary_write_card(const char *path, const StageSource *source, const PipelineResult *result,
                          const char *summary) {
    int64_t flagged = 0;
    for (int64_t i = 0; i < source->count; i++)
        flagged += result->outcomes[i].packed && result->outcomes[i].framing.flags & PACK_NO_CIRCLE;
    TextWriter text;
    TRY(text_writer_open(&text, "the data card"));
    fprintf(text.out, "# %s %s\n\n", source->info.dataset, source->info.dataset_version);
    if (source->info.licensed)
        fputs("Licensed: nothing derived from it, this page and every file beside it included, may be passed on. "
              "`stage forget` lists and deletes it all.\n\n",
              text.out);
    fprintf(text.out,
            "Photographs as %d x %d RGB. The fundus' circle was found and its square cut out; mosaics, infrared and "
            "autofluorescence frames are whole. In %" PRId64 " no circle was found with confidence: the full frame was "
            "kept and flagged.\n%s",
            source->info.image_size, source->info.image_size, flagged, summary);
    return text_writer_save(&text, path);
}
