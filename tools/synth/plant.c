#include "plant.h"

/* Person 1 and on: the right eye's colour picture, or all of a person. The order suits the cameras' encodings, see
 * aireadi.c: the first four people's are JPEG, JPEG in pieces, explicit RGB and implicit or planar RGB. */
static const Mistake damage[] = {MISTAKE_DECODE,    MISTAKE_MD5,   MISTAKE_DICOM,    MISTAKE_SYNTAX,
                                 MISTAKE_MISSING,   MISTAKE_EMPTY, MISTAKE_UNLISTED, MISTAKE_LATERALITY,
                                 MISTAKE_DUPLICATE, MISTAKE_NEAR,  MISTAKE_TWICE,    MISTAKE_NO_SPLIT,
                                 MISTAKE_NOBODY};
enum { DAMAGES = sizeof damage / sizeof *damage };

Mistake plant_of(const Arguments *arguments, const Photograph *photograph) {
    const int64_t person = photograph->person - 1;
    const bool first = !photograph->left && photograph->visit == 1;
    if (arguments->plant == PLANT_COPIES)
        return first && person == 0 ? MISTAKE_COPY : MISTAKE_NONE;
    if (arguments->plant != PLANT_DAMAGE || person >= DAMAGES)
        return MISTAKE_NONE;
    const Mistake mistake = damage[person];
    const bool whole_person = mistake == MISTAKE_NO_SPLIT || mistake == MISTAKE_NOBODY;
    return first || whole_person ? mistake : MISTAKE_NONE;
}

const char *plant_finding(Mistake mistake) {
    static const char *const findings[] = {
        [MISTAKE_DECODE] = "quarantined\tdecode",    [MISTAKE_MD5] = "quarantined\tmd5",
        [MISTAKE_DICOM] = "quarantined\tdicom",      [MISTAKE_SYNTAX] = "quarantined\tsyntax",
        [MISTAKE_MISSING] = "quarantined\tmissing",  [MISTAKE_EMPTY] = "quarantined\tempty",
        [MISTAKE_UNLISTED] = "excluded\tunlisted",   [MISTAKE_LATERALITY] = "told\tlaterality",
        [MISTAKE_DUPLICATE] = "excluded\tduplicate", [MISTAKE_NEAR] = "told\tnear_duplicate",
        [MISTAKE_TWICE] = "told\tlisted_twice",      [MISTAKE_NO_SPLIT] = "excluded\tno_split",
        [MISTAKE_NOBODY] = "excluded\tno_split",     [MISTAKE_COPY] = "refused\tduplicate_split"};
    return findings[mistake];
}
