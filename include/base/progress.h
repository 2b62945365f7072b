/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line of a program: rewritten in place on a terminal, a line of its own each time elsewhere. */
#ifndef FOVEA_BASE_PROGRESS_H
#define FOVEA_BASE_PROGRESS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct {
    FILE *out;
    bool terminal;
    bool live;    /* the line is on the terminal and not yet ended */
    double shown; /* clock_now() when it was last shown, or when the progress began */
} Progress;

enum { PROGRESS_COLUMNS = 80 };

/* Columns of the terminal that `out` is; PROGRESS_COLUMNS for anything else. */
int progress_columns(FILE *out);
/* `out`: stdout or stderr; anything but a terminal is written line by line. */
void progress_begin(Progress *progress, FILE *out);
/* Seconds since the line was last shown. */
double progress_age(const Progress *progress);
/* Shows the line; on a terminal it replaces the last one and is cut to the terminal's width. */
void progress_show(Progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes a line that stays; a live line is ended before it. */
void progress_note(Progress *progress, const char *format, ...) __attribute__((format(printf, 2, 3)));
void progress_note_list(Progress *progress, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
/* Ends a live line. */
void progress_end(Progress *progress);

#endif
