/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "tools/synth/aireadi.h"
#include "tools/synth/aireadi_names.h"
#include "tools/synth/aireadi_set.h"

static const char *other_side(Split split) {
    return split_name(split == SPLIT_TRAIN ? SPLIT_TEST : SPLIT_TRAIN);
}

static void put_participant(FILE *out, const Photograph *first, const char *split) {
    static const char *const groups[] = {"healthy", "pre_diabetes_lifestyle_controlled",
                                         "oral_medication_and_or_non_insulin_injectable_medication_controlled",
                                         "insulin_dependent"};
    char person[16];
    aireadi_person(first->person, person);
    fprintf(out, "%s\t%s\t%s\t%d\t2024-01-%02d\t%s\tTRUE\tTRUE\tTRUE\tFALSE\tFALSE\tFALSE\tTRUE\tFALSE\tFALSE\n",
            person, aireadi_site(first->person), groups[first->person % 4], first->age, 1 + (int)(first->person % 28),
            split);
}

static void fill_participants(const Set *set, FILE *out) {
    fprintf(out,
            "%s\tclinical_site\tstudy_group\tage\tstudy_visit_date\trecommended_split\tcardiac_ecg\t"
            "clinical_data\tenvironment\tretinal_flio\tretinal_oct\tretinal_octa\tretinal_photography\t"
            "wearable_activity_monitor\twearable_blood_glucose\n",
            set->arguments->manifest < 3 ? "participant_id" : "person_id");
    for (int64_t i = 0; set_person(set, i); i++) {
        const Photograph *first = set_person(set, i);
        const Mistake mistake = first->mistake;
        if (mistake != MISTAKE_NOBODY)
            put_participant(out, first, mistake == MISTAKE_NO_SPLIT ? "" : split_name(first->split));
        if (mistake == MISTAKE_TWO_SPLITS)
            put_participant(out, first, other_side(first->split));
    }
}

/* Values by hand-written rules; blood pressure is read twice, and sentinels stand for what is not known. */
static void fill_measurements(const Set *set, FILE *out) {
    static const int sentinels[] = {555, 777, 888, 999};
    int64_t id = 1;
    fputs("measurement_id,person_id,measurement_concept_id,measurement_date,value_as_number\n", out);
    for (int64_t i = 0; set_person(set, i); i++) {
        const Photograph *first = set_person(set, i);
        char person[16];
        aireadi_person(first->person, person);
        fprintf(out, "%lld,%s,3004410,2024-01-01,%.1f\n", (long long)id++, person, 5.0 + 0.5 * first->grade);
        fprintf(out, "%lld,%s,4245997,2024-01-01,%.1f\n", (long long)id++, person,
                21.5 + (double)(first->person * 5 % 17));
        for (int reading = 0; reading < 2; reading++)
            fprintf(out, "%lld,%s,3004249,2024-01-01,%d\n", (long long)id++, person,
                    110 + (int)(first->person * 7 % 40) + 4 * reading);
        if (i % 5 == 0)
            fprintf(out, "%lld,%s,4239408,2024-01-01,%d\n", (long long)id++, person, sentinels[i / 5 % 4]);
        else
            fprintf(out, "%lld,%s,4239408,2024-01-01,%d\n", (long long)id++, person, 60 + (int)(first->person % 30));
    }
}

static void fill_conditions(const Set *set, FILE *out) {
    fputs("condition_occurrence_id,person_id,condition_concept_id\n", out);
    for (int64_t i = 0; set_person(set, i); i++) {
        char person[16];
        aireadi_person(i + 1, person);
        if (set_person(set, i)->grade > 0)
            fprintf(out, "%lld,%s,4174977\n", (long long)i + 1, person);
    }
}

static void fill_description(const Set *set, FILE *out) {
    (void)set;
    Json json;
    json_open(&json, out);
    json_object(&json, NULL, JSON_LINE);
    json_string(&json, "version", "3.0.0-drawn");
    json_end(&json);
    json_newline(&json);
}

static void fill_md5(const Set *set, FILE *out) {
    fputs("name,content_md5\n", out);
    for (int64_t i = 0; i < set->count; i++) {
        const Photograph *photograph = &set->photographs[i];
        fprintf(out, "%s,%s\n", photograph->file, photograph->md5);
        if (*photograph->twin)
            fprintf(out, "%s,%s\n", photograph->twin, photograph->twin_md5);
    }
}

Status aireadi_tables(const Arguments *arguments, const Photograph *photographs, int64_t count) {
    const Set set = {arguments, photographs, count};
    TRY(set_write(&set, "participants.tsv", fill_participants));
    TRY(set_write(&set, "clinical_data/measurement.csv", fill_measurements));
    TRY(set_write(&set, "clinical_data/condition_occurrence.csv", fill_conditions));
    TRY(set_write(&set, "dataset_description.json", fill_description));
    TRY(set_write(&set, "md5.csv", fill_md5));
    if (arguments->plant)
        TRY(set_write(&set, "truth.tsv", truth_fill));
    /* Last: a download that has it is complete. */
    return set_write(&set, "retinal_photography/manifest.tsv", manifest_fill);
}
