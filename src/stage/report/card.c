/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/report/card.h"

#include "base/list.h"
#include "base/text_writer.h"
#include "pack/people.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counts of one text by split. A plain list: there are few cameras and kinds. */
typedef struct {
    const char *text;
    int64_t counts[PACK_SPLITS];
} CardRow;

typedef struct {
    CardRow *rows;
    int count;
    int64_t capacity;
} CardTable;

static Status count_text(CardTable *table, const char *text, PackSplit split, int64_t by) {
    int i = 0;
    while (i < table->count && strcmp(table->rows[i].text, text) != 0)
        i++;
    if (i == table->count) {
        TRY(list_grow(&table->rows, i, &table->capacity, sizeof *table->rows, "the data card"));
        table->rows[table->count++] = (CardRow){.text = text};
    }
    table->rows[i].counts[split] += by;
    return NULL;
}

static int compare_rows(const void *a, const void *b) {
    return strcmp(((const CardRow *)a)->text, ((const CardRow *)b)->text);
}

static void print_row(FILE *out, const char *text, const int64_t counts[PACK_SPLITS]) {
    int64_t sum = 0;
    fprintf(out, "| %s |", text);
    for (PackSplit split = PACK_SPLIT_TRAIN; split < PACK_SPLITS; split++) {
        fprintf(out, " %" PRId64 " |", counts[split]);
        sum += counts[split];
    }
    fprintf(out, " %" PRId64 " | %" PRId64 " |\n", counts[PACK_SPLIT_NONE], sum + counts[PACK_SPLIT_NONE]);
}

static void print_table(FILE *out, const char *head, CardTable *table) {
    fprintf(out, "\n| %s | train | val | test | no split | all |\n|---|---|---|---|---|---|\n", head);
    if (table->count)
        qsort(table->rows, (size_t)table->count, sizeof *table->rows, compare_rows);
    for (int i = 0; i < table->count; i++)
        print_row(out, *table->rows[i].text ? table->rows[i].text : "(not told)", table->rows[i].counts);
    free(table->rows);
    *table = (CardTable){0};
}

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
static const char *any_input(const StageInput *input) {
    (void)input;
    return "photographs";
}

static Status print_counts(FILE *out, const char *head, const StageSource *source, const PipelineResult *result,
                           InputText text_of) {
    CardTable table = {0};
    Status status = NULL;
    for (int64_t i = 0; i < source->count && !status; i++)
        if (result->outcomes[i].packed)
            status = count_text(&table, text_of(&source->inputs[i]), source->inputs[i].split, 1);
    print_table(out, head, &table);
    return status;
}

/* People with at least one packed photograph. */
static Status print_people(FILE *out, const StageSource *source, const PipelineResult *result) {
    PackPerson *people = malloc(((size_t)source->count + 1) * sizeof *people);
    if (!people)
        return status_no_memory("the data card", (size_t)source->count * sizeof *people);
    int64_t count = 0, counts[PACK_SPLITS] = {0};
    for (int64_t i = 0; i < source->count; i++)
        if (result->outcomes[i].packed)
            people[count++] = (PackPerson){source->inputs[i].person, source->inputs[i].split, i};
    pack_people_sort(people, count);
    count = pack_people_unique(people, count);
    for (int64_t i = 0; i < count; i++)
        counts[people[i].split]++;
    print_row(out, "people", counts);
    free(people);
    return NULL;
}

static Status print_labels(FILE *out, const StageSource *source, const PipelineResult *result) {
    CardTable table = {0};
    Status status = NULL;
    for (int label = 0; label < source->info.label_count && !status; label++) {
        status = count_text(&table, source->info.label_names[label], PACK_SPLIT_NONE, 0);
        for (int64_t i = 0; i < source->count && !status; i++)
            if (result->outcomes[i].packed && !isnan(source->inputs[i].labels[label]))
                status = count_text(&table, source->info.label_names[label], source->inputs[i].split, 1);
    }
    if (source->info.label_count)
        print_table(out, "label known", &table);
    return status;
}

static void print_findings(FILE *out, const Findings *findings) {
    int counts[FINDING_KINDS] = {0};
    for (int i = 0; i < findings->count; i++)
        counts[findings->list[i].kind]++;
    fprintf(out, "\n| found | count |\n|---|---|\n");
    for (FindingKind kind = 0; kind < FINDING_KINDS; kind++)
        if (counts[kind])
            fprintf(out, "| %s | %d |\n", finding_name(kind), counts[kind]);
}

static Status print_card(FILE *out, const StageSource *source, const PipelineResult *result, const Findings *findings) {
    int64_t flagged = 0;
    for (int64_t i = 0; i < source->count; i++)
        flagged += result->outcomes[i].packed && result->outcomes[i].framing.flags & PACK_NO_CIRCLE;
    fprintf(out, "# %s %s\n\n", source->info.dataset, source->info.dataset_version);
    if (source->info.licensed)
        fputs("Licensed: nothing derived from it, this page and every file beside it included, may be passed on. "
              "`stage forget` lists and deletes it all.\n\n",
              out);
    fprintf(out,
            "Photographs as %d x %d RGB. The fundus' circle was found and its square cut out; mosaics, infrared and "
            "autofluorescence frames are whole. In %" PRId64 " no circle was found with confidence: the full frame was "
            "kept and flagged.\n",
            source->info.image_size, source->info.image_size, flagged);
    if (source->notes && *source->notes)
        fprintf(out, "\n%s", source->notes);
    TRY(print_counts(out, "", source, result, any_input));
    TRY(print_people(out, source, result));
    TRY(print_counts(out, "camera", source, result, input_device));
    TRY(print_counts(out, "kind", source, result, input_modality));
    TRY(print_counts(out, "eye", source, result, input_eye_name));
    TRY(print_labels(out, source, result));
    print_findings(out, findings);
    return NULL;
}

Status card_write(const char *path, const StageSource *source, const PipelineResult *result, const Findings *findings) {
    TextWriter text;
    TRY(text_writer_open(&text, "the data card"));
    Status status = print_card(text.out, source, result, findings);
    if (!status)
        status = text_writer_save(&text, path);
    text_writer_discard(&text);
    return status;
}
