/* SPDX-License-Identifier: Apache-2.0 */
/* Tables in text: TSV and CSV (RFC 4180), read row by row. */
#ifndef FOVEA_BASE_TABLE_H
#define FOVEA_BASE_TABLE_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The fields of the current row are texts within the table's memory: valid until the next row. */
typedef struct {
    char *path;
    char separator;
    char **columns; /* [column_count] differ, whatever the case; without blanks around them */
    char **fields;  /* [column_count] without blanks around them */
    int column_count;
    int64_t line; /* where the current row begins, from 1 */
    /* Private: */
    char *data, *at, *end;
    int64_t next_line;
    bool unended; /* the last line has no end */
} Table;

/* Reads the file and its header. The separator is the one of a first line such as "sep=;", else a tab when the header
 * has one outside quotes, else a comma or a semicolon, the one that the first row has as often as the header. A byte
 * order mark and lines that end in LF, CR LF or CR are accepted. EXIT_DATA "FILE:LINE: reason", or for a missing file;
 * EXIT_IO when it cannot be read. */
Status table_open(const char *path, Table *table) MUST_USE;
/* The next row; *more is false after the last one. EXIT_DATA for a row with too few or too many fields, a quote that is
 * never closed, or text after a closing quote. */
Status table_next(Table *table, bool *more) MUST_USE;
void table_close(Table *table);

/* The number of the column with one of these names, in upper or lower case, or -1; the first name that is there wins.
 * NULL ends the names. */
int table_find(const Table *table, const char *const *names);
/* The same; EXIT_DATA with the columns that are there when none is. */
Status table_column(const Table *table, const char *const *names, int *column) MUST_USE;
/* EXIT_DATA "FILE:LINE: reason" for the current row. */
Status table_error(const Table *table, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;

/* Reads a text that is a number, with or without spaces around it; false for other texts, nan and inf included. */
bool table_number(const char *text, double *value);

#endif
