#include "aireadi.h"
#include "aireadi_names.h"
#include "files.h"
#include "plant.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const Arguments *arguments;
    const Photograph *photographs;
    int64_t count;
} Set;

/* Ends a table and writes it below OUT. */
static Status save(const Set *set, const char *name, FILE *out, char **text, size_t *size) {
    Status status = fclose(out) ? status_no_memory(name, *size) : NULL;
    char *path = files_path("%s/%s", set->arguments->out, name), *folder = path ? strdup(path) : NULL;
    if (!status && !folder)
        status = status_no_memory("a path", 0);
    if (!status) {
        *strrchr(folder, '/') = '\0';
        status = files_make_directory(folder);
    }
    if (!status)
        status = files_write(path, *text, *size);
    free(folder);
    free(path);
    free(*text);
    return status;
}

typedef void (*Fill)(const Set *set, FILE *out);

static Status write_table(const Set *set, const char *name, Fill fill) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return status_no_memory(name, 0);
    fill(set, out);
    return save(set, name, out, &text, &size);
}

/* The first photograph of each person in turn; NULL behind the last. */
static const Photograph *person_at(const Set *set, int64_t person) {
    const int64_t at = person * 2 * set->arguments->visits;
    return at < set->count ? &set->photographs[at] : NULL;
}

static const char *other_side(Split split) {
    return photograph_split_name(split == SPLIT_TRAIN ? SPLIT_TEST : SPLIT_TRAIN);
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
    fputs("person_id\tclinical_site\tstudy_group\tage\tstudy_visit_date\trecommended_split\tcardiac_ecg\t"
          "clinical_data\tenvironment\tretinal_flio\tretinal_oct\tretinal_octa\tretinal_photography\t"
          "wearable_activity_monitor\twearable_blood_glucose\n",
          out);
    for (int64_t i = 0; person_at(set, i); i++) {
        const Photograph *first = person_at(set, i);
        const Mistake mistake = plant_of(set->arguments, first);
        if (mistake != MISTAKE_NOBODY)
            put_participant(out, first, mistake == MISTAKE_NO_SPLIT ? "" : photograph_split_name(first->split));
        if (i == 0 && set->arguments->plant == PLANT_SPLITS)
            put_participant(out, first, other_side(first->split));
    }
}

static void put_row(const Set *set, FILE *out, const Photograph *photograph, const char *file, const char *laterality) {
    char person[16], uid[64];
    /* The copy's person is its folder's. */
    const char *folder = strrchr(file, '/') - 4;
    snprintf(person, sizeof person, "%.4s", folder);
    aireadi_uid(set->arguments, photograph, uid);
    fprintf(out, "%s\tdrawn\t%s\t%s\tMacula\t%s\t%d\t%d\t%d\t%s\t/%s\n", person, aireadi_device(photograph), laterality,
            aireadi_modality(photograph), set->arguments->size, set->arguments->size, photograph->visit == 1 ? 3 : 1,
            uid, file);
}

static void fill_manifest(const Set *set, FILE *out) {
    fputs("person_id\tmanufacturer\tmanufacturers_model_name\tlaterality\tanatomic_region\timaging\theight\twidth\t"
          "color_channel_dimension\tsop_instance_uid\tfilepath\n",
          out);
    for (int64_t i = 0; i < set->count; i++) {
        const Photograph *photograph = &set->photographs[i];
        const Mistake mistake = plant_of(set->arguments, photograph);
        const char *laterality = mistake == MISTAKE_LATERALITY ? "unknown_laterality" : photograph->left ? "L" : "R";
        if (mistake != MISTAKE_UNLISTED)
            put_row(set, out, photograph, photograph->file, laterality);
        if (mistake == MISTAKE_TWICE)
            put_row(set, out, photograph, photograph->file, laterality);
        if (*photograph->twin)
            put_row(set, out, photograph, photograph->twin, laterality);
    }
    if (set->arguments->plant == PLANT_SPLITS)
        fputs("1001\tdrawn\tnone\tR\tMacula\tcfp\t1\t1\t3\t2.25.9\t/../secret.dcm\n", out);
}

/* Values by hand-written rules; blood pressure is read twice, and sentinels stand for what was not told. */
static void fill_measurements(const Set *set, FILE *out) {
    static const int sentinels[] = {555, 777, 888, 999};
    int64_t id = 1;
    fputs("measurement_id,person_id,measurement_concept_id,measurement_date,value_as_number\n", out);
    for (int64_t i = 0; person_at(set, i); i++) {
        const Photograph *first = person_at(set, i);
        char person[16];
        aireadi_person(first->person, person);
        fprintf(out, "%lld,%s,3004410,2024-01-01,%.1f\n", (long long)id++, person, 5.0 + 0.5 * first->grade);
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
    for (int64_t i = 0; person_at(set, i); i++) {
        char person[16];
        aireadi_person(i + 1, person);
        if (person_at(set, i)->grade > 0)
            fprintf(out, "%lld,%s,4174977\n", (long long)i + 1, person);
    }
}

static void fill_description(const Set *set, FILE *out) {
    (void)set;
    fputs("{\"version\": \"3.0.0-drawn\"}\n", out);
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

static void fill_truth(const Set *set, FILE *out) {
    fputs("fate\tkind\tpath\tother\n", out);
    for (int64_t i = 0; i < set->count; i++) {
        const Photograph *photograph = &set->photographs[i];
        const Mistake mistake = plant_of(set->arguments, photograph);
        if (!mistake)
            continue;
        /* The pair's later file in byte order is the one that is found. */
        const bool pair = *photograph->twin != '\0', twin_later = strcmp(photograph->twin, photograph->file) > 0;
        fprintf(out, "%s\t%s\t%s\n", plant_finding(mistake), pair && twin_later ? photograph->twin : photograph->file,
                pair ? twin_later ? photograph->file : photograph->twin : "");
    }
    if (set->arguments->plant == PLANT_SPLITS) {
        char person[16];
        aireadi_person(1, person);
        fprintf(out, "refused\tperson_split\t%s\t\nrefused\toutside\t/../secret.dcm\t\n", person);
    }
}

/* Person 1's picture once more, as one of somebody's on another side of the split. */
static Status plant_copy(const Set *set, Photograph *photograph) {
    const Photograph *other = NULL;
    for (int64_t i = 1; !other && person_at(set, i); i++)
        if (person_at(set, i)->split != photograph->split)
            other = person_at(set, i);
    if (!other)
        return status_error(EXIT_USAGE, "synth: --plant copies needs people on two sides of the split");
    char *from = files_path("%s/%s", set->arguments->out, photograph->file), *bytes = NULL;
    size_t size = 0;
    snprintf(photograph->twin, sizeof photograph->twin, "%.*s_copy.dcm", (int)(strlen(other->file) - strlen(".dcm")),
             other->file);
    memcpy(photograph->twin_md5, photograph->md5, sizeof photograph->md5);
    char *to = files_path("%s/%s", set->arguments->out, photograph->twin);
    Status status = from && to ? files_read(from, &bytes, &size) : status_no_memory("a path", 0);
    if (!status)
        status = files_write(to, bytes, size);
    free(bytes);
    free(to);
    free(from);
    return status;
}

Status aireadi_tables(const Arguments *arguments, Photograph *photographs, int64_t count) {
    const Set set = {arguments, photographs, count};
    if (arguments->plant == PLANT_COPIES)
        TRY(plant_copy(&set, &photographs[0]));
    TRY(write_table(&set, "participants.tsv", fill_participants));
    TRY(write_table(&set, "clinical_data/measurement.csv", fill_measurements));
    TRY(write_table(&set, "clinical_data/condition_occurrence.csv", fill_conditions));
    TRY(write_table(&set, "dataset_description.json", fill_description));
    TRY(write_table(&set, "md5.csv", fill_md5));
    if (arguments->plant)
        TRY(write_table(&set, "truth.tsv", fill_truth));
    /* Last: a download that has it is complete. */
    return write_table(&set, "retinal_photography/manifest.tsv", fill_manifest);
}
