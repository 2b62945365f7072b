/* SPDX-License-Identifier: Apache-2.0 */
/* What a control's scrambled labels scored, beside the true ones. */
#ifndef FOVEA_EVAL_SVG_NULL_H
#define FOVEA_EVAL_SVG_NULL_H

#include <stdio.h>

/* A histogram of null[count]; `score` and `chance` may be NAN. */
void draw_null(FILE *out, const double *null, int count, double score, double chance, const char *metric);

#endif
