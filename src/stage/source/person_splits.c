/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/person_splits.h"

#include "base/files.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/text_file.h"
#include "base/tsv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef struct PersonSide {
    const char *person;
    const char *path; /* of a photograph; NULL in a list */
    PackSplit split;
    bool known;
} PersonSide;

static int compare_persons(const void *a, const void *b) {
    return strcmp(((const PersonSide *)a)->person, ((const PersonSide *)b)->person);
}

static int compare_sides(const void *a, const void *b) {
    const PersonSide *left = a, *right = b;
    int order = compare_persons(a, b);
    if (!order)
        order = (int)left->split - (int)right->split;
    return order || !left->path ? order : strcmp(left->path, right->path);
}

static Status report_conflict(const PersonSide *side, const PersonSide *other, const char *list, Findings *findings) {
    char *detail;
    Status status = side->path
                        ? text_format(&detail, "%s is in %s, %s in %s", side->path, pack_split_name(side->split),
                                      other->path, pack_split_name(other->split))
                        : text_format(&detail, "lines of %s put this person in different splits", path_name(list));
    if (!status)
        status = findings_add(findings, FINDING_PERSON_SPLIT, side->person, "", detail);
    free(detail);
    return status;
}

/* Sorts and keeps each person once; a person on several sides becomes one finding. `list`: the source of sides without
 * paths. */
static Status merge_sides(PersonSide *sides, int64_t *count, const char *list, Findings *findings) {
    if (*count)
        qsort(sides, (size_t)*count, sizeof *sides, compare_sides);
    int64_t kept = 0;
    bool reported = false;
    for (int64_t i = 0; i < *count; i++) {
        if (!kept || compare_persons(&sides[kept - 1], &sides[i]) != 0) {
            sides[kept++] = sides[i];
            reported = false;
        } else if (sides[kept - 1].split != sides[i].split && !reported) {
            TRY(report_conflict(&sides[kept - 1], &sides[i], list, findings));
            reported = true;
        }
    }
    *count = kept;
    return NULL;
}

static bool is_split_header(char *const *fields) {
    static const char *const people[] = {"person", "person_id", "participant_id"};
    bool person = false;
    for (size_t i = 0; i < sizeof people / sizeof *people; i++)
        person |= strcasecmp(fields[0], people[i]) == 0;
    return person && (strcasecmp(fields[1], "split") == 0 || strcasecmp(fields[1], "recommended_split") == 0);
}

static Status parse_splits(PersonSplits *splits, char *at) {
    char *fields[2];
    for (int64_t number = 1; *at; number++) {
        const int count = tsv_take_line(&at, fields, 2);
        char *last = fields[count > 1];
        last[strcspn(last, "\r")] = '\0';
        if ((count == 1 && !*last) || (number == 1 && count == 2 && is_split_header(fields)))
            continue;
        PersonSide *side = &splits->sides[splits->count];
        if (count != 2 || !*fields[0] || !input_split(fields[1], &side->split))
            return status_error(EXIT_DATA, "%s:%lld: not a line of person, tab, and train, val or test", splits->path,
                                (long long)number);
        side->person = fields[0];
        splits->count++;
    }
    return NULL;
}

static Status read_list(PersonSplits *splits, Findings *findings) {
    TextFile file;
    size_t lines = 1;
    TRY(text_file_read(splits->path, "list", &file));
    splits->text = file.data;
    for (size_t i = 0; i < file.size; i++)
        lines += file.text[i] == '\n';
    splits->sides = calloc(lines, sizeof *splits->sides);
    if (!splits->sides)
        return status_no_memory("a split", lines * sizeof *splits->sides);
    TRY(parse_splits(splits, file.text));
    if (!splits->count)
        return status_error(EXIT_DATA, "%s: contains no people; write lines of person, tab, and train, val or test",
                            splits->path);
    return merge_sides(splits->sides, &splits->count, splits->path, findings);
}

Status person_splits_open(const SourceBuilder *builder, PersonSplits *splits) {
    *splits = (PersonSplits){.path = builder->options->splits};
    Status status = splits->path ? read_list(splits, builder->findings) : NULL;
    if (status)
        person_splits_close(splits);
    return status;
}

PackSplit person_splits_of(PersonSplits *splits, const char *person) {
    const PersonSide key = {.person = person};
    PersonSide *side =
        splits->count ? bsearch(&key, splits->sides, (size_t)splits->count, sizeof key, compare_persons) : NULL;
    if (!side)
        return PACK_SPLIT_NONE;
    side->known = true;
    return side->split;
}

Status person_splits_note(SourceBuilder *builder, const PersonSplits *splits) {
    const char *stranger = NULL;
    int64_t strangers = 0;
    if (!splits->path)
        return NULL;
    for (int64_t i = splits->count; i--;)
        if (!splits->sides[i].known) {
            stranger = splits->sides[i].person;
            strangers++;
        }
    fprintf(builder->notes.out, "split by %s, a list of %lld people", path_name(splits->path),
            (long long)splits->count);
    if (stranger)
        fprintf(builder->notes.out, "; not in this set: %lld, such as %s", (long long)strangers, stranger);
    fprintf(builder->notes.out, ".\n");
    if (!stranger)
        return NULL;
    return source_warn(builder->source,
                       strangers == 1 ? "%s names %lld person who is not in this set: %s"
                                      : "%s names %lld people who are not in this set, such as %s",
                       splits->path, (long long)strangers, stranger);
}

void person_splits_close(PersonSplits *splits) {
    free(splits->sides);
    free(splits->text);
    *splits = (PersonSplits){0};
}

Status person_splits_check(SourceBuilder *builder, const char *reason) {
    StageSource *source = builder->source;
    PersonSide *sides = malloc(((size_t)source->count + 1) * sizeof *sides);
    if (!sides)
        return status_no_memory("a split", (size_t)source->count * sizeof *sides);
    int64_t count = 0;
    Status status = NULL;
    for (int64_t i = 0; i < source->count && !status; i++) {
        StageInput *input = &source->inputs[i];
        if (input->split == PACK_SPLIT_NONE)
            status = builder_reject(builder, input, FINDING_NO_SPLIT, reason);
        else if (!input->exclude_reason)
            sides[count++] = (PersonSide){.person = input->person, .path = input->path, .split = input->split};
    }
    if (!status)
        status = merge_sides(sides, &count, NULL, builder->findings);
    free(sides);
    return status;
}
