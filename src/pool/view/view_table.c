/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/view/view_table.h"

#include "base/list.h"
#include "base/text.h"
#include "pool/view/view_words.h"

#include <stdlib.h>

enum { MOST_COLUMNS = 16, GAP = 2, INDENT = 4 };

void view_table_open(ViewTable *table, const ViewColumn *columns, int count) {
    *table = (ViewTable){.columns = columns, .column_count = count < MOST_COLUMNS ? count : MOST_COLUMNS};
}

void view_table_close(ViewTable *table) {
    for (int64_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    *table = (ViewTable){0};
}

static Status add_cell(ViewTable *table, ViewCell cell, const char *format, va_list arguments) {
    char *text;
    TRY(list_grow(&table->cells, table->cell_count, &table->cell_capacity, sizeof *table->cells, "a table"));
    TRY(text_format_list(&text, "a cell of a table", format, arguments));
    Status status = view_safe(*text || cell.note ? text : "-", &cell.text);
    free(text);
    if (!status)
        table->cells[table->cell_count++] = cell;
    return status;
}

Status view_cell(ViewTable *table, ViewStyle style, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Status status = add_cell(table, (ViewCell){.style = style}, format, arguments);
    va_end(arguments);
    return status;
}

Status view_note(ViewTable *table, ViewStyle style, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Status status = add_cell(table, (ViewCell){.style = style, .note = true}, format, arguments);
    va_end(arguments);
    return status;
}

static void find_natural_widths(const ViewTable *table, int *widths) {
    int column = 0;
    for (int i = 0; i < table->column_count; i++)
        widths[i] = view_columns(table->columns[i].title);
    for (int64_t i = 0; i < table->cell_count; i++) {
        if (table->cells[i].note)
            continue;
        int width = view_columns(table->cells[i].text);
        widths[column] = width > widths[column] ? width : widths[column];
        column = (column + 1) % table->column_count;
    }
}

/* Natural widths, then the widest column that may be cut gives a column at a time until the page holds the row. Returns
 * the gap between columns: where that was not enough it is the smallest. */
static int find_widths(const ViewTable *table, int columns, int *widths) {
    find_natural_widths(table, widths);
    int sum = GAP * (table->column_count - 1);
    for (int i = 0; i < table->column_count; i++)
        sum += widths[i];
    while (sum > columns) {
        int widest = -1;
        for (int i = 0; i < table->column_count; i++)
            if (table->columns[i].least && widths[i] > table->columns[i].least &&
                (widest < 0 || widths[i] > widths[widest]))
                widest = i;
        if (widest < 0)
            return 1;
        widths[widest]--;
        sum--;
    }
    return GAP;
}

/* A row under way. */
typedef struct {
    const ViewTable *table;
    const ViewPage *page;
    int widths[MOST_COLUMNS], gap, column;
} RowPrinter;

/* A cell in its column; the last column of a row has no blanks after it. */
static void print_cell(RowPrinter *row, const char *text, ViewStyle style) {
    const ViewPage *page = row->page;
    const int width = row->widths[row->column];
    const bool right = row->table->columns[row->column].right;
    row->column = (row->column + 1) % row->table->column_count;
    int taken = view_columns(text);
    bool cut = taken > width;
    size_t length = view_cut(text, cut ? width - 1 : width);
    int blanks = width - (taken - view_columns(text + length)) - cut;
    if (right)
        fprintf(page->out, "%*s", blanks, "");
    if (style)
        view_style(page, style);
    fwrite(text, 1, length, page->out);
    if (cut)
        fputc('~', page->out);
    if (style)
        view_style(page, VIEW_PLAIN);
    if (!row->column)
        fputc('\n', page->out);
    else
        fprintf(page->out, "%*s", (right ? 0 : blanks) + row->gap, "");
}

Status view_table_print(const ViewTable *table, const ViewPage *page) {
    RowPrinter row = {.table = table, .page = page};
    if (!table->cell_count)
        return NULL;
    row.gap = find_widths(table, page->columns, row.widths);
    for (int i = 0; i < table->column_count; i++)
        print_cell(&row, table->columns[i].title, VIEW_TITLE);
    for (int64_t i = 0; i < table->cell_count; i++) {
        const ViewCell *cell = &table->cells[i];
        if (cell->note)
            TRY(view_paragraph(page, INDENT, cell->style, "%s", cell->text));
        else
            print_cell(&row, cell->text, cell->style);
    }
    return NULL;
}
