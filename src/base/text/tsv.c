/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tsv.h"

#include <string.h>

static void put_field(FILE *out, const char *text) {
    for (; *text; text++) {
        switch (*text) {
        case '\t':
            fputs("\\t", out);
            break;
        case '\n':
            fputs("\\n", out);
            break;
        case '\r':
            fputs("\\r", out);
            break;
        case '\\':
            fputs("\\\\", out);
            break;
        default:
            fputc(*text, out);
        }
    }
}

void tsv_put_line(FILE *out, const char *const *fields, int count) {
    for (int i = 0; i < count; i++) {
        if (i)
            fputc('\t', out);
        put_field(out, fields[i]);
    }
    fputc('\n', out);
}

void tsv_unescape(char *field) {
    char *to = field;
    for (const char *from = field; *from; from++) {
        if (*from != '\\' || !from[1]) {
            *to++ = *from;
            continue;
        }
        from++;
        *to++ = (char)(*from == 't' ? '\t' : *from == 'n' ? '\n' : *from == 'r' ? '\r' : *from);
    }
    *to = '\0';
}

int tsv_take_line(char **text, char **fields, int most) {
    char *start = *text;
    if (!*start)
        return 0;
    char *end = start + strcspn(start, "\n");
    *text = *end ? end + 1 : end;
    *end = '\0';
    int count = 0;
    for (char *field = start; field; count++) {
        char *tab = strchr(field, '\t');
        if (tab)
            *tab = '\0';
        if (count < most) {
            tsv_unescape(field);
            fields[count] = field;
        }
        field = tab ? tab + 1 : NULL;
    }
    return count;
}
