/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables are printed on: a stream with a width, with colours or without. */
#ifndef FOVEA_POOL_VIEW_VIEW_PAGE_H
#define FOVEA_POOL_VIEW_VIEW_PAGE_H

#include "base/status.h"

#include <stdbool.h>
#include <stdio.h>

typedef enum { VIEW_PLAIN, VIEW_TITLE, VIEW_GOOD, VIEW_WARNING, VIEW_BAD, VIEW_FAINT } ViewStyle;

typedef struct {
    FILE *out;
    int columns;
    bool colour;
    double now; /* what "since" and "in" are counted from */
} ViewPage;

/* A page on `out`: as wide as its terminal, 80 columns elsewhere; coloured on a terminal, unless NO_COLOR is set or
 * TERM is "dumb". */
void view_page(ViewPage *page, FILE *out);
/* Begins and ends a style. Nothing without colours. */
void view_style(const ViewPage *page, ViewStyle style);
/* A paragraph made harmless, wrapped between words: all lines but the first are indented by two columns more than
 * `indent`. */
Status view_paragraph(const ViewPage *page, int indent, ViewStyle style, const char *format, ...)
    __attribute__((format(printf, 4, 5))) MUST_USE;

/* Draws `draw` on a page of stdout: once, or with `watch` again every two seconds in place of the last one, until the
 * process is ended or `draw` fails. EXIT_USAGE: stdout is no terminal. */
typedef Status (*ViewDraw)(void *context, const ViewPage *page);
Status view_watch(bool watch, ViewDraw draw, void *context) MUST_USE;

#endif
