/* SPDX-License-Identifier: Apache-2.0 */
/* Curves of probabilities: ROC, precision and recall, net benefit. */
#ifndef FOVEA_EVAL_SVG_LINES_H
#define FOVEA_EVAL_SVG_LINES_H

#include "eval/draw/svg_plot.h"

/* A line of a chart: a checkpoint's, or a class's. */
typedef struct {
    const char *name;
    const ScorePart *part;
    int style; /* as in svg_plot.h */
} CurveSeries;

/* Each draws SVG and key. `shared`: all series have the same labels, so that what depends on these alone is drawn once
 * for all: the share of positives, and the net benefit of calling everyone positive. */
void draw_roc(FILE *out, const CurveSeries *series, int count);
void draw_precision(FILE *out, const CurveSeries *series, int count, bool shared);
void draw_benefit(FILE *out, const CurveSeries *series, int count, bool shared);

#endif
