/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as RFC 3629 defines it, in NUL-terminated texts. */
#ifndef FOVEA_BASE_UTF8_H
#define FOVEA_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the sequence at `text`, 1 for the NUL at its end; 0 for bytes that are no sequence (stray, cut short,
 * overlong, a surrogate, beyond U+10FFFF). */
size_t utf8_length(const char *text);

/* The first byte that belongs to no sequence; NULL when there is none. */
const char *utf8_stray(const char *text);

#endif
