/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/svg_plot.h"

#include "eval/draw/markup.h"
#include "rundir/loss_curve.h"

#include <math.h>

enum { LEFT = 54, RIGHT = 22, TOP = 10, BOTTOM = 46, FLAT = 300 };

static int inner_width(void) {
    return PLOT_WIDTH - LEFT - RIGHT;
}

static int inner_height(const Plot *plot) {
    return plot->square ? inner_width() : FLAT - TOP - BOTTOM;
}

int plot_height(const Plot *plot) {
    return TOP + inner_height(plot) + BOTTOM + plot->below;
}

double plot_x(const Plot *plot, double x) {
    return LEFT + (x - plot->x0) / (plot->x1 - plot->x0) * inner_width();
}

double plot_y(const Plot *plot, double y) {
    return TOP + (plot->y1 - y) / (plot->y1 - plot->y0) * inner_height(plot);
}

double plot_bottom(const Plot *plot) {
    return TOP + inner_height(plot);
}

void plot_widen(double *low, double *high) {
    if (!(*high > *low)) {
        const double around = fmax(fabs(*low) * 0.1, 0.01);
        *low -= around;
        *high += around;
    }
    const double tick = loss_curve_tick(*high - *low, 5);
    *low = floor(*low / tick + 1e-9) * tick;
    *high = ceil(*high / tick - 1e-9) * tick;
}

static void draw_grid(const Plot *plot, FILE *out) {
    /* + 0.0: a first tick of -0 is 0 */
    const double bottom = plot_bottom(plot), right = LEFT + inner_width();
    double tick = loss_curve_tick(plot->x1 - plot->x0, 5);
    for (double i = ceil(plot->x0 / tick - 1e-9) + 0.0; i * tick <= plot->x1 + tick * 1e-9; i++) {
        const double x = plot_x(plot, i * tick);
        fprintf(out, "<path class=\"grid\" d=\"M%.1f %dV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x,
                TOP, bottom, x, bottom + 16);
        fprintf(out, plot->percent ? "%.4g %%</text>\n" : "%.4g</text>\n", plot->percent ? 100 * i * tick : i * tick);
    }
    tick = loss_curve_tick(plot->y1 - plot->y0, 5);
    for (double i = ceil(plot->y0 / tick - 1e-9) + 0.0; i * tick <= plot->y1 + tick * 1e-9; i++) {
        const double y = plot_y(plot, i * tick);
        fprintf(out,
                "<path class=\"grid\" d=\"M%d %.1fH%.1f\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>\n",
                LEFT, y, right, LEFT - 6, y + 4, i * tick);
    }
    fprintf(out, "<path class=\"axis\" d=\"M%d %dV%.1fH%.1f\"/>\n", LEFT, TOP, bottom, right);
}

void plot_open(const Plot *plot, FILE *out) {
    const double bottom = plot_bottom(plot);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" class=\"plot\">\n<title>",
            PLOT_WIDTH, plot_height(plot));
    markup_html(out, plot->title);
    fputs("</title>\n", out);
    draw_grid(plot, out);
    fprintf(out, "<text class=\"name\" x=\"%d\" y=\"%.1f\" text-anchor=\"middle\">", LEFT + inner_width() / 2,
            bottom + 36);
    markup_html(out, plot->x_title);
    fprintf(out, "</text>\n<text class=\"name\" transform=\"translate(13 %.1f) rotate(-90)\" text-anchor=\"middle\">",
            (TOP + bottom) / 2);
    markup_html(out, plot->y_title);
    fputs("</text>\n", out);
}

void plot_close(FILE *out) {
    fputs("</svg>\n", out);
}

const char *plot_style(int style) {
    static const char *const classes[] = {"s0", "s1", "s2", "s3", "s4", "s5", "sb", "sr"};
    return classes[style];
}

/* The part of a line from a to b that lies within the range of y; false: nothing. */
static bool cut_line(const Plot *plot, CurvePoint *a, CurvePoint *b) {
    CurvePoint *ends[] = {a, b};
    const CurvePoint first = *a, last = *b;
    if (isnan(first.x) || isnan(first.y) || isnan(last.x) || isnan(last.y) || fmax(first.y, last.y) < plot->y0 ||
        fmin(first.y, last.y) > plot->y1)
        return false;
    for (int i = 0; i < 2; i++) {
        const double y = fmin(fmax(ends[i]->y, plot->y0), plot->y1);
        if (y != ends[i]->y)
            *ends[i] = (CurvePoint){first.x + (last.x - first.x) * (y - first.y) / (last.y - first.y), y};
    }
    return true;
}

void plot_line(const Plot *plot, FILE *out, const CurvePoint *points, int count, int style) {
    CurvePoint end = {NAN, NAN};
    fprintf(out, "<path class=\"line %s\" d=\"", plot_style(style));
    for (int i = 1; i < count; i++) {
        CurvePoint a = points[i - 1], b = points[i];
        if (!cut_line(plot, &a, &b))
            continue;
        if (a.x != end.x || a.y != end.y)
            fprintf(out, "M%.1f %.1f", plot_x(plot, a.x), plot_y(plot, a.y));
        fprintf(out, "L%.1f %.1f", plot_x(plot, b.x), plot_y(plot, b.y));
        end = b;
    }
    fputs("\"/>\n", out);
}

void plot_level(const Plot *plot, FILE *out, double y, int style) {
    plot_line(plot, out, (const CurvePoint[]){{plot->x0, y}, {plot->x1, y}}, 2, style);
}

void plot_upright(const Plot *plot, FILE *out, double x, int style) {
    plot_line(plot, out, (const CurvePoint[]){{x, plot->y0}, {x, plot->y1}}, 2, style);
}

void plot_key_open(FILE *out) {
    fputs("<ul class=\"key\">\n", out);
}

void plot_key(FILE *out, int style, const char *name) {
    fprintf(out,
            "<li><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 28 10\" width=\"28\" height=\"10\" "
            "aria-hidden=\"true\"><path class=\"line %s\" d=\"M1 5H27\"/></svg><span>",
            plot_style(style));
    markup_html(out, name);
    fputs("</span></li>\n", out);
}

void plot_key_close(FILE *out) {
    fputs("</ul>\n", out);
}
