/* SPDX-License-Identifier: Apache-2.0 */
/* What a cell of a table of labels says. */
#ifndef FOVEA_STAGE_LABEL_CELLS_H
#define FOVEA_STAGE_LABEL_CELLS_H

#include <stdbool.h>

typedef enum {
    CELL_UNKNOWN,   /* empty, or a program's word for it: NA, N/A, NaN, null, ... */
    CELL_NUMBER,    /* with a decimal point, or a decimal comma that cannot be anything else */
    CELL_BOOLEAN,   /* true, yes: 1; false, no: 0 */
    CELL_AMBIGUOUS, /* 1,234: a decimal comma, or thousands? */
    CELL_TEXT
} CellKind;

/* `text` without blanks around it, as table.h gives it. *value is set for numbers and booleans. */
CellKind cell_read(const char *text, double *value);
bool cell_is_unknown(const char *text);

#endif
