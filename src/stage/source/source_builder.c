/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/source_builder.h"

#include "base/files.h"
#include "base/list.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/text_file.h"
#include "stage/source/checksum_list.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* --- Files to leave out --------------------------------------------------------------------------------------------*/

static int compare_lines(const void *a, const void *b) {
    const struct ExcludeLine *left = a, *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : (left->number > right->number) - (left->number < right->number);
}

/* Paths in the file may have a leading slash, as in manifests. */
static Status read_exclude_list(const char *path, ExcludeList *excluded) {
    TextFile file;
    size_t breaks = 1;
    TRY(text_file_read(path, "list", &file));
    excluded->data = file.data;
    for (const char *at = excluded->data; *at; at++)
        breaks += *at == '\n';
    excluded->lines = calloc(breaks, sizeof *excluded->lines);
    if (!excluded->lines)
        return status_no_memory("the list of excluded files", breaks * sizeof *excluded->lines);
    const char *at = file.text;
    TextLine line;
    for (int64_t number = 1; text_next_line(&at, file.text + file.size, &line); number++) {
        char *path = text_cut_line(file.text, &line);
        path[strcspn(path, "\r")] = '\0';
        path += strspn(path, "/");
        if (*path)
            excluded->lines[excluded->count++] = (struct ExcludeLine){.path = path, .number = number};
    }
    if (excluded->count)
        qsort(excluded->lines, (size_t)excluded->count, sizeof *excluded->lines, compare_lines);
    return NULL;
}

static int compare_to_path(const void *path, const void *line) {
    return strcmp(path, ((const struct ExcludeLine *)line)->path);
}

bool builder_excludes(SourceBuilder *builder, const char *path) {
    if (!builder->excluded.count)
        return false;
    struct ExcludeLine *lines = builder->excluded.lines, *end = lines + builder->excluded.count;
    struct ExcludeLine *found = bsearch(path, lines, (size_t)(end - lines), sizeof *lines, compare_to_path);
    if (!found)
        return false;
    while (found > lines && strcmp(found[-1].path, path) == 0)
        found--;
    for (; found < end && strcmp(found->path, path) == 0; found++)
        found->used = true;
    return true;
}

/* A misspelt name would let in a file that is meant to stay out. */
static Status check_exclude_list(const SourceBuilder *builder) {
    const ExcludeList *excluded = &builder->excluded;
    const struct ExcludeLine *unused = NULL;
    for (int64_t i = 0; i < excluded->count; i++)
        if (!excluded->lines[i].used && (!unused || excluded->lines[i].number < unused->number))
            unused = &excluded->lines[i];
    if (!unused)
        return NULL;
    return status_error(EXIT_DATA, "%s:%lld: \"%s\" is not one of the %lld files to stage; write paths relative to %s",
                        builder->options->exclude, (long long)unused->number, unused->path,
                        (long long)builder->source->count, builder->source->root);
}

/* --- The source ----------------------------------------------------------------------------------------------------*/

Status builder_open(SourceBuilder *builder, const SourceOptions *options, StageSource *source, Findings *findings) {
    *source = (StageSource){0};
    *builder = (SourceBuilder){.options = options, .source = source, .findings = findings};
    builder->refused = findings_count(findings, FATE_REFUSED);
    TRY(input_set(&source->root, options->root));
    for (size_t length = strlen(source->root); length > 1 && source->root[length - 1] == '/';)
        source->root[--length] = '\0';
    builder->roots[0] = realpath(source->root, NULL);
    if (!builder->roots[0])
        return status_error(EXIT_DATA, "%s: the folder cannot be read: %s", source->root, strerror(errno));
    builder->root_count = 1;
    struct stat st;
    if (stat(builder->roots[0], &st) != 0 || !S_ISDIR(st.st_mode))
        return status_error(EXIT_DATA, "%s: not a folder", source->root);
    TRY(text_writer_open(&builder->notes, "the notes"));
    return options->exclude ? read_exclude_list(options->exclude, &builder->excluded) : NULL;
}

Status builder_describe(SourceBuilder *builder, const char *dataset, const char *version, bool licensed,
                        const char *const *names, int label_count) {
    PackInfo *info = &builder->source->info;
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

static Status fill_input(SourceBuilder *builder, StageInput *input, const char *path) {
    int labels = builder->source->info.label_count;
    TRY(input_set(&input->path, path));
    TRY(input_set(&input->person, ""));
    TRY(input_set(&input->device, ""));
    TRY(input_set(&input->modality, ""));
    input->labels = malloc(((size_t)labels + 1) * sizeof *input->labels);
    if (!input->labels)
        return status_no_memory("labels", (size_t)labels * sizeof *input->labels);
    for (int i = 0; i < labels; i++)
        input->labels[i] = NAN;
    if (!builder_excludes(builder, path))
        return NULL;
    char *reason;
    Status status = text_format(&reason, "named in %s", builder->options->exclude);
    if (!status)
        status = builder_reject(builder, input, FINDING_NAMED, reason);
    free(reason);
    return status;
}

Status builder_add(SourceBuilder *builder, const char *path, StageInput **input) {
    StageSource *source = builder->source;
    TRY(list_grow(&source->inputs, source->count, &builder->capacity, sizeof *source->inputs, "the inputs"));
    *input = &source->inputs[source->count++];
    **input = (StageInput){0};
    return fill_input(builder, *input, path);
}

/* --- Inputs --------------------------------------------------------------------------------------------------------*/

Status builder_reject(SourceBuilder *builder, StageInput *input, FindingKind kind, const char *reason) {
    if (input_is_rejected(input))
        return NULL;
    TRY(findings_add(builder->findings, kind, input->path, "", reason));
    return input_set(finding_fate(kind) == FATE_EXCLUDED ? &input->exclude_reason : &input->quarantine_reason, reason);
}

Status builder_check_file(SourceBuilder *builder, StageInput *input) {
    if (input_is_rejected(input))
        return NULL;
    PathKind kind;
    const char *why;
    TRY(path_look(builder->source->root, builder->roots, builder->root_count, input->path, &kind, &why));
    switch (kind) {
    case PATH_FILE:
        return NULL;
    case PATH_ABSENT:
        return builder_reject(builder, input, FINDING_MISSING, "listed, but not there");
    case PATH_OUTSIDE:
        return findings_add(builder->findings, FINDING_OUTSIDE, input->path, "", "a link leads outside the root");
    default:
        return builder_reject(builder, input, FINDING_UNREADABLE, why);
    }
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(((const StageInput *)a)->path, ((const StageInput *)b)->path);
}

static Status sort_inputs(const SourceBuilder *builder) {
    StageSource *source = builder->source;
    if (!source->count)
        return status_error(EXIT_DATA, "%s: no files to stage are listed or found there; file names must end in %s",
                            source->root, builder->extensions);
    qsort(source->inputs, (size_t)source->count, sizeof *source->inputs, compare_paths);
    for (int64_t i = 1; i < source->count; i++)
        if (strcmp(source->inputs[i - 1].path, source->inputs[i].path) == 0)
            return status_error(EXIT_INTERNAL, "%s: entered twice", source->inputs[i].path);
    return NULL;
}

static Status check_refused(const SourceBuilder *builder) {
    int refused = findings_count(builder->findings, FATE_REFUSED) - builder->refused;
    for (int i = 0; refused && i < builder->findings->count; i++) {
        const Finding *finding = &builder->findings->list[i];
        if (finding_fate(finding->kind) == FATE_REFUSED)
            return status_error(EXIT_DATA,
                                "%s: nothing is staged until %d finding%s resolved, such as %s: %s (%s); correct "
                                "the tables, or leave files out with --exclude",
                                builder->source->root, refused, refused == 1 ? " is" : "s are",
                                finding_name(finding->kind), finding->path, finding->detail);
    }
    return NULL;
}

Status builder_finish(SourceBuilder *builder) {
    StageSource *source = builder->source;
    TRY(check_refused(builder));
    TRY(sort_inputs(builder));
    TRY(check_exclude_list(builder));
    TRY(checksum_list_apply(builder->options->md5, builder->tables, source, builder->notes.out));
    return text_writer_take(&builder->notes, &source->notes);
}

Status builder_close(SourceBuilder *builder, Status status) {
    text_writer_discard(&builder->notes);
    while (builder->root_count)
        free(builder->roots[--builder->root_count]);
    free(builder->excluded.lines);
    free(builder->excluded.data);
    if (status)
        source_close(builder->source);
    return status;
}
