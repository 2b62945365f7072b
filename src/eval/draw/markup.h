/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of any origin within pages: a name of a file may contain whatever a page's language has a meaning for. */
#ifndef FOVEA_EVAL_MARKUP_H
#define FOVEA_EVAL_MARKUP_H

#include <stdio.h>

/* For HTML and SVG, also within quotes. Bytes that no XML may contain become U+FFFD. */
void markup_html(FILE *out, const char *text);
/* For Markdown: one line, nothing of which is a link, a cell's end, code or HTML. */
void markup_markdown(FILE *out, const char *text);

#endif
