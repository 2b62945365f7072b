/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config/ini.h"
#include "base/files.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char BLANKS[] = " \t\v\f";

static void start_reading(IniFile *ini, size_t size) {
    ini->next = ini->text;
    ini->end = ini->text + size;
    if (size >= 3 && !memcmp(ini->text, "\xEF\xBB\xBF", 3)) /* the byte order mark of some editors */
        ini->next += 3;
}

Status ini_open(IniFile *ini, const char *path) {
    size_t size;
    *ini = (IniFile){.path = path};
    Status status = files_read(path, &ini->text, &size);
    if (status) {
        Status named =
            status_error(EXIT_USAGE, "%s; name a config file, such as those in configs/", status_message(status));
        status_free(status);
        return named;
    }
    start_reading(ini, size);
    return NULL;
}

Status ini_open_text(IniFile *ini, const char *path, const char *text) {
    *ini = (IniFile){.path = path, .text = strdup(text)};
    if (!ini->text)
        return status_no_memory("a configuration", strlen(text) + 1);
    start_reading(ini, strlen(text));
    return NULL;
}

void ini_close(IniFile *ini) {
    free(ini->text);
    ini->text = NULL;
}

/* The next line, ended by a NUL instead of its line end. NULL at the end of the file. */
static Status next_line(IniFile *ini, char **line) {
    *line = NULL;
    if (ini->next == ini->end)
        return NULL;
    char *start = ini->next;
    char *stop = memchr(start, '\n', (size_t)(ini->end - start));
    ini->next = stop ? stop + 1 : ini->end;
    ini->line++;
    if (!stop)
        stop = ini->end;
    if (stop > start && stop[-1] == '\r')
        stop--;
    *stop = '\0'; /* at the file's end files_read() has put one */
    const size_t length = (size_t)(stop - start);
    if (strlen(start) != length || memchr(start, '\r', length))
        return status_error(EXIT_USAGE, "%s:%d: not a text file: the line contains a NUL or a carriage return",
                            ini->path, ini->line);
    *line = start;
    return NULL;
}

static char *skip_blanks(char *text) {
    return text + strspn(text, BLANKS);
}

static void strip_end(char *text) {
    size_t length = strlen(text);
    while (length && strchr(BLANKS, text[length - 1]))
        length--;
    text[length] = '\0';
}

/* The first of `stops`, the start of a comment (';' after a blank) or the end of the text. */
static char *find_stop(char *text, const char *stops) {
    bool after_blank = false;
    for (; *text; text++) {
        if (strchr(stops, *text) || (after_blank && *text == ';'))
            break;
        after_blank = strchr(BLANKS, *text) != NULL;
    }
    return text;
}

static Status read_section(IniFile *ini, char *line) {
    char *close = strchr(line, ']');
    if (close) {
        const char *rest = skip_blanks(close + 1);
        if (*rest && *rest != ';')
            close = NULL;
    }
    if (!close)
        return status_error(EXIT_USAGE, "%s:%d: %.60s: a section is [name], alone on its line", ini->path, ini->line,
                            line);
    *close = '\0';
    ini->name = line + 1;
    ini->value = NULL;
    return NULL;
}

static Status read_key(IniFile *ini, char *line) {
    char *separator = find_stop(line, "=:");
    if (*separator != '=' && *separator != ':')
        return status_error(EXIT_USAGE,
                            "%s:%d: neither [section] nor key = value nor a comment that starts with ; or #", ini->path,
                            ini->line);
    *separator = '\0';
    ini->name = line;
    strip_end(ini->name);
    *find_stop(separator + 1, "") = '\0';
    ini->value = skip_blanks(separator + 1);
    strip_end(ini->value);
    return NULL;
}

Status ini_next(IniFile *ini, IniKind *kind) {
    char *line;
    for (;;) {
        TRY(next_line(ini, &line));
        if (!line) {
            *kind = INI_END;
            return NULL;
        }
        const char *start = skip_blanks(line);
        if (!*start || *start == ';' || *start == '#')
            continue;
        if (start != line)
            return status_error(EXIT_USAGE,
                                "%s:%d: %.60s: an indented line would continue the line above: start it in the first "
                                "column",
                                ini->path, ini->line, line);
        *kind = *line == '[' ? INI_SECTION : INI_KEY;
        return *kind == INI_SECTION ? read_section(ini, line) : read_key(ini, line);
    }
}
