/* SPDX-License-Identifier: Apache-2.0 */
/* Releases 1 and 2 call people participant_id, release 3 person_id; their column filepath begins with a slash. The
 * standard that they follow (CDS 0.1.1) calls it filename. Readers take both names, with a slash or without: release 1
 * stands here for filename without. */
#include "tools/synth/aireadi_names.h"
#include "tools/synth/aireadi_set.h"

static bool has_slash(const Set *set) {
    return set->arguments->manifest > 1;
}

typedef struct {
    const Photograph *photograph;
    int64_t person;
    const char *path, *laterality;
    bool slash;
} Row;

static void put_row(const Set *set, FILE *out, const Row *row) {
    char person[16], uid[64];
    aireadi_person(row->person, person);
    aireadi_uid(set->arguments, row->photograph, uid);
    fprintf(out, "%s\tdrawn\t%s\t%s\tMacula\t%s\t%d\t%d\t%d\t%s\t%s%s\n", person, aireadi_device(row->photograph),
            row->laterality, aireadi_modality(row->photograph), set->arguments->size, set->arguments->size,
            row->photograph->visit == 1 ? 3 : 1, uid, row->slash ? "/" : "", row->path);
}

void manifest_outside(const Set *set, const Photograph *photograph, char text[64]) {
    char person[16];
    aireadi_person(photograph->person, person);
    if (photograph->mistake == MISTAKE_ABOVE)
        snprintf(text, 64, "%s../secret_%s.dcm", has_slash(set) ? "/" : "", person);
    else
        snprintf(text, 64, "/elsewhere/retinal_photography/%s.dcm", person);
}

static void put_rows(const Set *set, FILE *out, const Photograph *photograph) {
    const Mistake mistake = photograph->mistake;
    const bool slash = has_slash(set);
    Row row = {photograph, photograph->person, photograph->file, photograph->left ? "L" : "R", slash};
    if (mistake == MISTAKE_LATERALITY)
        row.laterality = "unknown_laterality";
    if (mistake == MISTAKE_ROW_PERSON)
        row.person = photograph->partner;
    if (mistake != MISTAKE_UNLISTED)
        put_row(set, out, &row);
    char outside[64];
    if (mistake == MISTAKE_ABOVE || mistake == MISTAKE_ABSOLUTE) {
        manifest_outside(set, photograph, outside);
        row.path = outside;
        row.slash = false;
        put_row(set, out, &row);
    } else if (mistake == MISTAKE_TWICE || mistake == MISTAKE_TWICE_ALSO) {
        row.slash = slash == (mistake == MISTAKE_TWICE);
        put_row(set, out, &row);
    } else if (*photograph->twin) {
        row.path = photograph->twin;
        row.person = photograph->partner ? photograph->partner : photograph->person;
        put_row(set, out, &row);
    }
}

void manifest_fill(const Set *set, FILE *out) {
    fprintf(out,
            "%s\tmanufacturer\tmanufacturers_model_name\tlaterality\tanatomic_region\timaging\theight\twidth\t"
            "color_channel_dimension\tsop_instance_uid\t%s\n",
            set->arguments->manifest < 3 ? "participant_id" : "person_id",
            set->arguments->manifest < 2 ? "filename" : "filepath");
    for (int64_t i = 0; i < set->count; i++)
        put_rows(set, out, &set->photographs[i]);
}
