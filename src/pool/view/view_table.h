/* SPDX-License-Identifier: Apache-2.0 */
/* A table: rows of cells, aligned, cut to the page's width; lines of text below rows. */
#ifndef FOVEA_POOL_VIEW_VIEW_TABLE_H
#define FOVEA_POOL_VIEW_VIEW_TABLE_H

#include "pool/view/view_page.h"

#include <stdint.h>

typedef struct {
    const char *title;
    bool right; /* numbers end at the same column */
    int least;  /* where the page is too narrow its cells are cut, down to this; 0: never */
} ViewColumn;

typedef struct {
    char *text; /* safe */
    ViewStyle style;
    bool note; /* a line below the row */
} ViewCell;

typedef struct {
    const ViewColumn *columns;
    int column_count;
    ViewCell *cells; /* [cell_count] row after row, each followed by its notes */
    int64_t cell_count, cell_capacity;
} ViewTable;

/* `columns` [count] outlive the table. Free with view_table_close(). */
void view_table_open(ViewTable *table, const ViewColumn *columns, int count);
void view_table_close(ViewTable *table);
/* The next cell; the row ends with its last column. An empty text is shown as "-". */
Status view_cell(ViewTable *table, ViewStyle style, const char *format, ...)
    __attribute__((format(printf, 3, 4))) MUST_USE;
/* A line below the row that has just ended. */
Status view_note(ViewTable *table, ViewStyle style, const char *format, ...)
    __attribute__((format(printf, 3, 4))) MUST_USE;
/* Nothing when there are no rows. */
Status view_table_print(const ViewTable *table, const ViewPage *page) MUST_USE;

#endif
