/* SPDX-License-Identifier: Apache-2.0 */
/* Texts in memory: printing one, and reading one line by line. */
#ifndef FOVEA_BASE_TEXT_H
#define FOVEA_BASE_TEXT_H

#include "base/status.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Prints `format` into fresh memory, the caller's; *text is NULL on failure. */
Status text_format(char **text, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_USE;
/* The same; `what` names the text in the message when memory is short. */
Status text_format_list(char **text, const char *what, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0))) MUST_USE;

/* A line of a text, without its line feed; the text itself is not changed. */
typedef struct {
    const char *start;
    size_t length; /* a carriage return at the end belongs to it */
    bool ended;    /* a line feed follows: false only for a last line that was cut short */
} TextLine;

/* Takes the line that *at points to and moves *at to the next one; false when *at has reached `end`. */
bool text_next_line(const char **at, const char *end, TextLine *line);
/* The line as a text: ends it with a NUL in place of its line feed. `text` contains the line and, after its end, a NUL.
 */
char *text_cut_line(char *text, const TextLine *line);

#endif
