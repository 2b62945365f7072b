/* SPDX-License-Identifier: Apache-2.0 */
#include "base/table.h"
#include "base/files.h"
#include "base/list.h"
#include "base/text.h"
#include "base/text_file.h"
#include "base/utf8.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

Status table_error(const Table *table, const char *format, ...) {
    char *reason;
    va_list arguments;
    va_start(arguments, format);
    Status status = text_format_list(&reason, "a message", format, arguments);
    va_end(arguments);
    if (!status)
        status = status_error(EXIT_DATA, "%s:%lld: %s", table->path, (long long)table->line, reason);
    free(reason);
    return status;
}

/* The bytes of a line's end at `at`, 0 where there is none: LF, CR LF, CR, and the CR CR LF of a text that was written
 * twice through Windows' line ends. */
static size_t line_end(const Table *table, const char *at) {
    size_t returns = 0;
    while (returns < 2 && at + returns < table->end && at[returns] == '\r')
        returns++;
    if (at + returns < table->end && at[returns] == '\n')
        return returns + 1;
    return returns > 0;
}

/* Whether a field ends at `at`: with the separator, the line or the file. */
static bool ends_field(const Table *table, const char *at) {
    return at == table->end || *at == table->separator || line_end(table, at);
}

static bool is_blank(const Table *table, char letter) {
    return (letter == ' ' || letter == '\t') && letter != table->separator;
}

/* The field at `from` may be quoted only after its blanks. */
static char *skip_blanks(const Table *table, char *from) {
    while (from < table->end && is_blank(table, *from))
        from++;
    return from;
}

/* Removes the quotes of a field in place, `to` being its first byte; *at moves past the closing one. */
static Status read_quoted(Table *table, char *to, char **at) {
    for (char *from = *at + 1; from < table->end; *to++ = *from++) {
        if (*from == '\n' || (*from == '\r' && from[1] != '\n'))
            table->next_line++;
        if (*from != '"')
            continue;
        if (from + 1 < table->end && from[1] == '"') {
            from++;
            continue;
        }
        *to = '\0'; /* to < from: the opening quote is gone */
        *at = skip_blanks(table, from + 1);
        return ends_field(table, *at)
                   ? NULL
                   : table_error(table, "text after a closing quote; double a quote that is part of the field");
    }
    return table_error(table, "a quote opens on this line or below and is never closed; close it");
}

/* Removes blanks around a text in place, the no-break spaces of web pages and spreadsheets (0xC2 0xA0) included. */
static char *trim(char *text) {
    static const char no_break[] = "\xC2\xA0";
    for (;; text += *text == no_break[0] ? 2 : 1)
        if (!isspace((unsigned char)*text) && strncmp(text, no_break, 2) != 0)
            break;
    size_t length = strlen(text);
    for (;;) {
        if (length && isspace((unsigned char)text[length - 1]))
            length--;
        else if (length > 1 && memcmp(text + length - 2, no_break, 2) == 0)
            length -= 2;
        else
            break;
    }
    text[length] = '\0';
    return text;
}

/* Reads the field at table->at, which moves past its separator; *last: it ends the line. */
static Status read_field(Table *table, char **field, bool *last) {
    char *start = table->at, *at = skip_blanks(table, start);
    const bool quoted = at < table->end && *at == '"';
    if (quoted)
        TRY(read_quoted(table, start, &at));
    while (!ends_field(table, at))
        at++;
    char *ending = at;
    size_t length = at == table->end ? 0 : line_end(table, at);
    *last = at == table->end || length;
    if (at < table->end) {
        at += length ? length : 1;
        table->next_line += length > 0;
    }
    *ending = '\0'; /* the text has a NUL after its end */
    table->at = at;
    *field = trim(start);
    return NULL;
}

Status table_next(Table *table, bool *more) {
    *more = false;
    if (table->at >= table->end)
        return NULL;
    table->line = table->next_line;
    bool last = false;
    int count = 0;
    while (!last) {
        char *field;
        TRY(read_field(table, &field, &last));
        if (count < table->column_count)
            table->fields[count] = field;
        count++;
    }
    if (count != table->column_count)
        return table_error(table, "%d field%s, but the header names %d columns%s", count, count == 1 ? "" : "s",
                           table->column_count,
                           table->unended && table->at == table->end ? "; the file ends here: cut short?" : "");
    *more = true;
    return NULL;
}

/* How often `letter` occurs outside quotes in the line at `at`; *after is the next line. */
static int64_t count_in_line(const Table *table, const char *at, char letter, const char **after) {
    int64_t count = 0;
    bool quoted = false;
    for (; at < table->end && (quoted || !line_end(table, at)); at++) {
        quoted ^= *at == '"';
        count += !quoted && *at == letter;
    }
    *after = at < table->end ? at + line_end(table, at) : at;
    return count;
}

/* Where the header has commas and semicolons, the first row decides: it has as many of the true separator. */
static char separator_of(const Table *table) {
    const char *row, *after;
    if (count_in_line(table, table->at, '\t', &row))
        return '\t';
    const int64_t semicolons = count_in_line(table, table->at, ';', &row);
    const int64_t commas = count_in_line(table, table->at, ',', &row);
    if (!semicolons || !commas)
        return semicolons ? ';' : ',';
    const bool by_comma = count_in_line(table, row, ',', &after) == commas;
    return !by_comma && count_in_line(table, row, ';', &after) == semicolons ? ';' : ',';
}

/* Spreadsheets write the separator into a first line of its own: "sep=;". */
static bool take_separator_line(Table *table) {
    char *at = table->at;
    if ((size_t)(table->end - at) < 5 || strncasecmp(at, "sep=", 4) != 0 || !strchr(",;\t", at[4]) ||
        !line_end(table, at + 5))
        return false;
    table->separator = at[4];
    table->at = at + 5 + line_end(table, at + 5);
    table->next_line++;
    return true;
}

/* Which of two equal columns is meant cannot be known; columns without a name are of no use anyway. */
static Status check_names_differ(const Table *table) {
    for (int i = 0; i < table->column_count; i++)
        for (int k = 0; *table->columns[i] && k < i; k++)
            if (strcasecmp(table->columns[i], table->columns[k]) == 0)
                return status_error(EXIT_DATA, "%s:%lld: columns %d and %d are both named \"%s\"; rename or remove one",
                                    table->path, (long long)table->line, k + 1, i + 1, table->columns[i]);
    return NULL;
}

static Status read_header(Table *table) {
    if (table->at >= table->end)
        return status_error(EXIT_DATA, "%s: the table is empty; its first line names the columns", table->path);
    table->line = table->next_line;
    int64_t capacity = 0;
    for (bool last = false; !last; table->column_count++) {
        TRY(list_grow(&table->columns, table->column_count, &capacity, sizeof *table->columns, "a table's columns"));
        char *name;
        TRY(read_field(table, &name, &last));
        table->columns[table->column_count] = name;
    }
    TRY(check_names_differ(table));
    table->fields = calloc((size_t)table->column_count, sizeof *table->fields);
    return table->fields ? NULL : status_no_memory("a table's fields", (size_t)capacity * sizeof *table->fields);
}

/* Names of people and labels go into packs, whose readers fail on texts that are not UTF-8. */
static Status check_utf8(const Table *table) {
    const char *stray = utf8_stray(table->data);
    if (!stray)
        return NULL;
    long long line = 1;
    for (const char *at = table->data; at < stray; at++)
        line += *at == '\n' || (*at == '\r' && at[1] != '\n');
    return status_error(EXIT_DATA, "%s:%lld: byte 0x%02x is not UTF-8; save the file as UTF-8 (Latin-1, Windows-1252?)",
                        table->path, line, (unsigned char)*stray);
}

static Status open_table(Table *table) {
    TextFile file;
    TRY(text_file_read(table->path, "table", &file));
    table->data = file.data;
    table->at = file.text;
    table->end = file.text + file.size;
    table->next_line = 1;
    TRY(check_utf8(table));
    table->unended = file.size && table->end[-1] != '\n' && table->end[-1] != '\r';
    while (table->end > table->at && (table->end[-1] == '\n' || table->end[-1] == '\r'))
        table->end--; /* empty lines after the last row */
    if (!take_separator_line(table))
        table->separator = separator_of(table);
    return read_header(table);
}

Status table_open(const char *path, Table *table) {
    *table = (Table){0};
    Status status = files_path(&table->path, "%s", path);
    if (!status)
        status = open_table(table);
    if (status)
        table_close(table);
    return status;
}

void table_close(Table *table) {
    free(table->path);
    free(table->data);
    free(table->columns);
    free(table->fields);
    *table = (Table){0};
}

int table_find(const Table *table, const char *const *names) {
    for (; *names; names++)
        for (int i = 0; i < table->column_count; i++)
            if (strcasecmp(table->columns[i], *names) == 0)
                return i;
    return -1;
}

static char *joined(char *const *texts, int count, const char *between) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    for (int i = 0; i < count; i++)
        fprintf(out, "%s%s", i ? between : "", texts[i]);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

Status table_column(const Table *table, const char *const *names, int *column) {
    *column = table_find(table, names);
    if (*column >= 0)
        return NULL;
    int count = 0;
    while (names[count])
        count++;
    char *wanted = joined((char *const *)names, count, " or "),
         *there = joined(table->columns, table->column_count, ", ");
    Status status = wanted && there ? status_error(EXIT_DATA, "%s: no column %s; it has %s", table->path, wanted, there)
                                    : status_no_memory("a message", 0);
    free(wanted);
    free(there);
    return status;
}

bool table_number(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    if (end == text || !isfinite(*value))
        return false;
    while (isspace((unsigned char)*end))
        end++;
    return *end == '\0';
}
