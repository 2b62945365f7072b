/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/svg_forest.h"

#include "eval/draw/svg_plot.h"
#include "eval/draw/words.h"
#include "rundir/loss_curve.h"

#include <math.h>

enum { WIDTH = 190, HEIGHT = 18, MARGIN = 14 };

Forest forest_open(double reference) {
    return isnan(reference) ? (Forest){INFINITY, -INFINITY, NAN} : (Forest){reference, reference, reference};
}

void forest_add(Forest *forest, double value, const Interval *interval) {
    if (isnan(value))
        return;
    forest->low = fmin(forest->low, interval->method ? interval->low : value);
    forest->high = fmax(forest->high, interval->method ? interval->high : value);
}

void forest_close(Forest *forest) {
    if (forest->low > forest->high)
        *forest = (Forest){0, 1, NAN};
    plot_widen(&forest->low, &forest->high);
}

static double place(const Forest *forest, double value) {
    return MARGIN + (value - forest->low) / (forest->high - forest->low) * (WIDTH - 2 * MARGIN);
}

static void open_cell(FILE *out, int height, const char *name) {
    fprintf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"forest\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
        "%s>",
        WIDTH, height, WIDTH, height, name);
}

void draw_forest_bar(FILE *out, const Forest *forest, double value, const Interval *interval) {
    open_cell(out, HEIGHT, "aria-hidden=\"true\""); /* the numbers are beside it */
    if (!isnan(forest->reference))
        fprintf(out, "<path class=\"line sr\" d=\"M%.1f 0V%d\"/>", place(forest, forest->reference), HEIGHT);
    if (!isnan(value) && interval->method)
        fprintf(out, "<path class=\"whisker\" d=\"M%.1f %dH%.1fM%.1f %dv8M%.1f %dv8\"/>", place(forest, interval->low),
                HEIGHT / 2, place(forest, interval->high), place(forest, interval->low), HEIGHT / 2 - 4,
                place(forest, interval->high), HEIGHT / 2 - 4);
    if (!isnan(value))
        fprintf(out, "<circle class=\"dot s0\" cx=\"%.1f\" cy=\"%d\" r=\"4.5\"/>", place(forest, value), HEIGHT / 2);
    fputs("</svg>", out);
}

void draw_forest_axis(FILE *out, const Forest *forest) {
    const double tick = loss_curve_tick(forest->high - forest->low, 4);
    open_cell(out, 2 * HEIGHT, "role=\"img\"");
    fprintf(out, "<title>Scale of the bars: %s to %s</title>", words_number(forest->low).text,
            words_number(forest->high).text);
    fprintf(out, "<path class=\"axis\" d=\"M%d 4H%d\"/>", MARGIN, WIDTH - MARGIN);
    for (double i = ceil(forest->low / tick - 1e-9) + 0.0; i * tick <= forest->high + tick * 1e-9; i++)
        fprintf(out,
                "<path class=\"axis\" d=\"M%.1f 4v5\"/><text x=\"%.1f\" y=\"22\" text-anchor=\"middle\">%.4g</text>",
                place(forest, i * tick), place(forest, i * tick), i * tick);
    fputs("</svg>", out);
}
