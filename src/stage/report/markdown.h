/* SPDX-License-Identifier: Apache-2.0 */
/* Tables in Markdown whose columns are aligned, so that they are read on a terminal, too. */
#ifndef FOVEA_STAGE_MARKDOWN_H
#define FOVEA_STAGE_MARKDOWN_H

#include "base/status.h"

#include <stdint.h>
#include <stdio.h>

typedef struct {
    char **cells; /* [count] row by row, the header first */
    int64_t count, capacity;
    int columns;
} MarkdownTable;

/* Adds the next cell, by printf's rules; bars and line ends are escaped. */
Status markdown_add(MarkdownTable *table, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;
/* Prints an empty line and the table, unless it has a header alone. */
void markdown_print(FILE *out, const MarkdownTable *table);
void markdown_close(MarkdownTable *table);

#endif
