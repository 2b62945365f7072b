/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 has it, in NUL-terminated texts. */
#ifndef FOVEA_BASE_UTF8_H
#define FOVEA_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the sequence at `text` (the end is one of 1); 0 when there is none (stray, cut short, overlong, a
 * surrogate, beyond U+10FFFF). */
size_t utf8_length(const char *text);

/* The first byte that is of no sequence; NULL when all are. */
const char *utf8_stray(const char *text);

#endif
