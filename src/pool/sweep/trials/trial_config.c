/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/sweep/trials/trial_config.h"

#include "base/files.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORD = 256 };

/* Keys with values, and which of them are in the text by now. */
typedef struct {
    TrialParam *list; /* [count] borrowed texts */
    bool *written;
    int count;
} Values;

/* The text between `start` and `end` without blanks around it; "" when it is longer than any name. */
static void copy_trimmed(const char *start, const char *end, char word[MAX_WORD]) {
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    snprintf(word, MAX_WORD, "%.*s", end - start < MAX_WORD ? (int)(end - start) : 0, start);
}

static bool read_section(const TextLine *line, char section[MAX_WORD]) {
    const char *start = line->start, *end = start + line->length;
    while (start < end && isspace((unsigned char)*start))
        start++;
    const char *close = start < end && *start == '[' ? memchr(start, ']', (size_t)(end - start)) : NULL;
    if (close)
        copy_trimmed(start + 1, close, section);
    return close;
}

/* The value that replaces the line's; NULL: none does. */
static const TrialParam *find_value(Values *values, const char *section, const TextLine *line) {
    char name[MAX_WORD], full[2 * MAX_WORD];
    const char *equals = memchr(line->start, '=', line->length);
    if (!equals || !line->length || strchr(";#", *line->start))
        return NULL;
    copy_trimmed(line->start, equals, name);
    snprintf(full, sizeof full, "%s.%s", section, name);
    for (int i = 0; i < values->count; i++)
        if (strcmp(values->list[i].key, full) == 0) {
            values->written[i] = true;
            return &values->list[i];
        }
    return NULL;
}

/* Those of a section that the text did not have; all that are left where `section` is NULL. */
static void write_rest(Values *values, const char *section, FILE *out) {
    for (int i = 0; i < values->count; i++) {
        const char *key = values->list[i].key, *dot = strchr(key, '.');
        const int length = (int)(dot - key);
        if (values->written[i] ||
            (section && ((int)strlen(section) != length || strncmp(key, section, (size_t)length))))
            continue;
        if (!section)
            fprintf(out, "\n[%.*s]\n", length, key);
        fprintf(out, "%s = %s\n", dot + 1, values->list[i].value);
        values->written[i] = true;
        for (int j = i + 1; j < values->count && !section; j++) /* the others of the new section */
            if (!values->written[j] && strncmp(values->list[j].key, key, (size_t)length + 1) == 0) {
                fprintf(out, "%s = %s\n", values->list[j].key + length + 1, values->list[j].value);
                values->written[j] = true;
            }
    }
}

static void write_text(Values *values, const char *base, FILE *out) {
    const char *end = base + strlen(base);
    char section[MAX_WORD] = "";
    TextLine line;
    while (text_next_line(&base, end, &line)) {
        char next[MAX_WORD];
        if (read_section(&line, next)) {
            write_rest(values, section, out);
            memcpy(section, next, sizeof section);
        }
        const TrialParam *value = find_value(values, section, &line);
        if (value)
            fprintf(out, "%s = %s\n", strchr(value->key, '.') + 1, value->value);
        else
            fprintf(out, "%.*s\n", (int)line.length, line.start);
    }
    write_rest(values, section, out);
    write_rest(values, NULL, out);
}

Status trial_config_text(const Sweep *sweep, const Trial *trial, const char *base, bool run_dir, char **text) {
    char seed[32];
    size_t size;
    snprintf(seed, sizeof seed, "%" PRId64, trial->seed);
    Values values = {.list = calloc((size_t)trial->param_count + 2, sizeof *values.list),
                     .written = calloc((size_t)trial->param_count + 2, sizeof *values.written)};
    FILE *out = values.list && values.written ? open_memstream(text, &size) : NULL;
    if (out) {
        for (int i = 0; i < trial->param_count; i++)
            values.list[values.count++] = trial->params[i];
        values.list[values.count++] = (TrialParam){(char *)"train.seed", seed};
        if (run_dir) {
            values.list[values.count++] = (TrialParam){(char *)"run.dir", trial->run_dir};
            fprintf(out, "; Trial %s of the sweep %s: %s with its values.\n", trial->id, sweep->name, sweep->base);
        }
        write_text(&values, base, out);
    }
    const bool fine = out && fclose(out) == 0;
    free(values.list);
    free(values.written);
    return fine ? NULL : status_no_memory("a trial's configuration", strlen(base));
}

Status trial_config_write(const Sweep *sweep, const Trial *trial, const char *base) {
    char *text = NULL, *old = NULL;
    size_t size;
    TRY(trial_config_text(sweep, trial, base, true, &text));
    Status status = files_exists(trial->config) ? files_read(trial->config, &old, &size) : NULL;
    if (!status && (!old || strcmp(old, text) != 0))
        status = files_write(trial->config, text, strlen(text));
    free(old);
    free(text);
    return status;
}
