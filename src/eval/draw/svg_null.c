/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/svg_null.h"

#include "eval/draw/svg_plot.h"
#include "eval/draw/words.h"

#include <math.h>

enum { BINS = 30 };

static void widen_range(double value, Plot *plot) {
    if (isnan(value))
        return;
    plot->x0 = fmin(plot->x0, value);
    plot->x1 = fmax(plot->x1, value);
}

/* The last bin includes its upper end. */
static void count_bins(const Plot *plot, const double *null, int count, int bins[BINS]) {
    for (int i = 0; i < count; i++) {
        if (isnan(null[i]))
            continue;
        const int bin = (int)((null[i] - plot->x0) / (plot->x1 - plot->x0) * BINS);
        bins[bin < BINS ? bin : BINS - 1]++;
    }
}

static void draw_bars(const Plot *plot, FILE *out, const int bins[BINS]) {
    const double width = (plot->x1 - plot->x0) / BINS;
    for (int b = 0; b < BINS; b++) {
        const double left = plot->x0 + b * width, x = plot_x(plot, left), y = plot_y(plot, bins[b]);
        if (bins[b])
            fprintf(out,
                    "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%s to %s: "
                    "%d</title></rect>\n",
                    x, y, plot_x(plot, left + width) - x - 1, plot_bottom(plot) - y, words_number(left).text,
                    words_number(left + width).text, bins[b]);
    }
}

void draw_null(FILE *out, const double *null, int count, double score, double chance, const char *metric) {
    Plot plot = {.title = "Scores with scrambled labels",
                 .x_title = metric,
                 .y_title = "Scrambled sets of labels",
                 .x0 = INFINITY,
                 .x1 = -INFINITY};
    int bins[BINS] = {0};
    for (int i = 0; i < count; i++)
        widen_range(null[i], &plot);
    widen_range(score, &plot);
    widen_range(chance, &plot);
    if (plot.x0 > plot.x1)
        plot.x0 = 0, plot.x1 = 1;
    plot_widen(&plot.x0, &plot.x1);
    count_bins(&plot, null, count, bins);
    int tallest = 0;
    for (int b = 0; b < BINS; b++)
        tallest = bins[b] > tallest ? bins[b] : tallest;
    plot.y1 = tallest;
    plot_widen(&plot.y0, &plot.y1);
    plot_open(&plot, out);
    draw_bars(&plot, out, bins);
    plot_upright(&plot, out, chance, PLOT_REFERENCE);
    plot_upright(&plot, out, score, 1);
    plot_close(out);
    plot_key_open(out);
    plot_key(out, 1, "the score with the true labels");
    plot_key(out, PLOT_REFERENCE, "chance");
    plot_key_close(out);
}
