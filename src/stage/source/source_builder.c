/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/source_builder.h"
#include "base/files.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/text_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

Status input_set_part(char **field, const char *text, size_t length) {
    char *copy = strndup(text, length);
    if (!copy)
        return status_no_memory("an input", length);
    free(*field);
    *field = copy;
    return NULL;
}

Status input_set(char **field, const char *text) {
    return input_set_part(field, text, strlen(text));
}

PackEye input_eye(const char *text) {
    static const struct {
        const char *name;
        PackEye eye;
    } names[] = {{"R", PACK_EYE_RIGHT},   {"L", PACK_EYE_LEFT},   {"right", PACK_EYE_RIGHT},
                 {"left", PACK_EYE_LEFT}, {"OD", PACK_EYE_RIGHT}, {"OS", PACK_EYE_LEFT}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(text, names[i].name) == 0)
            return names[i].eye;
    return PACK_EYE_UNKNOWN;
}

bool input_is_dicom(const char *path) {
    const char *dot = strrchr(path, '.');
    return dot && strcasecmp(dot, ".dcm") == 0;
}

bool input_split(const char *text, PackSplit *split) {
    static const struct {
        const char *name;
        PackSplit split;
    } names[] = {{"", PACK_SPLIT_NONE},     {"train", PACK_SPLIT_TRAIN}, {"training", PACK_SPLIT_TRAIN},
                 {"val", PACK_SPLIT_VAL},   {"valid", PACK_SPLIT_VAL},   {"validation", PACK_SPLIT_VAL},
                 {"test", PACK_SPLIT_TEST}, {"testing", PACK_SPLIT_TEST}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(text, names[i].name) == 0) {
            *split = names[i].split;
            return true;
        }
    return false;
}

/* --- What to leave out ---------------------------------------------------------------------------------------------*/

typedef struct {
    char *text;
    int64_t line;
} Line;

static int by_text(const void *a, const void *b) {
    const Line *left = a, *right = b;
    int order = strcmp(left->text, right->text);
    return order ? order : (left->line > right->line) - (left->line < right->line);
}

static Status fill_lines(Lines *lines, Line *list, int64_t count) {
    if (count)
        qsort(list, (size_t)count, sizeof *list, by_text);
    lines->texts = calloc((size_t)count + 1, sizeof *lines->texts);
    lines->lines = calloc((size_t)count + 1, sizeof *lines->lines);
    lines->used = calloc((size_t)count + 1, sizeof *lines->used);
    if (!lines->texts || !lines->lines || !lines->used)
        return status_no_memory("a list of names", (unsigned long long)count * sizeof *lines->texts);
    for (int64_t i = 0; i < count; i++) {
        lines->texts[i] = list[i].text;
        lines->lines[i] = list[i].line;
    }
    lines->count = count;
    return NULL;
}

/* Paths in the file may be written with a leading slash, as manifests write them. */
static Status read_lines(const char *path, Lines *lines) {
    TextFile file;
    size_t breaks = 1;
    TRY(text_file_read(path, "list", &file));
    lines->data = file.data;
    for (const char *at = lines->data; *at; at++)
        breaks += *at == '\n';
    Line *list = malloc(breaks * sizeof *list);
    if (!list)
        return status_no_memory("a list of names", breaks * sizeof *list);
    int64_t count = 0, number = 1;
    for (char *at = file.text, *next; at; at = next, number++) {
        next = strchr(at, '\n');
        if (next)
            *next++ = '\0';
        at[strcspn(at, "\r")] = '\0';
        at += strspn(at, "/");
        if (*at)
            list[count++] = (Line){at, number};
    }
    Status status = fill_lines(lines, list, count);
    free(list);
    return status;
}

static int by_name(const void *key, const void *text) {
    return strcmp(key, *(char *const *)text);
}

bool maker_excludes(Maker *maker, const char *path) {
    Lines *lines = &maker->exclude;
    char **found =
        lines->count ? bsearch(path, lines->texts, (size_t)lines->count, sizeof *lines->texts, by_name) : NULL;
    if (!found)
        return false;
    int64_t first = found - lines->texts;
    while (first && strcmp(lines->texts[first - 1], path) == 0)
        first--;
    for (int64_t i = first; i < lines->count && strcmp(lines->texts[i], path) == 0; i++)
        lines->used[i] = true;
    return true;
}

/* A misspelt name would let in what is meant to stay out. */
static Status check_exclude(const Maker *maker) {
    const Lines *lines = &maker->exclude;
    int64_t first = -1;
    for (int64_t i = 0; i < lines->count; i++)
        if (!lines->used[i] && (first < 0 || lines->lines[i] < lines->lines[first]))
            first = i;
    if (first < 0)
        return NULL;
    return status_error(EXIT_DATA, "%s:%lld: \"%s\" is none of the %lld files to stage; write paths relative to %s",
                        maker->options->exclude, (long long)lines->lines[first], lines->texts[first],
                        (long long)maker->source->count, maker->source->root);
}

/* --- The source ----------------------------------------------------------------------------------------------------*/

Status maker_open(Maker *maker, const SourceOptions *options, StageSource *source, Findings *findings) {
    *source = (StageSource){0};
    *maker = (Maker){.options = options, .source = source, .findings = findings};
    maker->refused = findings_count(findings, FATE_REFUSED);
    TRY(input_set(&source->root, options->root));
    for (size_t length = strlen(source->root); length > 1 && source->root[length - 1] == '/';)
        source->root[--length] = '\0';
    maker->homes[0] = realpath(source->root, NULL);
    if (!maker->homes[0])
        return status_error(EXIT_DATA, "%s: the folder cannot be read: %s", source->root, strerror(errno));
    maker->home_count = 1;
    struct stat st;
    if (stat(maker->homes[0], &st) != 0 || !S_ISDIR(st.st_mode))
        return status_error(EXIT_DATA, "%s: not a folder", source->root);
    maker->notes = open_memstream(&maker->notes_text, &maker->notes_size);
    if (!maker->notes)
        return status_no_memory("the notes", 0);
    return options->exclude ? read_lines(options->exclude, &maker->exclude) : NULL;
}

Status maker_describe(Maker *maker, const char *dataset, const char *version, bool licensed, const char *const *names,
                      int label_count) {
    PackInfo *info = &maker->source->info;
    TRY(input_set(&info->dataset, dataset));
    TRY(input_set(&info->dataset_version, version));
    info->licensed = licensed;
    info->label_names = calloc((size_t)label_count + 1, sizeof *info->label_names);
    if (!info->label_names)
        return status_no_memory("the labels' names", 0);
    info->label_count = label_count;
    for (int i = 0; i < label_count; i++)
        TRY(input_set(&info->label_names[i], names[i]));
    return NULL;
}

static Status fill_input(Maker *maker, StageInput *input, const char *path) {
    int labels = maker->source->info.label_count;
    TRY(input_set(&input->path, path));
    TRY(input_set(&input->person, ""));
    TRY(input_set(&input->device, ""));
    TRY(input_set(&input->modality, ""));
    input->labels = malloc(((size_t)labels + 1) * sizeof *input->labels);
    if (!input->labels)
        return status_no_memory("labels", (size_t)labels * sizeof *input->labels);
    for (int i = 0; i < labels; i++)
        input->labels[i] = NAN;
    if (!maker_excludes(maker, path))
        return NULL;
    char *reason;
    Status status = text_format(&reason, "named in %s", maker->options->exclude);
    if (!status)
        status = maker_settle(maker, input, FINDING_NAMED, reason);
    free(reason);
    return status;
}

Status maker_add(Maker *maker, const char *path, StageInput **input) {
    StageSource *source = maker->source;
    if (source->count == maker->capacity) {
        int64_t capacity = maker->capacity ? 2 * maker->capacity : 256;
        StageInput *grown = realloc(source->inputs, (size_t)capacity * sizeof *grown);
        if (!grown)
            return status_no_memory("the inputs", (size_t)capacity * sizeof *grown);
        source->inputs = grown;
        maker->capacity = capacity;
    }
    *input = &source->inputs[source->count++];
    **input = (StageInput){0};
    return fill_input(maker, *input, path);
}

Status maker_tell(Maker *maker, const char *line) {
    StageSource *source = maker->source;
    char *grown;
    TRY(text_format(&grown, "%s%s\n", source->told ? source->told : "", line));
    free(source->told);
    source->told = grown;
    return NULL;
}

/* --- Inputs --------------------------------------------------------------------------------------------------------*/

bool maker_settled(const StageInput *input) {
    return input->bad || input->excluded;
}

Status maker_settle(Maker *maker, StageInput *input, FindingKind kind, const char *reason) {
    if (maker_settled(input))
        return NULL;
    TRY(findings_add(maker->findings, kind, input->path, "", reason));
    return input_set(finding_fate(kind) == FATE_EXCLUDED ? &input->excluded : &input->bad, reason);
}

Status maker_look(Maker *maker, StageInput *input) {
    if (maker_settled(input))
        return NULL;
    PathKind kind;
    const char *why;
    TRY(path_look(maker->source->root, maker->homes, maker->home_count, input->path, &kind, &why));
    switch (kind) {
    case PATH_FILE:
        return NULL;
    case PATH_ABSENT:
        return maker_settle(maker, input, FINDING_MISSING, "listed, but not there");
    case PATH_OUTSIDE:
        return findings_add(maker->findings, FINDING_OUTSIDE, input->path, "", "a link leads outside the root");
    default:
        return maker_settle(maker, input, FINDING_UNREADABLE, why);
    }
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const StageInput *)a)->path, ((const StageInput *)b)->path);
}

static Status sort_inputs(const Maker *maker) {
    StageSource *source = maker->source;
    if (!source->count)
        return status_error(EXIT_DATA, "%s: nothing to stage is listed or found there; what is read ends in %s",
                            source->root, maker->endings);
    qsort(source->inputs, (size_t)source->count, sizeof *source->inputs, by_path);
    for (int64_t i = 1; i < source->count; i++)
        if (strcmp(source->inputs[i - 1].path, source->inputs[i].path) == 0)
            return status_error(EXIT_INTERNAL, "%s: taken twice", source->inputs[i].path);
    return NULL;
}

static Status check_refused(const Maker *maker) {
    int refused = findings_count(maker->findings, FATE_REFUSED) - maker->refused;
    for (int i = 0; refused && i < maker->findings->count; i++) {
        const Finding *finding = &maker->findings->list[i];
        if (finding_fate(finding->kind) == FATE_REFUSED)
            return status_error(EXIT_DATA,
                                "%s: nothing is staged until %d finding%s settled, such as %s: %s (%s); correct "
                                "the tables, or leave files out with --exclude",
                                maker->source->root, refused, refused == 1 ? " is" : "s are",
                                finding_name(finding->kind), finding->path, finding->detail);
    }
    return NULL;
}

Status maker_finish(Maker *maker) {
    StageSource *source = maker->source;
    TRY(check_refused(maker));
    TRY(sort_inputs(maker));
    TRY(check_exclude(maker));
    TRY(maker_take_sums(maker));
    int failed = fclose(maker->notes);
    maker->notes = NULL;
    if (failed)
        return status_no_memory("the notes", 0);
    source->notes = maker->notes_text;
    maker->notes_text = NULL;
    return NULL;
}

Status maker_close(Maker *maker, Status status) {
    if (maker->notes)
        fclose(maker->notes);
    free(maker->notes_text);
    while (maker->home_count)
        free(maker->homes[--maker->home_count]);
    free(maker->exclude.texts);
    free(maker->exclude.lines);
    free(maker->exclude.used);
    free(maker->exclude.data);
    if (status)
        source_close(maker->source);
    return status;
}
