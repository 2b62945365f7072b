/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/draw/svg_lines.h"

#include <math.h>

enum { DECISIONS = 99 };

static void list_series(FILE *out, const CurveSeries *series, int count) {
    for (int i = 0; i < count; i++)
        plot_key(out, series[i].style, series[i].name);
}

void draw_roc(FILE *out, const CurveSeries *series, int count) {
    const Plot plot = {.title = "Receiver operating characteristic",
                       .x_title = "1 - specificity",
                       .y_title = "Sensitivity",
                       .x1 = 1,
                       .y1 = 1,
                       .square = true};
    plot_open(&plot, out);
    plot_line(&plot, out, (const CurvePoint[]){{0, 0}, {1, 1}}, 2, PLOT_REFERENCE);
    for (int i = count - 1; i >= 0; i--)
        plot_line(&plot, out, series[i].part->roc, series[i].part->roc_count, series[i].style);
    plot_close(out);
    plot_key_open(out);
    list_series(out, series, count);
    plot_key(out, PLOT_REFERENCE, "chance");
    plot_key_close(out);
}

void draw_precision(FILE *out, const CurveSeries *series, int count, bool shared) {
    const Plot plot = {
        .title = "Precision and recall", .x_title = "Recall", .y_title = "Precision", .x1 = 1, .y1 = 1, .square = true};
    const ScorePart *first = series[0].part;
    const bool level = shared && first->pr_count;
    plot_open(&plot, out);
    if (level) /* where all are called positive, precision is their share */
        plot_level(&plot, out, first->pr[first->pr_count - 1].y, PLOT_REFERENCE);
    for (int i = count - 1; i >= 0; i--)
        plot_line(&plot, out, series[i].part->pr, series[i].part->pr_count, series[i].style);
    plot_close(out);
    plot_key_open(out);
    list_series(out, series, count);
    if (level)
        plot_key(out, PLOT_REFERENCE, "share of positives");
    plot_key_close(out);
}

/* Net benefits below 0 by more than a part of the highest one say only that nobody should decide so. */
static void find_range(const CurveSeries *series, int count, Plot *plot) {
    plot->y1 = 0;
    for (int i = 0; i < count; i++)
        for (int d = 0; d < series[i].part->decision_count; d++) {
            const DecisionPoint *point = &series[i].part->decision[d];
            plot->y1 = fmax(plot->y1, fmax(point->model, point->everyone));
        }
    plot->y1 = plot->y1 > 0 ? plot->y1 : 0.1;
    plot->y0 = -plot->y1 / 4;
    plot_widen(&plot->y0, &plot->y1);
}

static void draw_decision(const Plot *plot, FILE *out, const ScorePart *part, bool everyone, int style) {
    CurvePoint points[DECISIONS];
    int count = 0;
    for (int d = 0; d < part->decision_count && count < DECISIONS; d++)
        points[count++] =
            (CurvePoint){part->decision[d].at, everyone ? part->decision[d].everyone : part->decision[d].model};
    plot_line(plot, out, points, count, style);
}

void draw_benefit(FILE *out, const CurveSeries *series, int count, bool shared) {
    Plot plot = {.title = "Decision curve",
                 .x_title = "Threshold probability",
                 .y_title = "Net benefit, per image",
                 .x1 = 1,
                 .square = true};
    find_range(series, count, &plot);
    plot_open(&plot, out);
    plot_level(&plot, out, 0, PLOT_REFERENCE);
    if (shared)
        draw_decision(&plot, out, series[0].part, true, PLOT_REFERENCE);
    for (int i = count - 1; i >= 0; i--)
        draw_decision(&plot, out, series[i].part, false, series[i].style);
    plot_close(out);
    plot_key_open(out);
    list_series(out, series, count);
    plot_key(out, PLOT_REFERENCE,
             shared ? "nobody (level), everyone (falling) called positive" : "nobody called positive");
    plot_key_close(out);
}
