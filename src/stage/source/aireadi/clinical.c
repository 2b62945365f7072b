/* SPDX-License-Identifier: Apache-2.0 */
/* Labels from AI-READI's OMOP tables: clinical_data/measurement.csv and condition_occurrence.csv. */
#include "base/files.h"
#include "base/table.h"
#include "stage/source/aireadi/participants.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Concept ids of the release's documentation (static/json/mappings.json). */
static const struct {
    const char *name;
    int concept;
} measurements[] = {{"hba1c", 3004410},           {"bmi", 4245997},           {"systolic", 3004249},
                    {"diastolic", 3012888},       {"heart_rate", 4239408},    {"weight", 3025315},
                    {"height", 3036277},          {"creatinine", 3016723},    {"cholesterol_total", 3027114},
                    {"cholesterol_hdl", 3007070}, {"triglycerides", 3022192}, {"glucose", 3004501},
                    {"crp_hs", 3010156},          {"insulin", 3016244},       {"urine_albumin", 3012516},
                    {"urine_creatinine", 3017250}},
  conditions[] = {{"retinopathy", 4174977}, {"glaucoma", 437541}, {"amd", 374028},
                  {"cataract", 4317977},    {"rvo", 440392},      {"hypertension", 316866}};

enum {
    MEASUREMENTS = sizeof measurements / sizeof *measurements,
    CONDITIONS = sizeof conditions / sizeof *conditions,
    LABELS = LABEL_CLINICAL + MEASUREMENTS + CONDITIONS
};

/* In the order of the tables above. */
static const char *const label_names[LABELS] = {
    "study_group",      "age",           "site",     "hba1c",  "bmi",        "systolic",
    "diastolic",        "heart_rate",    "weight",   "height", "creatinine", "cholesterol_total",
    "cholesterol_hdl",  "triglycerides", "glucose",  "crp_hs", "insulin",    "urine_albumin",
    "urine_creatinine", "retinopathy",   "glaucoma", "amd",    "cataract",   "rvo",
    "hypertension"};

int participants_label_count(void) {
    return LABELS;
}

const char *const *participants_label_names(void) {
    return label_names;
}

typedef struct {
    double *sums;      /* [people][MEASUREMENTS] */
    int64_t *readings; /* the same */
    int64_t sentinels, no_number, strangers;
} Readings;

static const char *const person_names[] = {"person_id", "participant_id", NULL};

static int measurement_of(double concept) {
    for (int i = 0; i < MEASUREMENTS; i++)
        if (measurements[i].concept == concept)
            return i;
    return -1;
}

static int condition_of(double concept) {
    for (int i = 0; i < CONDITIONS; i++)
        if (conditions[i].concept == concept)
            return i;
    return -1;
}

/* Codes for "not done", "refused" and the like, written where a value belongs. */
static bool is_sentinel(double value) {
    return value == 555 || value == 777 || value == 888 || value == 999;
}

static void enter_reading(const Participants *people, const char *id, int measurement, const char *text,
                          Readings *readings) {
    double value;
    const Person *person = participants_find(people, id);
    if (!person) {
        readings->strangers++;
    } else if (!table_number(text, &value)) {
        readings->no_number++;
    } else if (is_sentinel(value)) {
        readings->sentinels++;
    } else {
        int64_t at = (person - people->list) * MEASUREMENTS + measurement;
        readings->sums[at] += value;
        readings->readings[at]++;
    }
}

static Status read_measurements(Table *table, const Participants *people, Readings *readings) {
    int person, concept, value;
    TRY(table_column(table, person_names, &person));
    TRY(table_column(table, (const char *const[]){"measurement_concept_id", NULL}, &concept));
    TRY(table_column(table, (const char *const[]){"value_as_number", NULL}, &value));
    for (bool more;;) {
        TRY(table_next(table, &more));
        if (!more)
            return NULL;
        double id;
        int measurement = table_number(table->fields[concept], &id) ? measurement_of(id) : -1;
        if (measurement >= 0)
            enter_reading(people, table->fields[person], measurement, table->fields[value], readings);
    }
}

static void average(Participants *people, const Readings *readings, FILE *notes) {
    int64_t repeated = 0;
    for (int64_t p = 0; p < people->count; p++)
        for (int m = 0; m < MEASUREMENTS; m++) {
            int64_t count = readings->readings[p * MEASUREMENTS + m];
            if (count)
                people->list[p].labels[LABEL_CLINICAL + m] =
                    (float)(readings->sums[p * MEASUREMENTS + m] / (double)count);
            repeated += count > 1;
        }
    fprintf(notes,
            "measurement.csv: repeated readings of one person averaged: %lld values; sentinels 555, 777, 888, "
            "999 dropped: %lld; without a number: %lld; of people who are not in participants.tsv: %lld.\n",
            (long long)repeated, (long long)readings->sentinels, (long long)readings->no_number,
            (long long)readings->strangers);
}

static Status take_measurements(Table *table, Participants *people, FILE *notes) {
    size_t cells = (size_t)people->count * MEASUREMENTS + 1;
    Readings readings = {.sums = calloc(cells, sizeof(double)), .readings = calloc(cells, sizeof(int64_t))};
    Status status = readings.sums && readings.readings ? read_measurements(table, people, &readings)
                                                       : status_no_memory("readings", cells * sizeof(double));
    if (!status)
        average(people, &readings, notes);
    free(readings.sums);
    free(readings.readings);
    return status;
}

/* The table holds what people said they have: whoever has no row has said no. */
static Status take_conditions(Table *table, Participants *people, FILE *notes) {
    int person, concept;
    TRY(table_column(table, person_names, &person));
    TRY(table_column(table, (const char *const[]){"condition_concept_id", NULL}, &concept));
    for (int64_t p = 0; p < people->count; p++)
        for (int c = 0; c < CONDITIONS; c++)
            people->list[p].labels[LABEL_CLINICAL + MEASUREMENTS + c] = 0;
    for (bool more;;) {
        TRY(table_next(table, &more));
        if (!more)
            break;
        double id;
        int condition = table_number(table->fields[concept], &id) ? condition_of(id) : -1;
        Person *found = condition < 0 ? NULL : participants_find(people, table->fields[person]);
        if (found)
            found->labels[LABEL_CLINICAL + MEASUREMENTS + condition] = 1;
    }
    fprintf(notes, "condition_occurrence.csv: 1 where a person has a row, 0 elsewhere; reported by the people "
                   "themselves.\n");
    return NULL;
}

static Status read_table(const char *root, const char *name, Participants *people, FILE *notes,
                         Status (*take)(Table *, Participants *, FILE *)) {
    char *path;
    TRY(files_path(&path, "%s/clinical_data/%s", root, name));
    Status status = NULL;
    struct stat st;
    if (lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)) { /* a link to nowhere is no missing table */
        Table table;
        status = table_open(path, &table);
        if (!status) {
            status = take(&table, people, notes);
            table_close(&table);
        }
    } else {
        fprintf(notes, "clinical_data/%s is not there: its labels are unknown.\n", name);
    }
    free(path);
    return status;
}

Status clinical_read(const char *root, Participants *people, FILE *notes) {
    TRY(read_table(root, "measurement.csv", people, notes, take_measurements));
    return read_table(root, "condition_occurrence.csv", people, notes, take_conditions);
}
