/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/aireadi_names.h"
#include "tools/synth/aireadi_set.h"
#include <string.h>

/* Of a person's mistake that is not about files, one line, by the first of them. */
static bool is_first(const Photograph *photograph) {
    return !photograph->left && photograph->visit == 1;
}

static void put_line(const Set *set, FILE *out, const Photograph *photograph) {
    const char *path = photograph->file, *other = "";
    char text[64];
    if (photograph->mistake == MISTAKE_TWO_SPLITS) {
        if (!is_first(photograph))
            return;
        aireadi_person(photograph->person, text);
        path = text;
    } else if (photograph->mistake == MISTAKE_ABOVE || photograph->mistake == MISTAKE_ABSOLUTE) {
        manifest_outside(set, photograph, text);
        path = text;
    } else if (*photograph->twin) {
        /* The pair's later file in byte order is the one that is found. */
        const bool later = strcmp(photograph->twin, photograph->file) > 0;
        path = later ? photograph->twin : photograph->file;
        other = later ? photograph->file : photograph->twin;
    }
    fprintf(out, "%s\t%s\t%s\n", mistake_kind(photograph->mistake)->finding, path, other);
}

void truth_fill(const Set *set, FILE *out) {
    fputs("fate\tkind\tpath\tother\n", out);
    for (int64_t i = 0; i < set->count; i++)
        if (set->photographs[i].mistake)
            put_line(set, out, &set->photographs[i]);
}
