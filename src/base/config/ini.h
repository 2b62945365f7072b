/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of an INI file. Lines may have any length. Refused: continuation (indented) lines, text after a section's
 * name, bytes that no text file contains. */
#ifndef FOVEA_BASE_CONFIG_INI_H
#define FOVEA_BASE_CONFIG_INI_H

#include "base/status.h"
#include <stddef.h>

typedef enum { INI_END, INI_SECTION, INI_KEY } IniKind;

typedef struct {
    const char *path;
    char *text;         /* the whole file */
    char *next, *end;   /* what is left of it */
    int line;           /* number of the line read last */
    char *name, *value; /* of the section or key read last, within `text` */
} IniFile;

/* EXIT_USAGE naming `path` when it cannot be read. Closed with ini_close(). */
Status ini_open(IniFile *ini, const char *path) MUST_USE;
/* The same for a copy of `text`; `path` is for messages. */
Status ini_open_text(IniFile *ini, const char *path, const char *text) MUST_USE;
void ini_close(IniFile *ini);
/* The next line that is neither blank nor a comment: its name, and of a key its value, both without blanks around. */
Status ini_next(IniFile *ini, IniKind *kind) MUST_USE;

#endif
