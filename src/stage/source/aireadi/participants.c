/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/aireadi/participants.h"

#include "base/files.h"
#include "base/list.h"
#include "base/table.h"
#include "stage/source/aireadi/labels.h"
#include "stage/source/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const person_names[] = {"person_id", "participant_id", NULL};

typedef struct {
    int person, split, group, age, site;
} ParticipantColumns;

typedef struct {
    const char *text;
    int value;
} LabelCode;

/* Releases name the last group differently. */
static const LabelCode groups[] = {{"healthy", 0},
                                   {"pre_diabetes_lifestyle_controlled", 1},
                                   {"oral_medication_and_or_non_insulin_injectable_medication_controlled", 2},
                                   {"insulin_dependent", 3},
                                   {"insulin_controlled", 3},
                                   {NULL, 0}};
static const LabelCode sites[] = {{"UW", 0}, {"UCSD", 1}, {"UAB", 2}, {NULL, 0}};

static float code_of(const LabelCode *codes, const char *text) {
    for (; codes->text; codes++)
        if (strcasecmp(codes->text, text) == 0)
            return (float)codes->value;
    return NAN;
}

static int compare_ids(const void *a, const void *b) {
    return strcmp(((const Participant *)a)->id, ((const Participant *)b)->id);
}

Participant *participants_find(const Participants *people, const char *id) {
    Participant key = {.id = (char *)id};
    return people->count ? bsearch(&key, people->list, (size_t)people->count, sizeof key, compare_ids) : NULL;
}

static Status add_person(Participants *people, const char *id, Participant **person) {
    TRY(list_grow(&people->list, people->count, &people->capacity, sizeof *people->list, "the participants"));
    *person = &people->list[people->count++];
    **person = (Participant){0};
    TRY(input_set(&(*person)->id, id));
    (*person)->labels = malloc(LABELS * sizeof(float));
    if (!(*person)->labels)
        return status_no_memory("labels", LABELS * sizeof(float));
    for (int i = 0; i < LABELS; i++)
        (*person)->labels[i] = NAN;
    return NULL;
}

static const char *optional_field(const Table *table, int column) {
    return column < 0 ? "" : table->fields[column];
}

static Status read_row(const Table *table, const ParticipantColumns *columns, Participants *people) {
    if (!*optional_field(table, columns->person))
        return table_error(table, "the person is missing");
    Participant *person = NULL;
    TRY(add_person(people, optional_field(table, columns->person), &person));
    if (!input_split(optional_field(table, columns->split), &person->split))
        return table_error(table, "unknown split \"%s\": use train, val or test",
                           optional_field(table, columns->split));
    double age;
    person->labels[LABEL_STUDY_GROUP] = code_of(groups, optional_field(table, columns->group));
    person->labels[LABEL_AGE] = table_number(optional_field(table, columns->age), &age) ? (float)age : NAN;
    person->labels[LABEL_SITE] = code_of(sites, optional_field(table, columns->site));
    return NULL;
}

static Status read_rows(Table *table, Participants *people, bool *dependent, bool *controlled) {
    ParticipantColumns columns = {.group = table_find(table, (const char *const[]){"study_group", NULL}),
                                  .age = table_find(table, (const char *const[]){"age", NULL}),
                                  .site = table_find(table, (const char *const[]){"clinical_site", NULL})};
    TRY(table_column(table, person_names, &columns.person));
    TRY(table_column(table, (const char *const[]){"recommended_split", NULL}, &columns.split));
    for (bool more;;) {
        TRY(table_next(table, &more));
        if (!more)
            return NULL;
        TRY(read_row(table, &columns, people));
        *dependent |= strcasecmp(optional_field(table, columns.group), "insulin_dependent") == 0;
        *controlled |= strcasecmp(optional_field(table, columns.group), "insulin_controlled") == 0;
    }
}

/* Keeps one row for each person; rows with different splits become one finding for each person. */
static Status merge_rows(Participants *people, Findings *findings) {
    int64_t kept = 0;
    bool reported = false;
    Status status = NULL;
    if (people->count)
        qsort(people->list, (size_t)people->count, sizeof *people->list, compare_ids);
    for (int64_t i = 0; i < people->count; i++) {
        Participant *person = &people->list[i], *last = kept ? &people->list[kept - 1] : NULL;
        if (!last || strcmp(last->id, person->id) != 0) {
            people->list[kept++] = *person;
            reported = false;
            continue;
        }
        if (!status && findings && last->split != person->split && !reported)
            status = findings_add(findings, FINDING_PERSON_SPLIT, person->id, "",
                                  "rows of participants.tsv put this person in different splits");
        reported |= last->split != person->split;
        free(person->id);
        free(person->labels);
        *person = (Participant){0};
    }
    people->count = kept;
    return status;
}

static void note_labels(const Participants *people, bool dependent, bool controlled, FILE *notes) {
    fprintf(notes, "study_group: 0 healthy, 1 pre_diabetes_lifestyle_controlled, 2 oral_medication_and_or_non_insulin_"
                   "injectable_medication_controlled, 3 insulin_dependent or insulin_controlled");
    fprintf(notes, " (%s is in participants.tsv).\n",
            dependent && controlled ? "both"
            : dependent             ? "the first"
            : controlled            ? "the second"
                                    : "neither");
    fprintf(notes, "site: 0 UW, 1 UCSD, 2 UAB.\n");
    static const struct {
        int label;
        const char *name;
    } columns[] = {{LABEL_STUDY_GROUP, "study_group"}, {LABEL_AGE, "age"}, {LABEL_SITE, "clinical_site"}};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        int64_t unknown = 0;
        for (int64_t i = 0; i < people->count; i++)
            unknown += isnan(people->list[i].labels[columns[c].label]) != 0;
        if (unknown)
            fprintf(notes, "%s: missing or not understood for %lld of %lld people.\n", columns[c].name,
                    (long long)unknown, (long long)people->count);
    }
}

Status participants_read(const char *root, Participants *people, Findings *findings, FILE *notes) {
    char *path;
    TRY(files_path(&path, "%s/participants.tsv", root));
    Table table;
    Status status = files_exists(path) ? table_open(path, &table)
                                       : status_error(EXIT_DATA,
                                                      "%s: no such table; ROOT must be the folder of an AI-READI "
                                                      "download that contains it and retinal_photography",
                                                      path);
    free(path);
    TRY(status);
    bool dependent = false, controlled = false;
    status = read_rows(&table, people, &dependent, &controlled);
    table_close(&table);
    TRY(status);
    TRY(merge_rows(people, findings));
    note_labels(people, dependent, controlled, notes);
    return NULL;
}

void participants_close(Participants *people) {
    for (int64_t i = 0; i < people->count; i++) {
        free(people->list[i].id);
        free(people->list[i].labels);
    }
    free(people->list);
    *people = (Participants){0};
}
