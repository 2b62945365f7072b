/* SPDX-License-Identifier: Apache-2.0 */
/* Text files that a user gives: tables and lists. */
#ifndef FOVEA_BASE_TEXT_FILE_H
#define FOVEA_BASE_TEXT_FILE_H

#include "base/status.h"

#include <stddef.h>

typedef struct {
    char *data; /* the caller's to free */
    char *text; /* within data, after a byte order mark; ends with a NUL */
    size_t size;
} TextFile;

/* EXIT_DATA when `path` is missing, of another format (a spreadsheet, an archive) or contains a NUL, EXIT_IO when it
 * cannot be read; `what`, "table" or "list", is for
 * the message. */
Status text_file_read(const char *path, const char *what, TextFile *file) MUST_USE;

#endif
