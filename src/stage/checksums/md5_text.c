/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/checksums/md5_text.h"

#include "base/digest.h"

#include <ctype.h>
#include <stdint.h>

enum { DIGITS = 2 * DIGEST_MD5, LETTERS = 24 /* of base64 */ };

static size_t hexadecimal(const char *text, char sum[MD5_TEXT]) {
    size_t digits = 0;
    for (; digits < DIGITS && isxdigit((unsigned char)text[digits]); digits++)
        sum[digits] = (char)tolower((unsigned char)text[digits]);
    sum[digits] = '\0';
    return digits == DIGITS && !isxdigit((unsigned char)text[DIGITS]) ? DIGITS : 0;
}

static size_t base64(const char *text, char sum[MD5_TEXT]) {
    uint8_t bytes[DIGEST_MD5];
    if (!digest_from_base64_md5(text, bytes))
        return 0;
    digest_to_hex(bytes, DIGEST_MD5, sum);
    return LETTERS;
}

size_t md5_text(const char *text, char sum[MD5_TEXT]) {
    const size_t taken = hexadecimal(text, sum);
    return taken ? taken : base64(text, sum);
}
