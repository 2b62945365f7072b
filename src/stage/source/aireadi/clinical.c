/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/aireadi/clinical.h"

#include "base/files.h"
#include "base/table.h"
#include "stage/source/aireadi/labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
    double *sums;      /* [people][MEASUREMENTS] */
    int64_t *readings; /* the same */
    int64_t sentinels, not_numbers, strangers;
} Readings;

static const char *const person_names[] = {"person_id", "participant_id", NULL};

/* Codes for "not done", "refused" and the like, written in place of a value. */
static bool is_sentinel(double value) {
    return value == 555 || value == 777 || value == 888 || value == 999;
}

static void enter_reading(const Participants *people, const char *id, int measurement, const char *text,
                          Readings *readings) {
    double value;
    const Participant *person = participants_find(people, id);
    if (!person) {
        readings->strangers++;
    } else if (!table_number(text, &value)) {
        readings->not_numbers++;
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
        int measurement = table_number(table->fields[concept], &id) ? label_measurement(id) : -1;
        if (measurement >= 0)
            enter_reading(people, table->fields[person], measurement, table->fields[value], readings);
    }
}

static void average_readings(Participants *people, const Readings *readings, FILE *notes) {
    int64_t repeated = 0;
    for (int64_t p = 0; p < people->count; p++)
        for (int m = 0; m < MEASUREMENTS; m++) {
            int64_t count = readings->readings[p * MEASUREMENTS + m];
            if (count)
                people->list[p].labels[LABEL_MEASUREMENTS + m] =
                    (float)(readings->sums[p * MEASUREMENTS + m] / (double)count);
            repeated += count > 1;
        }
    fprintf(notes,
            "measurement.csv: repeated readings of one person averaged: %lld values; sentinels 555, 777, 888, "
            "999 dropped: %lld; without a number: %lld; of people who are not in participants.tsv: %lld.\n",
            (long long)repeated, (long long)readings->sentinels, (long long)readings->not_numbers,
            (long long)readings->strangers);
}

static Status apply_measurements(Table *table, Participants *people, FILE *notes) {
    size_t cells = (size_t)people->count * MEASUREMENTS + 1;
    Readings readings = {.sums = calloc(cells, sizeof(double)), .readings = calloc(cells, sizeof(int64_t))};
    Status status = readings.sums && readings.readings ? read_measurements(table, people, &readings)
                                                       : status_no_memory("readings", cells * sizeof(double));
    if (!status)
        average_readings(people, &readings, notes);
    free(readings.sums);
    free(readings.readings);
    return status;
}

/* The table lists the conditions that people reported; a person without a row reported none. */
static Status apply_conditions(Table *table, Participants *people, FILE *notes) {
    int person, concept;
    TRY(table_column(table, person_names, &person));
    TRY(table_column(table, (const char *const[]){"condition_concept_id", NULL}, &concept));
    for (int64_t p = 0; p < people->count; p++)
        for (int c = 0; c < CONDITIONS; c++)
            people->list[p].labels[LABEL_CONDITIONS + c] = 0;
    for (bool more;;) {
        TRY(table_next(table, &more));
        if (!more)
            break;
        double id;
        int condition = table_number(table->fields[concept], &id) ? label_condition(id) : -1;
        Participant *found = condition < 0 ? NULL : participants_find(people, table->fields[person]);
        if (found)
            found->labels[LABEL_CONDITIONS + condition] = 1;
    }
    fprintf(notes, "condition_occurrence.csv: 1 where a person has a row, 0 elsewhere; reported by the people "
                   "themselves.\n");
    return NULL;
}

static Status apply_table(const char *root, const char *name, Participants *people, FILE *notes,
                          Status (*apply)(Table *, Participants *, FILE *)) {
    char *path;
    TRY(files_path(&path, "%s/clinical_data/%s", root, name));
    Status status = NULL;
    struct stat st;
    if (lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR)) { /* a dangling link is not a missing table */
        Table table;
        status = table_open(path, &table);
        if (!status) {
            status = apply(&table, people, notes);
            table_close(&table);
        }
    } else {
        fprintf(notes, "clinical_data/%s is not there: its labels are unknown.\n", name);
    }
    free(path);
    return status;
}

Status clinical_read(const char *root, Participants *people, FILE *notes) {
    TRY(apply_table(root, "measurement.csv", people, notes, apply_measurements));
    return apply_table(root, "condition_occurrence.csv", people, notes, apply_conditions);
}
