/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/report/markdown.h"

#include "base/list.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Bars end a cell, and control characters a line. */
static Status escape_cell(const char *text, char **cell) {
    char *to = *cell = malloc(2 * strlen(text) + 1);
    if (!to)
        return status_no_memory("a table's cell", 2 * strlen(text));
    for (; *text; text++) {
        if (*text == '|')
            *to++ = '\\';
        *to++ = (unsigned char)*text < ' ' ? ' ' : *text;
    }
    *to = '\0';
    return NULL;
}

Status markdown_add(MarkdownTable *table, const char *format, ...) {
    char *text;
    va_list arguments;
    TRY(list_grow(&table->cells, table->count, &table->capacity, sizeof *table->cells, "a table's cells"));
    va_start(arguments, format);
    Status status = text_format_list(&text, "a table's cell", format, arguments);
    va_end(arguments);
    TRY(status);
    status = escape_cell(text, &table->cells[table->count]);
    free(text);
    table->count += !status;
    return status;
}

/* Letters of a UTF-8 text, which are about as many columns of a terminal. */
static int count_letters(const char *text) {
    int letters = 0;
    for (; *text; text++)
        letters += (*text & 0xC0) != 0x80;
    return letters;
}

static int column_width(const MarkdownTable *table, int column) {
    int width = 3; /* of the line below the header */
    for (int64_t i = column; i < table->count; i += table->columns) {
        const int letters = count_letters(table->cells[i]);
        width = letters > width ? letters : width;
    }
    return width;
}

/* The last column may be long, and nothing has to stand below its end. */
static void print_cell(FILE *out, const char *cell, int width) {
    const int blanks = width - count_letters(cell) + 1;
    fprintf(out, "| %s%*s", cell, blanks > 1 ? blanks : 1, "");
}

void markdown_print(FILE *out, const MarkdownTable *table) {
    static const char dashes[] = "----------------------------------------------------------------";
    if (table->count <= table->columns)
        return;
    putc('\n', out);
    for (int64_t i = 0; i < table->count; i++) {
        const int column = (int)(i % table->columns);
        const bool last = column == table->columns - 1;
        print_cell(out, table->cells[i], last ? 0 : column_width(table, column));
        if (last)
            fputs("|\n", out);
        if (i != table->columns - 1)
            continue;
        for (int c = 0; c < table->columns; c++)
            fprintf(out, "|%.*s", c == table->columns - 1 ? 5 : column_width(table, c) + 2, dashes);
        fputs("|\n", out);
    }
}

void markdown_close(MarkdownTable *table) {
    for (int64_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (MarkdownTable){0};
}
