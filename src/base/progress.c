/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"
#include "base/clock.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum { LINE = 512 };

int progress_columns(FILE *out) {
    struct winsize size;
    const bool known = ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known ? size.ws_col : PROGRESS_COLUMNS;
}

void progress_begin(Progress *progress, FILE *out) {
    *progress = (Progress){.out = out, .terminal = isatty(fileno(out)) == 1, .shown = clock_now()};
}

double progress_age(const Progress *progress) {
    return clock_now() - progress->shown;
}

void progress_show(Progress *progress, const char *format, ...) {
    char line[LINE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (progress->terminal) /* a live line that wrapped could not be rewritten in place */
        fprintf(progress->out, "\r\033[K%.*s", progress_columns(progress->out) - 1, line);
    else
        fprintf(progress->out, "%s\n", line);
    fflush(progress->out);
    progress->live = progress->terminal;
    progress->shown = clock_now();
}

void progress_end(Progress *progress) {
    if (progress->live)
        fputc('\n', progress->out);
    progress->live = false;
    fflush(progress->out);
}

void progress_note_list(Progress *progress, const char *format, va_list arguments) {
    progress_end(progress);
    vfprintf(progress->out, format, arguments);
    fputc('\n', progress->out);
    fflush(progress->out);
}

void progress_note(Progress *progress, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    progress_note_list(progress, format, arguments);
    va_end(arguments);
}
