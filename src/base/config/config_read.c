/* SPDX-License-Identifier: Apache-2.0 */
/* Reading INI with inih. What inih lets pass is refused here, line by line, before it sees it: continuation lines,
 * duplicates, text after a section's name, lines longer than its buffer. */
#include "base/config/config_table.h"
#include "base/files.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 200, WHERE = 700 };

typedef struct {
    Config *config;
    const char *path;
    const char *next, *end; /* what is left of the file */
    int line;               /* number of the line read last */
    int *key_lines;         /* where each key stood; 0: not yet */
    int *section_lines;     /* where each section stood, by the index of its first key */
    Status status;
} Reader;

Status config_unknown_key(const char *where, const char *key) {
    const ConfigKey *near = config_key_nearest(key);
    return status_error(EXIT_USAGE, "%s: no key %s; the nearest is %s.%s (./train --help %s.%s)", where, key,
                        near->section, near->name, near->section, near->name);
}

static Status refuse_value(const ConfigKey *key, const char *value, const char *where, const char *why) {
    char range[160];
    config_key_range(key, range, sizeof range);
    return status_error(EXIT_USAGE, "%s: %s.%s = %.60s: %s; it takes %s: %s (./train --help %s.%s)", where,
                        key->section, key->name, value, why, config_key_type(key), range, key->section, key->name);
}

static Status set_integer(int64_t *place, const ConfigKey *key, const char *value, const char *where) {
    char *end = NULL;
    if (key->automatic && !strcmp(value, "auto")) {
        *place = CONFIG_AUTO;
        return NULL;
    }
    long long number = strtoll(value, &end, 10);
    if (!*value || *end || value[strspn(value, "-0123456789")])
        return refuse_value(key, value, where, "no whole number");
    /* Beyond its own range strtoll gives its largest value, which is out of every key's. */
    if (number < (long long)key->min || number > (long long)key->max)
        return refuse_value(key, value, where, "out of range");
    *place = number;
    return NULL;
}

static Status set_real(double *place, const ConfigKey *key, const char *value, const char *where) {
    char *end = NULL;
    double number = strtod(value, &end);
    /* strtod also takes nan, inf and hexadecimal. */
    if (!*value || *end || value[strspn(value, "+-.0123456789eE")])
        return refuse_value(key, value, where, "no number");
    if (!(number >= key->min && number <= key->max))
        return refuse_value(key, value, where, "out of range");
    *place = number + 0.0; /* -0 becomes 0: equal configurations have equal hashes */
    return NULL;
}

/* Only texts that come back the same from the file that config_print() makes of them. */
static Status set_text(char *place, const ConfigKey *key, const char *value, const char *where) {
    size_t length = strlen(value);
    if (length > (size_t)config_key_text_limit(key))
        return refuse_value(key, value, where, "too long; use a shorter path, or a link");
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)value[i] < ' ' || value[i] == 127)
            return refuse_value(key, value, where, "holds a control character");
        if ((value[i] == ';' || value[i] == '#') && (i == 0 || value[i - 1] == ' '))
            return refuse_value(key, value, where,
                                "no word may start with ; or # (a comment starts with ; after a space)");
    }
    memcpy(place, value, length + 1);
    return NULL;
}

Status config_set(Config *config, const ConfigKey *key, const char *value, const char *where) {
    void *place = (char *)config + key->offset;
    switch (key->type) {
    case KEY_INTEGER:
        return set_integer(place, key, value, where);
    case KEY_REAL:
        return set_real(place, key, value, where);
    case KEY_SWITCH:
        if (strcmp(value, "on") && strcmp(value, "off"))
            return refuse_value(key, value, where, "neither on nor off");
        *(bool *)place = !strcmp(value, "on");
        return NULL;
    case KEY_CHOICE:
        for (int i = 0; key->choice[i]; i++)
            if (!strcmp(value, key->choice[i])) {
                memcpy(place, &i, sizeof i);
                return NULL;
            }
        return refuse_value(key, value, where, "no such choice");
    case KEY_TEXT:
        return set_text(place, key, value, where);
    }
    return NULL;
}

#define REFUSE(reader, ...) ((reader)->status = status_error(EXIT_USAGE, __VA_ARGS__))

/* Checks a line that opens with '['. */
static void take_section(Reader *reader, const char *line) {
    const char *close = strchr(line, ']');
    if (!close || (close[1 + strspn(close + 1, " \t")] && close[1 + strspn(close + 1, " \t")] != ';')) {
        REFUSE(reader, "%s:%d: %.60s: a section is [name], alone on its line", reader->path, reader->line, line);
        return;
    }
    int length = (int)(close - line - 1), first = 0;
    while (first < config_key_count &&
           (strncmp(config_keys[first].section, line + 1, (size_t)length) || config_keys[first].section[length]))
        first++;
    if (first == config_key_count) {
        char name[CONFIG_KEY_LENGTH];
        snprintf(name, sizeof name, "%.*s", length, line + 1);
        REFUSE(reader, "%s:%d: no section [%s]; the nearest is [%s] (./train --help lists all keys)", reader->path,
               reader->line, name, config_section_nearest(name));
    } else if (reader->section_lines[first])
        REFUSE(reader, "%s:%d: section %s stands twice, first in line %d: put its keys together", reader->path,
               reader->line, line, reader->section_lines[first]);
    else
        reader->section_lines[first] = reader->line;
}

static void check_line(Reader *reader, const char *line) {
    const char *start = line + strspn(line, " \t\v\f");
    if (!*start || *start == ';' || *start == '#')
        return;
    if (start != line)
        REFUSE(reader, "%s:%d: %.60s: an indented line would continue the one above: start it in the first column",
               reader->path, reader->line, line);
    else if (*line == '[')
        take_section(reader, line);
}

/* inih's fgets: the next line, without its end, into `line` of `size` bytes. */
static char *next_line(char *line, int size, void *context) {
    Reader *reader = context;
    if (reader->status || reader->next == reader->end)
        return NULL;
    const char *start = reader->next;
    const char *stop = memchr(start, '\n', (size_t)(reader->end - start));
    reader->next = stop ? stop + 1 : reader->end;
    reader->line++;
    if (!stop)
        stop = reader->end;
    if (stop > start && stop[-1] == '\r')
        stop--;
    size_t length = (size_t)(stop - start);
    if (length >= LINE_MAX_BYTES || length >= (size_t)size) {
        REFUSE(reader, "%s:%d: the line has more than %d bytes", reader->path, reader->line, LINE_MAX_BYTES - 1);
        return NULL;
    }
    if (memchr(start, '\0', length) || memchr(start, '\r', length)) {
        REFUSE(reader, "%s:%d: not a text file: the line holds a NUL or a carriage return", reader->path, reader->line);
        return NULL;
    }
    memcpy(line, start, length);
    line[length] = '\0';
    check_line(reader, line);
    return reader->status ? NULL : line;
}

static int take_key(void *context, const char *section, const char *name, const char *value) {
    Reader *reader = context;
    char where[WHERE], full[LINE_MAX_BYTES + CONFIG_KEY_LENGTH];
    if (reader->status)
        return 0;
    if (!*section) {
        REFUSE(reader, "%s:%d: key %s stands before any section: put its section, such as [%s], above it", reader->path,
               reader->line, name, config_key_nearest(name)->section);
        return 0;
    }
    snprintf(where, sizeof where, "%s:%d", reader->path, reader->line);
    snprintf(full, sizeof full, "%s.%s", section, name);
    const ConfigKey *key = config_key_find(section, name);
    int *line = key ? &reader->key_lines[key - config_keys] : NULL;
    if (!key)
        reader->status = config_unknown_key(where, full);
    else if (*line)
        REFUSE(reader, "%s: key %s stands twice, first in line %d: keep one", where, full, *line);
    else {
        *line = reader->line;
        reader->status = config_set(reader->config, key, value, where);
    }
    return !reader->status;
}

Status config_read(Config *config, const char *path) {
    char *text;
    size_t size;
    Status status = files_read(path, &text, &size);
    if (status) {
        Status named =
            status_error(EXIT_USAGE, "%s; name a config file, such as those in configs/", status_message(status));
        status_free(status);
        return named;
    }
    int *lines = calloc(2 * (size_t)config_key_count, sizeof *lines);
    if (!lines) {
        free(text);
        return status_no_memory("a list of keys", 2 * (size_t)config_key_count * sizeof *lines);
    }
    Reader reader = {.config = config,
                     .path = path,
                     .next = text,
                     .end = text + size,
                     .key_lines = lines,
                     .section_lines = lines + config_key_count};
    if (size >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3)) /* the mark some editors put before UTF-8 */
        reader.next += 3;
    int first_bad = ini_parse_stream(next_line, &reader, take_key, &reader);
    /* inih goes on after a line that it cannot read and tells of it at the end; the first mistake is named first. */
    if (first_bad > 0 && (!reader.status || first_bad < reader.line)) {
        status_free(reader.status);
        REFUSE(&reader, "%s:%d: neither [section] nor key = value nor a comment that starts with ; or #", path,
               first_bad);
    } else if (first_bad < 0 && !reader.status)
        reader.status = status_no_memory("reading the configuration", LINE_MAX_BYTES);
    free(lines);
    free(text);
    return reader.status;
}
