/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/svg_budget.h"

#include "eval/draw/svg_plot.h"
#include "eval/draw/words.h"

#include <math.h>

static void widen_range(Plot *plot, const Estimate *e) {
    if (isnan(e->value))
        return;
    plot->y0 = fmin(plot->y0, e->interval.method ? e->interval.low : e->value);
    plot->y1 = fmax(plot->y1, e->interval.method ? e->interval.high : e->value);
}

static void draw_band(const Plot *plot, FILE *out, const Estimate *e) {
    if (e->interval.method)
        fprintf(out, "<rect class=\"band\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                plot_x(plot, plot->x0), plot_y(plot, e->interval.high), plot_x(plot, plot->x1) - plot_x(plot, plot->x0),
                plot_y(plot, e->interval.low) - plot_y(plot, e->interval.high));
    plot_level(plot, out, e->value, PLOT_BASELINE);
}

static void draw_point(const Plot *plot, FILE *out, const BudgetPoint *point) {
    const Estimate *e = point->score;
    const double x = plot_x(plot, point->share);
    if (isnan(e->value))
        return;
    if (e->interval.method)
        fprintf(out, "<path class=\"whisker\" d=\"M%.1f %.1fV%.1fM%.1f %.1fh8M%.1f %.1fh8\"/>\n", x,
                plot_y(plot, e->interval.low), plot_y(plot, e->interval.high), x - 4, plot_y(plot, e->interval.low),
                x - 4, plot_y(plot, e->interval.high));
    fprintf(out, "<circle class=\"dot s0\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"><title>%s of the training", x,
            plot_y(plot, e->value), words_percent(point->share).text);
    if (point->step >= 0)
        fprintf(out, ", step %s", words_count(point->step).text);
    fprintf(out, ": %s</title></circle>\n", words_value(e->value, &e->interval).text);
}

void draw_budget(FILE *out, const BudgetPoint *points, int count, const Estimate *baseline, const char *metric) {
    Plot plot = {.title = "Score over training",
                 .x_title = "Share of the training",
                 .y_title = metric,
                 .x1 = 1,
                 .y0 = INFINITY,
                 .y1 = -INFINITY,
                 .percent = true};
    for (int i = 0; i < count; i++)
        widen_range(&plot, points[i].score);
    if (baseline)
        widen_range(&plot, baseline);
    if (plot.y0 > plot.y1)
        plot.y0 = 0, plot.y1 = 1;
    plot_widen(&plot.y0, &plot.y1);
    plot_open(&plot, out);
    if (baseline && !isnan(baseline->value))
        draw_band(&plot, out, baseline);
    for (int i = 1; i < count; i++)
        plot_line(&plot, out,
                  (const CurvePoint[]){{points[i - 1].share, points[i - 1].score->value},
                                       {points[i].share, points[i].score->value}},
                  2, 0);
    for (int i = 0; i < count; i++)
        draw_point(&plot, out, &points[i]);
    plot_close(out);
    plot_key_open(out);
    plot_key(out, 0, "the run, with 95 % intervals");
    if (baseline)
        plot_key(out, PLOT_BASELINE, "the baseline, with its interval as a band");
    plot_key_close(out);
}
