/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/markup.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

/* Bytes of the character at `s` that may be printed as it is; 0: it is no UTF-8, or a control character, U+FFFE or
 * U+FFFF, which XML 1.0 forbids. */
static size_t length_of(const char *s) {
    const unsigned char first = (unsigned char)*s;
    const size_t length = utf8_length(s);
    if ((first < 0x20 && first != '\t' && first != '\n') || first == 0x7f)
        return 0;
    if (length == 3 && (!memcmp(s, "\xef\xbf\xbe", 3) || !memcmp(s, "\xef\xbf\xbf", 3)))
        return 0;
    return length;
}

/* Calls `put` for each character of a text. */
static void put_all(FILE *out, const char *text, void (*put)(FILE *out, const char *s, size_t length)) {
    for (const char *s = text; *s;) {
        const size_t length = length_of(s), whole = utf8_length(s);
        if (length)
            put(out, s, length);
        else
            fputs("\xef\xbf\xbd", out);
        s += length ? length : whole ? whole : 1;
    }
}

static void put_html(FILE *out, const char *s, size_t length) {
    static const char marks[] = "&<>\"'";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    const char *mark = length == 1 ? strchr(marks, *s) : NULL;
    if (mark)
        fputs(names[mark - marks], out);
    else
        fwrite(s, 1, length, out);
}

static void put_markdown(FILE *out, const char *s, size_t length) {
    if (length == 1 && strchr("\\`*_{}[]<>#|!~$&", *s))
        fputc('\\', out);
    if (*s == '\n' || *s == '\t')
        fputc(' ', out);
    else
        fwrite(s, 1, length, out);
}

void markup_html(FILE *out, const char *text) {
    put_all(out, text, put_html);
}

void markup_markdown(FILE *out, const char *text) {
    put_all(out, text, put_markdown);
}
