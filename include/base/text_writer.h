/* SPDX-License-Identifier: Apache-2.0 */
/* A text that is printed piece by piece into memory, then written to a file as a whole. */
#ifndef FOVEA_BASE_TEXT_WRITER_H
#define FOVEA_BASE_TEXT_WRITER_H

#include "base/status.h"

#include <stddef.h>
#include <stdio.h>

/* Print to `out`; `text` and `size` are valid after fflush(out). A lack of memory is reported once, at the end. */
typedef struct {
    FILE *out; /* NULL: closed */
    char *text;
    size_t size;
    const char *what; /* names the text in the message when memory is short */
} TextWriter;

/* An opened writer is ended by one of the other three functions. `what` is kept. */
Status text_writer_open(TextWriter *writer, const char *what) MUST_USE;
/* Writes the text to `path` with files_write(). */
Status text_writer_save(TextWriter *writer, const char *path) MUST_USE;
/* Hands the text to the caller, who frees it; *text is NULL on failure. */
Status text_writer_take(TextWriter *writer, char **text) MUST_USE;
/* Drops the text. A closed or empty writer is allowed. */
void text_writer_discard(TextWriter *writer);

#endif
