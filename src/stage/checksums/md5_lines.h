/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of MD5 sums with a file a line, as programs print them. */
#ifndef FOVEA_STAGE_MD5_LINES_H
#define FOVEA_STAGE_MD5_LINES_H

#include "base/status.h"
#include "stage/checksums/md5_text.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    MD5_LINE_SUM,    /* path and sum */
    MD5_LINE_REMARK, /* empty, a count, a folder, a file without a sum: nothing is to be taken from it */
    MD5_LINE_BAD,    /* one of those below, but damaged or without a sum that is one */
    MD5_LINE_STRANGE /* none of them */
} Md5Line;

/* What a line (without its end; changed in place) says; *path lies within it:
 *   SUM  PATH, SUM *PATH            md5sum, rclone md5sum; with a backslash before it, \\ and \n in PATH are escapes
 *   MD5 (PATH) = SUM                md5sum --tag, md5
 *   [INFO: ]PATH; NAME: VALUE; ...  azcopy list --properties ContentMD5
 *   {"MessageType": ...}            the same with --output-type json */
Md5Line md5_line(char *line, char **path, char sum[MD5_TEXT]);

/* Whether `text` is made of such lines, by the first one that is no remark. False: a table, perhaps. */
bool md5_lines(const char *text);

#endif
