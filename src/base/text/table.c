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

/* Whether a field ends at `at`: with the separator, the line or the file. */
static bool ends_field(const Table *table, const char *at) {
    return at == table->end || *at == table->separator || *at == '\n' ||
           (*at == '\r' && (at + 1 == table->end || at[1] == '\n'));
}

/* Removes the quotes of a field in place; *at moves past the closing one. */
static Status read_quoted(Table *table, char **at) {
    char *from = *at + 1, *to = *at;
    for (; from < table->end; *to++ = *from++) {
        if (*from == '\n')
            table->next_line++;
        if (*from != '"')
            continue;
        if (from + 1 < table->end && from[1] == '"') {
            from++;
            continue;
        }
        *to = '\0'; /* to < from: the opening quote is gone */
        *at = from + 1;
        return ends_field(table, from + 1)
                   ? NULL
                   : table_error(table, "text after a closing quote; double a quote that is part of the field");
    }
    return table_error(table, "a quote opens on this line or below and is never closed; close it");
}

/* Reads the field at table->at, which moves past its separator; *last: it ends the line. */
static Status read_field(Table *table, char **field, bool *last) {
    char *at = *field = table->at;
    if (at < table->end && *at == '"')
        TRY(read_quoted(table, &at));
    while (!ends_field(table, at))
        at++;
    *last = at == table->end || *at != table->separator;
    char *ending = at;
    if (at < table->end && *at == '\r')
        at++;
    if (at < table->end) {
        table->next_line += *at == '\n';
        at++;
    }
    *ending = '\0'; /* the text has a NUL after its end */
    table->at = at;
    return NULL;
}

static bool only_line_ends(const Table *table) {
    const char *at = table->at;
    while (at < table->end && (*at == '\n' || *at == '\r'))
        at++;
    return at == table->end;
}

Status table_next(Table *table, bool *more) {
    *more = false;
    if (only_line_ends(table))
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

static char separator_of(const Table *table) {
    bool quoted = false, comma = false;
    for (const char *at = table->at; at < table->end && (quoted || *at != '\n'); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (!quoted && *at == '\t')
            return '\t';
        else if (!quoted && *at == ',')
            comma = true;
    }
    for (const char *at = table->at; !comma && at < table->end && *at != '\n'; at++)
        if (*at == ';')
            return ';';
    return ',';
}

static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

static Status read_header(Table *table) {
    if (only_line_ends(table))
        return status_error(EXIT_DATA, "%s: the table is empty; its first line names the columns", table->path);
    table->line = 1;
    int64_t capacity = 0;
    for (bool last = false; !last; table->column_count++) {
        TRY(list_grow(&table->columns, table->column_count, &capacity, sizeof *table->columns, "a table's columns"));
        char *name;
        TRY(read_field(table, &name, &last));
        table->columns[table->column_count] = trim(name);
    }
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
        line += *at == '\n';
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
    table->unended = file.size && table->end[-1] != '\n';
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
