/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of MD5 sums with one file a line, in the formats that programs print. */
#ifndef FOVEA_STAGE_MD5_LINES_H
#define FOVEA_STAGE_MD5_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum { MD5_TEXT = 33 }; /* 32 digits and a NUL */

typedef enum {
    MD5_LINE_SUM,    /* path and sum */
    MD5_LINE_REMARK, /* empty, a count, a folder, or a file without a sum: ignored */
    MD5_LINE_BAD,    /* one of the formats below, but damaged or without a valid sum */
    MD5_LINE_UNKNOWN /* none of the formats */
} Md5Line;

/* Parses a line (without its end; changed in place); *path points into it:
 *   SUM  PATH, SUM *PATH            md5sum, rclone md5sum; after a leading backslash, \\ and \n in PATH are escapes
 *   MD5 (PATH) = SUM                md5sum --tag, md5
 *   [INFO: ]PATH; NAME: VALUE; ...  azcopy list --properties ContentMD5
 *   {"MessageType": ...}            the same with --output-type json */
Md5Line md5_line_parse(char *line, char **path, char sum[MD5_TEXT]);

/* Whether `text` consists of such lines, judged by the first one that is not a remark. False: perhaps a table. */
bool md5_lines_recognise(const char *text);

/* The sum at the start of `text`: 32 hexadecimal digits, or the base64 of 16 bytes (24 characters, RFC 4648), as in
 * HTTP's Content-MD5. Returns the number of characters it takes, with lower-case digits in `sum`; 0 when there is none.
 */
size_t md5_parse_sum(const char *text, char sum[MD5_TEXT]);

#endif
