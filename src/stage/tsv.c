#include "tsv.h"

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
