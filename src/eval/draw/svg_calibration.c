/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/svg_calibration.h"

#include "eval/draw/words.h"

#include <math.h>

enum { BARS = 56, BAR_WIDTH = 11, MOST_BINS = 15 };
static const double SMALLEST = 2, LARGEST = 7; /* radii of circles, whose areas grow with the bins */

static int64_t largest_bin(const ScorePart *part) {
    int64_t most = 1;
    for (int b = 0; b < part->bin_count; b++)
        most = part->bins[b].images > most ? part->bins[b].images : most;
    return most;
}

/* Both axes have one range, so that the ideal is the diagonal. */
static void find_range(const CurveSeries *series, int count, Plot *plot) {
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < count; i++)
        for (int b = 0; b < series[i].part->bin_count; b++) {
            const CalibrationBin *bin = &series[i].part->bins[b];
            low = fmin(low, fmin(bin->predicted, bin->observed));
            high = fmax(high, fmax(bin->predicted, bin->observed));
        }
    if (low > high)
        low = 0, high = 1;
    plot_widen(&low, &high);
    plot->x0 = plot->y0 = low;
    plot->x1 = plot->y1 = high;
}

static void draw_bins(const Plot *plot, FILE *out, const CurveSeries *series) {
    const ScorePart *part = series->part;
    const double most = (double)largest_bin(part);
    CurvePoint points[MOST_BINS];
    int count = 0;
    for (int b = 0; b < part->bin_count && count < MOST_BINS; b++)
        points[count++] = (CurvePoint){part->bins[b].predicted, part->bins[b].observed};
    plot_line(plot, out, points, count, series->style);
    for (int b = 0; b < part->bin_count; b++) {
        const CalibrationBin *bin = &part->bins[b];
        fprintf(out, "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"><title>", plot_style(series->style),
                plot_x(plot, bin->predicted), plot_y(plot, bin->observed),
                SMALLEST + (LARGEST - SMALLEST) * sqrt((double)bin->images / most));
        fprintf(out, "predicted %s, observed %s, %s</title></circle>\n", words_number(bin->predicted).text,
                words_number(bin->observed).text, words_plural(bin->images, "image", "images").text);
    }
}

/* How many images are in the first series' bins, each with its number where there is room. */
static void draw_sizes(const Plot *plot, FILE *out, const ScorePart *part) {
    const double floor_y = plot_height(plot) - 4, most = (double)largest_bin(part);
    double free_from = 0;
    for (int b = 0; b < part->bin_count; b++) {
        const CalibrationBin *bin = &part->bins[b];
        const double x = plot_x(plot, bin->predicted), height = (BARS - 18) * (double)bin->images / most;
        const Words size = words_count(bin->images);
        const double half = 3.2 * (double)strlen(size.text);
        fprintf(out, "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>\n", x - BAR_WIDTH / 2.0,
                floor_y - height, BAR_WIDTH, height);
        if (x - half < free_from)
            continue;
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x, floor_y - height - 3,
                size.text);
        free_from = x + half + 2;
    }
}

void draw_calibration(FILE *out, const CurveSeries *series, int count, bool numbers) {
    Plot plot = {.title = "Calibration",
                 .x_title = numbers ? "Mean prediction" : "Mean predicted probability",
                 .y_title = numbers ? "Mean label" : "Share of positives",
                 .x1 = 1,
                 .y1 = 1,
                 .square = true,
                 .below = BARS};
    if (numbers)
        find_range(series, count, &plot);
    plot_open(&plot, out);
    plot_line(&plot, out, (const CurvePoint[]){{plot.x0, plot.y0}, {plot.x1, plot.y1}}, 2, PLOT_REFERENCE);
    for (int i = count - 1; i >= 0; i--)
        draw_bins(&plot, out, &series[i]);
    draw_sizes(&plot, out, series[0].part);
    plot_close(out);
    plot_key_open(out);
    for (int i = 0; i < count; i++)
        plot_key(out, series[i].style, series[i].name);
    plot_key(out, PLOT_REFERENCE, "ideal");
    plot_key_close(out);
}
