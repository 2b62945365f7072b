/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/source/folder/label_cells.h"

#include "base/table.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* What pandas, R, SQL and spreadsheets write for a value that is not there. */
static const char *const unknowns[] = {"",        "NA",   "N/A",  "n.a.",     "NaN",     "-NaN",     "#N/A",
                                       "#NA",     "<NA>", "null", "#N/A N/A", "1.#QNAN", "None",     "unknown",
                                       "missing", "-",    "?",    ".",        "-1.#IND", "-1.#QNAN", "nil",
                                       "#NULL!",  "NaT",  "--",   "1.#IND"};

bool cell_is_unknown(const char *text) {
    for (size_t i = 0; i < sizeof unknowns / sizeof *unknowns; i++)
        if (strcasecmp(text, unknowns[i]) == 0)
            return true;
    return false;
}

static CellKind read_boolean(const char *text, double *value) {
    static const char *const words[][2] = {{"false", "true"}, {"no", "yes"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        for (int truth = 0; truth < 2; truth++)
            if (strcasecmp(text, words[i][truth]) == 0) {
                *value = truth;
                return CELL_BOOLEAN;
            }
    return CELL_TEXT;
}

/* Digits, one comma, digits. Three digits after it may be thousands, unless only zero comes before. */
static CellKind read_decimal_comma(const char *text, double *value) {
    const size_t sign = *text == '-' || *text == '+', before = strspn(text + sign, "0123456789");
    const char *comma = text + sign + before;
    const size_t after = *comma == ',' ? strspn(comma + 1, "0123456789") : 0;
    char copy[32];
    if (!before || !after || comma[1 + after] || sign + before + 1 + after >= sizeof copy)
        return CELL_TEXT;
    const bool zero = before == 1 && text[sign] == '0';
    if (after == 3 && before <= 3 && !zero)
        return CELL_AMBIGUOUS;
    strcpy(copy, text);
    copy[sign + before] = '.';
    return table_number(copy, value) ? CELL_NUMBER : CELL_TEXT;
}

CellKind cell_read(const char *text, double *value) {
    if (cell_is_unknown(text))
        return CELL_UNKNOWN;
    if (table_number(text, value)) /* labels are single precision */
        return fabs(*value) <= (double)FLT_MAX ? CELL_NUMBER : CELL_TEXT;
    const CellKind kind = read_boolean(text, value);
    return kind == CELL_TEXT ? read_decimal_comma(text, value) : kind;
}
