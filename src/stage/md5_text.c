#include "md5_text.h"

#include "digest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { DIGITS = 2 * DIGEST_MD5, LETTERS = 22 /* of base64, before two "=" */ };

static size_t hexadecimal(const char *text, char sum[MD5_TEXT]) {
    size_t digits = 0;
    for (; digits < DIGITS && isxdigit((unsigned char)text[digits]); digits++)
        sum[digits] = (char)tolower((unsigned char)text[digits]);
    sum[digits] = '\0';
    return digits == DIGITS && !isxdigit((unsigned char)text[DIGITS]) ? DIGITS : 0;
}

static int value_of(char letter) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? (int)(at - letters) : -1;
}

/* 22 letters hold 132 bits: the last four have to be zero. */
static size_t base64(const char *text, char sum[MD5_TEXT]) {
    uint8_t bytes[DIGEST_MD5 + 1] = {0};
    for (int i = 0; i < LETTERS; i++) {
        const int value = value_of(text[i]);
        if (value < 0)
            return 0;
        const int bit = 6 * i, shift = 10 - bit % 8; /* within two bytes */
        bytes[bit / 8] |= (uint8_t)(value << shift >> 8);
        bytes[bit / 8 + 1] |= (uint8_t)(value << shift);
    }
    const char *end = text + LETTERS;
    if (strncmp(end, "==", 2) != 0 || end[2] == '=' || value_of(end[2]) >= 0 || bytes[DIGEST_MD5])
        return 0;
    digest_to_hex(bytes, DIGEST_MD5, sum);
    return LETTERS + 2;
}

size_t md5_text(const char *text, char sum[MD5_TEXT]) {
    const size_t taken = hexadecimal(text, sum);
    return taken ? taken : base64(text, sum);
}
