/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Status text_format_list(char **text, const char *what, const char *format, va_list arguments) {
    if (vasprintf(text, format, arguments) >= 0)
        return NULL;
    *text = NULL;
    return status_no_memory(what, strlen(format));
}

Status text_format(char **text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Status status = text_format_list(text, "a text", format, arguments);
    va_end(arguments);
    return status;
}

bool text_next_line(const char **at, const char *end, TextLine *line) {
    if (*at == end)
        return false;
    const char *feed = memchr(*at, '\n', (size_t)(end - *at));
    *line = (TextLine){.start = *at, .length = (size_t)((feed ? feed : end) - *at), .ended = feed};
    *at = feed ? feed + 1 : end;
    return true;
}

char *text_cut_line(char *text, const TextLine *line) {
    char *start = text + (line->start - text);
    start[line->length] = '\0';
    return start;
}
