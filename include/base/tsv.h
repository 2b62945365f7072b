/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of tab-separated fields, the format of staging's own lists. */
#ifndef FOVEA_BASE_TSV_H
#define FOVEA_BASE_TSV_H

#include <stdio.h>

/* One line; tabs, line ends and backslashes within a field as \t, \n, \r and \\. */
void tsv_put_line(FILE *out, const char *const *fields, int count);

/* Cuts the line that *text points at into fields, in place and unescaped, and moves *text past it. Returns the number
 * of its fields, of which the first `most` are in `fields`; 0 at the end of the text. */
int tsv_take_line(char **text, char **fields, int most);

/* Undoes the escapes of a field in place. */
void tsv_unescape(char *field);

#endif
