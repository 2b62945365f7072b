/* SPDX-License-Identifier: Apache-2.0 */
#include "pool/view/view_page.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/progress.h"
#include "base/text.h"
#include "pool/view/view_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LEAST_COLUMNS = 40, WATCH_SECONDS = 2 };

void view_page(ViewPage *page, FILE *out) {
    const char *none = getenv("NO_COLOR"), *terminal = getenv("TERM");
    *page = (ViewPage){.out = out, .columns = PROGRESS_COLUMNS, .now = clock_date()};
    if (isatty(fileno(out)) != 1)
        return;
    page->colour = !(none && *none) && terminal && strcmp(terminal, "dumb") != 0;
    int columns = progress_columns(out);
    page->columns = columns < LEAST_COLUMNS ? LEAST_COLUMNS : columns;
}

void view_style(const ViewPage *page, ViewStyle style) {
    static const char *const codes[] = {"0", "1", "32", "33", "31", "2"};
    if (page->colour)
        fprintf(page->out, "\033[%sm", codes[style]);
}

/* Bytes of the next line of at most `columns`, broken at a blank where there is one. */
static size_t line_length(const char *text, int columns) {
    size_t fits = view_cut(text, columns);
    if (!text[fits])
        return fits;
    for (size_t at = fits; at > 0; at--)
        if (text[at] == ' ')
            return at;
    return fits ? fits : strlen(text);
}

static void print_wrapped(const ViewPage *page, int indent, ViewStyle style, const char *text) {
    int deeper = 0;
    do {
        size_t length = line_length(text, page->columns - indent - deeper), shown = length;
        while (shown && text[shown - 1] == ' ')
            shown--;
        fprintf(page->out, "%*s", indent + deeper, "");
        if (style)
            view_style(page, style);
        fwrite(text, 1, shown, page->out);
        if (style)
            view_style(page, VIEW_PLAIN);
        fputc('\n', page->out);
        text += length;
        text += strspn(text, " ");
        deeper = 2;
    } while (*text);
}

Status view_paragraph(const ViewPage *page, int indent, ViewStyle style, const char *format, ...) {
    char *text, *safe;
    va_list arguments;
    va_start(arguments, format);
    Status status = text_format_list(&text, "a line of a table", format, arguments);
    va_end(arguments);
    TRY(status);
    status = view_safe(text, &safe);
    free(text);
    TRY(status);
    print_wrapped(page, indent, style, safe);
    free(safe);
    return NULL;
}

static Status end_output(void) {
    return fflush(stdout) || ferror(stdout) ? files_failure("write", "the standard output", errno) : NULL;
}

/* Draws in memory first, so that the terminal never shows half a page. */
static Status draw_again(ViewDraw draw, void *context) {
    ViewPage page;
    char *text = NULL;
    size_t size = 0;
    view_page(&page, stdout);
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return status_no_memory("the page", 0);
    page.out = memory;
    Status status = draw(context, &page);
    if (fclose(memory) && !status)
        status = status_no_memory("the page", size);
    if (!status) {
        fputs("\033[H\033[2J", stdout);
        fwrite(text, 1, size, stdout);
        status = end_output();
    }
    free(text);
    return status;
}

Status view_watch(bool watch, ViewDraw draw, void *context) {
    if (watch && isatty(STDOUT_FILENO) != 1)
        return status_error(EXIT_USAGE, "--watch: the output is no terminal; leave it out");
    while (watch) {
        TRY(draw_again(draw, context));
        nanosleep(&(struct timespec){.tv_sec = WATCH_SECONDS}, NULL);
    }
    ViewPage page;
    view_page(&page, stdout);
    TRY(draw(context, &page));
    return end_output();
}
