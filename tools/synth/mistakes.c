/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/mistakes.h"

static const MistakeKind kinds[MISTAKES] = {
    [MISTAKE_COPY_ACROSS] = {PLANT_COPIES, "refused\tduplicate_split", .partner = PARTNER_OTHER_SIDE},
    [MISTAKE_NEAR_ACROSS] = {PLANT_DAMAGE, "told\tnear_duplicate", .partner = PARTNER_OTHER_SIDE},
    [MISTAKE_COPY_BESIDE] = {PLANT_COPIES, "excluded\tduplicate", .partner = PARTNER_SAME_SIDE},
    [MISTAKE_ROW_PERSON] = {PLANT_DAMAGE, "quarantined\tcontradiction", .partner = PARTNER_ANY},
    [MISTAKE_HEADER_PERSON] = {PLANT_DAMAGE, "quarantined\tcontradiction", .partner = PARTNER_ANY},
    [MISTAKE_HEADER_EYE] = {PLANT_DAMAGE, "quarantined\tcontradiction"},
    [MISTAKE_DECODE] = {PLANT_DAMAGE, "quarantined\tdecode", .pixels = PIXELS_JPEG},
    [MISTAKE_CUT_PIXELS] = {PLANT_DAMAGE, "quarantined\tdicom"},
    [MISTAKE_CUT_HEADER] = {PLANT_DAMAGE, "quarantined\tdicom"},
    [MISTAKE_FLIPPED] = {PLANT_DAMAGE, "quarantined\tdicom"},
    [MISTAKE_SHORT] = {PLANT_DAMAGE, "quarantined\tdicom", .pixels = PIXELS_NATIVE},
    [MISTAKE_RLE] = {PLANT_DAMAGE, "quarantined\tsyntax"},
    [MISTAKE_JPEG2000] = {PLANT_DAMAGE, "quarantined\tsyntax"},
    [MISTAKE_MD5] = {PLANT_DAMAGE, "quarantined\tmd5"},
    [MISTAKE_EMPTY] = {PLANT_DAMAGE, "quarantined\tempty"},
    [MISTAKE_MISSING] = {PLANT_DAMAGE, "quarantined\tmissing"},
    [MISTAKE_DANGLING] = {PLANT_DAMAGE, "quarantined\tunreadable"},
    [MISTAKE_LAYOUT] = {PLANT_DAMAGE, "quarantined\tcontradiction"},
    [MISTAKE_UNLISTED] = {PLANT_DAMAGE, "excluded\tunlisted"},
    [MISTAKE_TWICE] = {PLANT_DAMAGE, "told\tlisted_twice"},
    [MISTAKE_TWICE_ALSO] = {PLANT_DAMAGE, "told\tlisted_twice"},
    [MISTAKE_LATERALITY] = {PLANT_DAMAGE, "told\tlaterality"},
    [MISTAKE_DUPLICATE] = {PLANT_DAMAGE, "excluded\tduplicate"},
    [MISTAKE_BRIGHTER] = {PLANT_DAMAGE, "told\tnear_duplicate"},
    [MISTAKE_AGAIN] = {PLANT_DAMAGE, "told\tnear_duplicate"},
    [MISTAKE_NO_SPLIT] = {PLANT_DAMAGE, "excluded\tno_split", .scope = SCOPE_PERSON},
    [MISTAKE_NOBODY] = {PLANT_DAMAGE, "excluded\tno_split", .scope = SCOPE_PERSON},
    [MISTAKE_TWO_SPLITS] = {PLANT_SPLITS, "refused\tperson_split", .scope = SCOPE_PERSON},
    [MISTAKE_ABOVE] = {PLANT_SPLITS, "refused\toutside"},
    [MISTAKE_ABSOLUTE] = {PLANT_SPLITS, "refused\toutside"},
    [MISTAKE_LINK_OUT] = {PLANT_SPLITS, "refused\toutside"}};

const MistakeKind *mistake_kind(Mistake mistake) {
    return &kinds[mistake];
}
