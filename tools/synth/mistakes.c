/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/mistakes.h"

static const MistakeKind kinds[MISTAKES] = {
    [MISTAKE_COPY_ACROSS] = {.plant = PLANT_COPIES,
                             .finding = "refused\tduplicate_split",
                             .partner = PARTNER_OTHER_SIDE},
    [MISTAKE_NEAR_ACROSS] = {.plant = PLANT_DAMAGE, .finding = "told\tnear_duplicate", .partner = PARTNER_OTHER_SIDE},
    [MISTAKE_COPY_BESIDE] = {.plant = PLANT_COPIES, .finding = "excluded\tduplicate", .partner = PARTNER_SAME_SIDE},
    [MISTAKE_ROW_PERSON] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tcontradiction", .partner = PARTNER_ANY},
    [MISTAKE_HEADER_PERSON] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tcontradiction", .partner = PARTNER_ANY},
    [MISTAKE_HEADER_EYE] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tcontradiction"},
    [MISTAKE_DECODE] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tdecode", .pixels = PIXELS_JPEG},
    [MISTAKE_CUT_PIXELS] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tdicom"},
    [MISTAKE_CUT_HEADER] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tdicom"},
    [MISTAKE_FLIPPED] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tdicom"},
    [MISTAKE_SHORT] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tdicom", .pixels = PIXELS_NATIVE},
    [MISTAKE_LOSSLESS_JPEG] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tsyntax"},
    [MISTAKE_HT_JPEG2000] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tsyntax"},
    [MISTAKE_MD5] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tmd5"},
    [MISTAKE_EMPTY] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tempty"},
    [MISTAKE_MISSING] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tmissing"},
    [MISTAKE_DANGLING] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tunreadable"},
    [MISTAKE_LAYOUT] = {.plant = PLANT_DAMAGE, .finding = "quarantined\tcontradiction"},
    [MISTAKE_UNLISTED] = {.plant = PLANT_DAMAGE, .finding = "excluded\tunlisted"},
    [MISTAKE_TWICE] = {.plant = PLANT_DAMAGE, .finding = "told\tlisted_twice"},
    [MISTAKE_TWICE_ALSO] = {.plant = PLANT_DAMAGE, .finding = "told\tlisted_twice"},
    [MISTAKE_LATERALITY] = {.plant = PLANT_DAMAGE, .finding = "told\tlaterality"},
    [MISTAKE_DUPLICATE] = {.plant = PLANT_DAMAGE, .finding = "excluded\tduplicate"},
    [MISTAKE_BRIGHTER] = {.plant = PLANT_DAMAGE, .finding = "told\tnear_duplicate"},
    [MISTAKE_AGAIN] = {.plant = PLANT_DAMAGE, .finding = "told\tnear_duplicate"},
    [MISTAKE_NO_SPLIT] = {.plant = PLANT_DAMAGE, .finding = "excluded\tno_split", .scope = SCOPE_PERSON},
    [MISTAKE_NOBODY] = {.plant = PLANT_DAMAGE, .finding = "excluded\tno_split", .scope = SCOPE_PERSON},
    [MISTAKE_TWO_SPLITS] = {.plant = PLANT_SPLITS, .finding = "refused\tperson_split", .scope = SCOPE_PERSON},
    [MISTAKE_ABOVE] = {.plant = PLANT_SPLITS, .finding = "refused\toutside"},
    [MISTAKE_ABSOLUTE] = {.plant = PLANT_SPLITS, .finding = "refused\toutside"},
    [MISTAKE_LINK_OUT] = {.plant = PLANT_SPLITS, .finding = "refused\toutside"}};

const MistakeKind *mistake_kind(Mistake mistake) {
    return &kinds[mistake];
}
