#include "folder_splits.h"
#include "files.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *person;
    PackSplit split;
} Side;

static int by_person(const void *a, const void *b) {
    return strcmp(((const Side *)a)->person, ((const Side *)b)->person);
}

static int by_person_and_split(const void *a, const void *b) {
    const Side *left = a, *right = b;
    int order = by_person(a, b);
    return order ? order : (int)left->split - (int)right->split;
}

/* Sorts; each person on several sides becomes one finding. */
static Status check_sides(Side *sides, int64_t count, Findings *findings) {
    if (count)
        qsort(sides, (size_t)count, sizeof *sides, by_person_and_split);
    for (int64_t i = 1, told = -1; i < count; i++) {
        if (strcmp(sides[i - 1].person, sides[i].person) != 0 || sides[i - 1].split == sides[i].split)
            continue;
        if (told < 0 || strcmp(sides[told].person, sides[i].person) != 0)
            TRY(findings_add(findings, FINDING_PERSON_SPLIT, sides[i].person, "", "on two sides of the split"));
        told = i;
    }
    return NULL;
}

/* Cuts `text` into lines in place. */
static Status parse(const char *path, char *text, Side *sides, int64_t *count) {
    int64_t number = 1;
    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (!*line || (number == 1 && strcmp(line, "person\tsplit") == 0))
            continue;
        char *tab = strchr(line, '\t');
        if (tab)
            *tab = '\0';
        if (!tab || !*line || !input_split(tab + 1, &sides[*count].split))
            return status_error(EXIT_DATA, "%s:%lld: not a line of person, tab, and train, val or test", path,
                                (long long)number);
        sides[(*count)++].person = line;
    }
    return NULL;
}

static Status assign(FolderSet *set, Side *sides, int64_t count) {
    TRY(check_sides(sides, count, set->maker.findings));
    StageSource *source = set->maker.source;
    int64_t found = 0;
    for (int64_t i = 0; i < source->count; i++) {
        Side key = {source->inputs[i].person, PACK_SPLIT_NONE};
        const Side *side = count ? bsearch(&key, sides, (size_t)count, sizeof *sides, by_person) : NULL;
        source->inputs[i].split = side ? side->split : PACK_SPLIT_NONE;
        found += side != NULL;
    }
    set->has_splits = true;
    fprintf(set->maker.notes, "split by a list of %lld people, which names those of %lld pictures.\n", (long long)count,
            (long long)found);
    return NULL;
}

Status folder_splits_read(FolderSet *set) {
    const char *path = set->maker.options->splits;
    if (!path)
        return NULL;
    char *text;
    size_t size, lines = 1;
    TRY(files_read(path, &text, &size));
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    Side *sides = calloc(lines, sizeof *sides);
    int64_t count = 0;
    Status status = sides ? parse(path, text, sides, &count) : status_no_memory("a split", lines * sizeof *sides);
    if (!status)
        status = assign(set, sides, count);
    free(sides);
    free(text);
    return status;
}

Status folder_splits_check(FolderSet *set) {
    StageSource *source = set->maker.source;
    if (!set->has_splits)
        return NULL;
    Side *sides = malloc(((size_t)source->count + 1) * sizeof *sides);
    if (!sides)
        return status_no_memory("a split", (size_t)source->count * sizeof *sides);
    int64_t count = 0;
    Status status = NULL;
    for (int64_t i = 0; i < source->count && !status; i++) {
        StageInput *input = &source->inputs[i];
        if (input->split == PACK_SPLIT_NONE)
            status = maker_settle(&set->maker, input, FINDING_NO_SPLIT, "it is on no side of the set's split");
        else if (!input->excluded)
            sides[count++] = (Side){input->person, input->split};
    }
    if (!status)
        status = check_sides(sides, count, set->maker.findings);
    free(sides);
    return status;
}
