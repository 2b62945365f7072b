/* SPDX-License-Identifier: Apache-2.0 */
/* Who is on which side: the shards' own split, split.tsv above it, and the hash of the result. */
#include "base/files.h"
#include "pack/pack_file.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

static const char *const SPLIT_NAMES[PACK_SPLITS] = {"", "train", "val", "test"};

const char *pack_split_name(PackSplit split) {
    return SPLIT_NAMES[split];
}

Status pack_split_parse(const char *text, PackSplit *split) {
    for (int i = 0; i < PACK_SPLITS; i++)
        if (strcmp(text, SPLIT_NAMES[i]) == 0) {
            *split = (PackSplit)i;
            return NULL;
        }
    return status_error(EXIT_DATA, "split \"%s\" is none of train, val, test, nor empty", text);
}

const char *pack_eye_name(PackEye eye) {
    static const char *const names[] = {"", "R", "L"};
    return names[eye];
}

/* --- split.tsv --- */

/* \t, \n, \r and \\ to what they stand for, in place; false for another escape. */
static bool unescape(char *text) {
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

static int by_person(const void *a, const void *b) {
    const PackRow *const *left = a, *const *right = b;
    int order = strcmp((*left)->person, (*right)->person);
    return order ? order : (int)(*left)->split - (int)(*right)->split;
}

/* Rows in the order of by_person(), but for the splits of those that split.tsv names. */
typedef struct {
    PackRow **rows;
    uint8_t *named; /* a person's first row: split.tsv has named them */
    int64_t count;
} People;

/* The first row of a person, or -1. */
static int64_t find_person(const People *people, const char *person) {
    int64_t low = 0, high = people->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (strcmp(people->rows[middle]->person, person) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < people->count && strcmp(people->rows[low]->person, person) == 0 ? low : -1;
}

static Status apply_line(People *people, const char *path, int number, char *line) {
    char *tab = strchr(line, '\t');
    if (!tab || strchr(tab + 1, '\t'))
        return status_error(EXIT_DATA, "%s:%d: not \"person<TAB>split\"", path, number);
    *tab = '\0';
    PackSplit split = PACK_SPLIT_NONE;
    Status status = pack_split_parse(tab + 1, &split);
    if (status) {
        Status placed = status_error(EXIT_DATA, "%s:%d: %s", path, number, status_message(status));
        status_free(status);
        return placed;
    }
    int64_t at = *line && unescape(line) ? find_person(people, line) : -1;
    if (at < 0)
        return status_error(EXIT_DATA,
                            "%s:%d: no record of the pack is of person \"%s\"; remove that file to have the pack's own "
                            "split, then ./stage split deals another",
                            path, number, line);
    if (people->named[at])
        return status_error(EXIT_DATA, "%s:%d: person \"%s\" a second time", path, number, line);
    people->named[at] = 1;
    for (; at < people->count && strcmp(people->rows[at]->person, line) == 0; at++)
        people->rows[at]->split = split;
    return NULL;
}

static Status apply_file(People *people, const char *path) {
    char *text;
    size_t size;
    TRY(files_read(path, &text, &size));
    Status status = NULL;
    if (strlen(text) != size)
        status = status_error(EXIT_DATA, "%s: holds NUL bytes: damaged", path);
    int number = 0;
    for (char *line = text; *line && !status;) {
        char *end = strchr(line, '\n');
        number++;
        if (!end) {
            status = status_error(EXIT_DATA, "%s:%d: its last line has no end: cut short", path, number);
            break;
        }
        *end = '\0';
        status = apply_line(people, path, number, line);
        line = end + 1;
    }
    free(text);
    return status;
}

/* --- The result --- */

/* One line for each person; where the person is not known, one for each split. */
static Status hash_people(const Pack *pack, const People *people, uint64_t *hash) {
    XXH3_state_t *state = XXH3_createState();
    if (!state)
        return status_no_memory("a hash", 0);
    XXH3_64bits_reset(state);
    for (int64_t i = 0; i < people->count; i++) {
        const PackRow *row = people->rows[i], *before = i ? people->rows[i - 1] : NULL;
        if (before && before->split == row->split && strcmp(before->person, row->person) == 0)
            continue;
        const char *parts[] = {pack->info.dataset, " ", row->person, " ", pack_split_name(row->split), "\n"};
        for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
            XXH3_64bits_update(state, parts[part], strlen(parts[part]));
    }
    *hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return NULL;
}

static Status check_people(const Pack *pack, const People *people) {
    for (int64_t i = 1; i < people->count; i++) {
        const PackRow *row = people->rows[i], *before = people->rows[i - 1];
        if (*row->person && row->split != before->split && strcmp(row->person, before->person) == 0)
            return status_error(
                EXIT_DATA, "%s: person \"%s\" is on two sides of the split (%s is \"%s\", %s is \"%s\"); stage again",
                pack->directory, row->person, before->source, pack_split_name(before->split), row->source,
                pack_split_name(row->split));
    }
    return NULL;
}

static Status apply(Pack *pack, People *people, const char *path) {
    if (!people->rows || !people->named || !path)
        return status_no_memory("the pack's people", (unsigned long long)pack->count * sizeof *people->rows);
    for (int64_t i = 0; i < pack->count; i++)
        people->rows[i] = &pack->rows[i];
    qsort(people->rows, (size_t)people->count, sizeof *people->rows, by_person);
    if (files_exists(path))
        TRY(apply_file(people, path));
    TRY(check_people(pack, people));
    return hash_people(pack, people, &pack->split_hash);
}

Status pack_split_apply(Pack *pack) {
    People people = {.rows = malloc((size_t)pack->count * sizeof *people.rows),
                     .named = calloc((size_t)pack->count, 1),
                     .count = pack->count};
    char *path = files_path("%s/split.tsv", pack->directory);
    Status status = apply(pack, &people, path);
    free(path);
    free(people.named);
    free(people.rows);
    return status;
}
