/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/source.h"

#include "base/list.h"
#include "base/text.h"
#include "image/image.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void source_close(StageSource *source) {
    for (int64_t i = 0; i < source->count; i++) {
        StageInput *input = &source->inputs[i];
        free(input->path);
        free(input->person);
        free(input->device);
        free(input->modality);
        free(input->labels);
        free(input->exclude_reason);
        free(input->quarantine_reason);
    }
    free(source->inputs);
    for (int i = 0; source->info.label_names && i < source->info.label_count; i++)
        free(source->info.label_names[i]);
    free(source->info.label_names);
    for (int i = 0; i < source->dropped_count; i++) {
        free(source->dropped[i].name);
        free(source->dropped[i].table);
        free(source->dropped[i].reason);
    }
    free(source->dropped);
    for (int i = 0; i < source->class_count; i++)
        free(source->classes[i].name);
    free(source->classes);
    free(source->info.dataset);
    free(source->info.dataset_version);
    free(source->root);
    free(source->notes);
    free(source->warnings);
    *source = (StageSource){0};
}

Status source_warn(StageSource *source, const char *format, ...) {
    char *line, *grown;
    va_list arguments;
    va_start(arguments, format);
    Status status = text_format_list(&line, "a warning", format, arguments);
    va_end(arguments);
    TRY(status);
    status = text_format(&grown, "%s%s\n", source->warnings ? source->warnings : "", line);
    free(line);
    TRY(status);
    free(source->warnings);
    source->warnings = grown;
    return NULL;
}

Status source_drop_column(StageSource *source, const char *table, const char *name, const char *reason, ...) {
    TRY(list_grow(&source->dropped, source->dropped_count, &source->dropped_capacity, sizeof *source->dropped,
                  "the columns that are no labels"));
    DroppedColumn *column = &source->dropped[source->dropped_count++];
    *column = (DroppedColumn){0};
    va_list arguments;
    va_start(arguments, reason);
    Status status = text_format_list(&column->reason, "a reason", reason, arguments);
    va_end(arguments);
    TRY(status);
    TRY(input_set(&column->table, table));
    return input_set(&column->name, name);
}

Status source_add_class(StageSource *source, const char *name, float number) {
    TRY(list_grow(&source->classes, source->class_count, &source->class_capacity, sizeof *source->classes,
                  "the classes"));
    SourceClass *class = &source->classes[source->class_count++];
    *class = (SourceClass){.number = number};
    return input_set(&class->name, name);
}

bool input_is_rejected(const StageInput *input) {
    return input->quarantine_reason || input->exclude_reason;
}

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

PackEye input_eye_of_words(const char *name, size_t shortest) {
    PackEye eye = PACK_EYE_UNKNOWN;
    for (const char *at = name; *at;) {
        size_t length = 0;
        while (isalpha((unsigned char)at[length]))
            length++;
        char word[8] = "";
        if (length >= shortest && length < sizeof word)
            memcpy(word, at, length);
        const PackEye found = input_eye(word);
        if (found != PACK_EYE_UNKNOWN && eye != PACK_EYE_UNKNOWN && found != eye)
            return PACK_EYE_UNKNOWN;
        eye = found != PACK_EYE_UNKNOWN ? found : eye;
        at += length ? length : 1;
    }
    return eye;
}

bool input_is_dicom(const char *path) {
    return image_is_dicom_name(path);
}

bool input_split(const char *text, PackSplit *split) {
    static const struct {
        const char *name;
        PackSplit split;
    } names[] = {{"", PACK_SPLIT_NONE},       {"train", PACK_SPLIT_TRAIN},    {"training", PACK_SPLIT_TRAIN},
                 {"val", PACK_SPLIT_VAL},     {"valid", PACK_SPLIT_VAL},      {"validation", PACK_SPLIT_VAL},
                 {"eval", PACK_SPLIT_VAL},    {"evaluation", PACK_SPLIT_VAL}, {"test", PACK_SPLIT_TEST},
                 {"testing", PACK_SPLIT_TEST}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(text, names[i].name) == 0) {
            *split = names[i].split;
            return true;
        }
    return false;
}
