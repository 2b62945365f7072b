/* SPDX-License-Identifier: Apache-2.0 */
#include "pack/split.h"

#include "base/files.h"
#include "base/text.h"
#include "pack/people.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

/* A pack's rows by person. */
typedef struct {
    const char *directory, *dataset;
    PackRow *rows;
    PackPerson *people; /* [count], sorted; index: the row */
    uint8_t *named;     /* [count], at a person's first entry: split.tsv has named them */
    int64_t count;
} PackSides;

/* --- split.tsv --- */

/* Replaces \t, \n, \r and \\ in place; false for another escape. */
static bool unescape_person(char *text) {
    char *out = text;
    for (; *text; text++) {
        if (*text != '\\') {
            *out++ = *text;
            continue;
        }
        static const char escapes[] = "tnr\\", meanings[] = "\t\n\r\\";
        const char *found = *++text ? strchr(escapes, *text) : NULL;
        if (!found)
            return false;
        *out++ = meanings[found - escapes];
    }
    *out = '\0';
    return true;
}

#define REMEDY "delete that file to use the pack's own split (./stage split makes another)"

static Status apply_line(PackSides *sides, const char *path, int number, char *line) {
    char *tab = strchr(line, '\t');
    if (!tab || strchr(tab + 1, '\t'))
        return status_error(EXIT_DATA, "%s:%d: not \"person<TAB>split\"; " REMEDY, path, number);
    *tab = '\0';
    PackSplit split = PACK_SPLIT_NONE;
    Status status = pack_split_parse(tab + 1, &split);
    if (status) {
        Status placed = status_error(EXIT_DATA, "%s:%d: %s", path, number, status_message(status));
        status_free(status);
        return placed;
    }
    PackPerson *person = *line && unescape_person(line) ? pack_people_find(sides->people, sides->count, line) : NULL;
    if (!person)
        return status_error(EXIT_DATA, "%s:%d: no record of the pack belongs to person \"%s\"; " REMEDY, path, number,
                            line);
    if (sides->named[person - sides->people])
        return status_error(EXIT_DATA, "%s:%d: person \"%s\" is listed twice; " REMEDY, path, number, line);
    sides->named[person - sides->people] = 1;
    for (; person < sides->people + sides->count && strcmp(person->person, line) == 0; person++)
        person->split = sides->rows[person->index].split = split;
    return NULL;
}

static Status apply_split_file(PackSides *sides, const char *path) {
    char *text;
    size_t size;
    TRY(files_read(path, &text, &size));
    Status status = NULL;
    if (strlen(text) != size)
        status = status_error(EXIT_DATA, "%s: contains NUL bytes: damaged; " REMEDY, path);
    const char *at = text;
    TextLine line;
    for (int number = 1; !status && text_next_line(&at, text + size, &line); number++) {
        if (!line.ended)
            status = status_error(EXIT_DATA, "%s:%d: the last line has no line end: truncated; " REMEDY, path, number);
        else
            status = apply_line(sides, path, number, text_cut_line(text, &line));
    }
    free(text);
    return status;
}

/* --- The result --- */

/* One line for each person; for unknown people, one for each split. */
static Status hash_people(const PackSides *sides, uint64_t *hash) {
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return status_no_memory("a hash", 0);
    XXH3_64bits_reset(state);
    for (int64_t i = 0; i < sides->count; i++) {
        const PackPerson *person = &sides->people[i], *before = i ? person - 1 : NULL;
        if (before && before->split == person->split && strcmp(before->person, person->person) == 0)
            continue;
        const char *parts[] = {sides->dataset, " ", person->person, " ", pack_split_name(person->split), "\n"};
        for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
            XXH3_64bits_update(state, parts[part], strlen(parts[part]));
    }
    *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return NULL;
}

static Status check_people(const PackSides *sides) {
    for (int64_t i = 1; i < sides->count; i++) {
        const PackPerson *person = &sides->people[i], *before = person - 1;
        if (*person->person && person->split != before->split && strcmp(person->person, before->person) == 0)
            return status_error(
                EXIT_DATA, "%s: person \"%s\" is on two sides of the split (%s is \"%s\", %s is \"%s\"); stage again",
                sides->directory, person->person, sides->rows[before->index].source, pack_split_name(before->split),
                sides->rows[person->index].source, pack_split_name(person->split));
    }
    return NULL;
}

static Status apply_split(PackSides *sides, const char *path, uint64_t *split_hash) {
    if (!sides->people || !sides->named)
        return status_no_memory("the pack's people", (unsigned long long)sides->count * sizeof *sides->people);
    for (int64_t i = 0; i < sides->count; i++)
        sides->people[i] = (PackPerson){sides->rows[i].person, sides->rows[i].split, i};
    pack_people_sort(sides->people, sides->count);
    if (files_exists(path))
        TRY(apply_split_file(sides, path));
    TRY(check_people(sides));
    return hash_people(sides, split_hash);
}

Status pack_split_apply(const char *directory, const char *dataset, PackRow *rows, int64_t count,
                        uint64_t *split_hash) {
    PackSides sides = {.directory = directory,
                       .dataset = dataset,
                       .rows = rows,
                       .people = malloc((size_t)count * sizeof *sides.people),
                       .named = calloc((size_t)count, 1),
                       .count = count};
    char *path;
    Status status = files_path(&path, "%s/split.tsv", directory);
    if (!status)
        status = apply_split(&sides, path, split_hash);
    free(path);
    free(sides.named);
    free(sides.people);
    return status;
}
