/* Lines of tab-separated fields, as staging's own lists are written. */
#ifndef FOVEA_STAGE_TSV_H
#define FOVEA_STAGE_TSV_H

#include <stdio.h>

/* One line; tabs, line ends and backslashes within a field as \t, \n, \r and \\. */
void tsv_put_line(FILE *out, const char *const *fields, int count);

#endif
