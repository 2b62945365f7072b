/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

size_t utf8_length(const char *text) {
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] >= 0xf0 && s[0] <= 0xf4   ? 4
                    : s[0] >= 0xe0 && s[0] <= 0xef ? 3
                    : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
                                                   : 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

const char *utf8_stray(const char *text) {
    while (*text) {
        size_t length = utf8_length(text);
        if (!length)
            return text;
        text += length;
    }
    return NULL;
}
