/* SPDX-License-Identifier: Apache-2.0 */
/* MD5 sums as texts write them. */
#ifndef FOVEA_STAGE_MD5_TEXT_H
#define FOVEA_STAGE_MD5_TEXT_H

#include <stddef.h>

enum { MD5_TEXT = 33 }; /* 32 digits and a NUL */

/* The sum that `text` begins with: 32 hexadecimal digits, or the base64 of 16 bytes (24 characters, RFC 4648), as
 * HTTP's Content-MD5 has it. Returns how many characters it takes, with `sum` in lower case digits; 0 when there is
 * none. */
size_t md5_text(const char *text, char sum[MD5_TEXT]);

#endif
