/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a chart in a page: two axes with names and ticks, lines, and the key below it. Colours are those of the
 * page's style, by class; every series also has a dash of its own, for those who do not see its colour. */
#ifndef FOVEA_EVAL_SVG_PLOT_H
#define FOVEA_EVAL_SVG_PLOT_H

#include "eval/score/curves.h"

#include <stdbool.h>
#include <stdio.h>

/* Series have the styles 0 .. PLOT_STYLES - 1, a baseline PLOT_BASELINE, what is drawn for reference PLOT_REFERENCE. */
enum { PLOT_STYLES = 6, PLOT_BASELINE = PLOT_STYLES, PLOT_REFERENCE };

typedef struct {
    const char *title;             /* for those who hear a page */
    const char *x_title, *y_title; /* with the unit, if there is one */
    double x0, x1, y0, y1;         /* the data's ranges, within which everything drawn must be */
    bool square;                   /* as high as wide: both axes are of the same */
    bool percent;                  /* x is a share, printed in percent */
    int below;                     /* pixels of room below the axis' title */
} Plot;

/* A chart is this wide, in pixels of its own, and plot_height() high. */
enum { PLOT_WIDTH = 360 };
int plot_height(const Plot *plot);

/* Widens a range to whole ticks. */
void plot_widen(double *low, double *high);

/* Begins the SVG and draws its axes; plot_close() ends it. */
void plot_open(const Plot *plot, FILE *out);
void plot_close(FILE *out);

/* Where a value is drawn. */
double plot_x(const Plot *plot, double x);
double plot_y(const Plot *plot, double y);
/* The inner bottom edge. */
double plot_bottom(const Plot *plot);

/* A line through points; what is outside the ranges is cut away. A point with NAN interrupts it. */
void plot_line(const Plot *plot, FILE *out, const CurvePoint *points, int count, int style);
/* A level or upright line across the whole chart. */
void plot_level(const Plot *plot, FILE *out, double y, int style);
void plot_upright(const Plot *plot, FILE *out, double x, int style);

/* The class of a style, "s0" .. */
const char *plot_style(int style);

/* The key: a list in HTML, an entry a call. */
void plot_key_open(FILE *out);
void plot_key(FILE *out, int style, const char *name);
void plot_key_close(FILE *out);

#endif
