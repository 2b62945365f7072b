/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config/read.h"
#include "base/config/ini.h"
#include "base/config/values.h"
#include "base/list.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { WHERE = CONFIG_TEXT + 32 };

/* A section or key that the file has set. */
typedef struct {
    char *name; /* "[section]" or "section.key" */
    int line;
} Seen;

typedef struct {
    const ConfigTable *table;
    void *values;
    FILE *warnings;
    IniFile ini;
    char section[CONFIG_NAME]; /* the present one; "": none yet */
    Seen *seen;
    int seen_count;
    int64_t seen_capacity;
} Reader;

static void warn_renamed(FILE *warnings, const char *where, const char *old, const char *new) {
    if (warnings)
        fprintf(warnings, "warning: %s: %s is now called %s; the old name works in this version only\n", where, old,
                new);
}

/* Remembers `name`; *first: the line on which the file already has it, 0 when it is new. */
static Status note_seen(Reader *reader, const char *name, int *first) {
    *first = 0;
    for (int i = 0; i < reader->seen_count; i++)
        if (strcmp(reader->seen[i].name, name) == 0) {
            *first = reader->seen[i].line;
            return NULL;
        }
    TRY(list_grow(&reader->seen, reader->seen_count, &reader->seen_capacity, sizeof *reader->seen, "a list of keys"));
    Seen *seen = &reader->seen[reader->seen_count];
    TRY(text_format(&seen->name, "%s", name));
    seen->line = reader->ini.line;
    reader->seen_count++;
    return NULL;
}

static Status read_section(Reader *reader, const char *where) {
    const char *section = reader->ini.name, *name;
    const ConfigNamed *named;
    char bracketed[CONFIG_NAME + 2];
    int first;
    if (strlen(section) >= sizeof reader->section || !config_find_section(reader->table, section, &named, &name))
        return config_unknown_section(reader->table, where, section);
    snprintf(reader->section, sizeof reader->section, "%s", section);
    snprintf(bracketed, sizeof bracketed, "[%s]", reader->section);
    TRY(note_seen(reader, bracketed, &first));
    if (first)
        return status_error(EXIT_USAGE, "%s: section %s appears twice, first on line %d: put its keys together", where,
                            bracketed, first);
    if (!named)
        return NULL;
    ConfigSection *made;
    return config_add_section(named, reader->values, name, where, reader->ini.line, &made);
}

static Status read_key(Reader *reader, const char *where) {
    const char *name = reader->ini.name;
    char full[2 * CONFIG_NAME];
    ConfigFound found;
    int first;
    if (!*reader->section)
        return status_error(EXIT_USAGE, "%s: key %.80s is outside any section: put its section, such as [%s], above it",
                            where, name, config_likely_section(reader->table, name));
    snprintf(full, sizeof full, "%s.%s", reader->section, name);
    if (!config_find(reader->table, full, &found))
        return config_unknown_key(reader->table, where, full);
    TRY(note_seen(reader, found.full, &first));
    if (first)
        return status_error(EXIT_USAGE, "%s: key %s is set twice, first on line %d: keep one", where, found.full,
                            first);
    if (found.renamed)
        warn_renamed(reader->warnings, where, full, found.full);
    return config_set(reader->table, reader->values, &found, reader->ini.value, where, reader->ini.line);
}

static Status read_lines(Reader *reader) {
    char where[WHERE];
    IniKind kind;
    for (;;) {
        TRY(ini_next(&reader->ini, &kind));
        if (kind == INI_END)
            return NULL;
        snprintf(where, sizeof where, "%s:%d", reader->ini.path, reader->ini.line);
        TRY(kind == INI_SECTION ? read_section(reader, where) : read_key(reader, where));
    }
}

Status config_read(const ConfigTable *table, void *values, const char *path, const char *text, FILE *warnings) {
    Reader reader = {.table = table, .values = values, .warnings = warnings};
    TRY(text ? ini_open_text(&reader.ini, path, text) : ini_open(&reader.ini, path));
    Status status = read_lines(&reader);
    for (int i = 0; i < reader.seen_count; i++)
        free(reader.seen[i].name);
    free(reader.seen);
    ini_close(&reader.ini);
    return status;
}

static char *strip_blanks(char *text) {
    static const char blanks[] = " \t";
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length && strchr(blanks, text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

/* `copy` is the argument, cut up. */
static Status set_override(const ConfigTable *table, void *values, char *copy, const char *where, FILE *warnings) {
    char *equals = strchr(copy, '=');
    ConfigFound found;
    if (!equals)
        return status_error(EXIT_USAGE, "%s: write section.key=value (%s lists all keys)", where, table->help_command);
    *equals = '\0';
    const char *name = strip_blanks(copy), *value = strip_blanks(equals + 1);
    if (!config_find(table, name, &found))
        return config_unknown_key(table, where, name);
    if (found.renamed)
        warn_renamed(warnings, where, name, found.full);
    return config_set(table, values, &found, value, where, 0);
}

Status config_override(const ConfigTable *table, void *values, const char *argument, FILE *warnings) {
    char where[WHERE];
    snprintf(where, sizeof where, "--set %.200s", argument);
    char *copy = strdup(argument);
    if (!copy)
        return status_no_memory("an override", strlen(argument) + 1);
    Status status = set_override(table, values, copy, where, warnings);
    free(copy);
    return status;
}
