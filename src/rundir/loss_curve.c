/* SPDX-License-Identifier: Apache-2.0 */
#include "rundir/loss_curve.h"

#include "base/files.h"
#include "base/list.h"
#include "base/text.h"

#include <cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 720,
    HEIGHT = 400,
    LEFT = 64,
    RIGHT = 20,
    TOP = 24,
    BOTTOM = 48,
    MAX_POINTS = 1500 /* of a line: more points than pixels would only make the file larger */
};

typedef struct {
    double step, loss;
} Point;

typedef struct {
    Point *points;
    size_t count;
    int64_t capacity;
} Series;

typedef struct {
    double x0, x1, y0, y1; /* the data's ranges */
} Axes;

static Status add_point(Series *series, double step, double loss) {
    TRY(list_grow(&series->points, (int64_t)series->count, &series->capacity, sizeof *series->points,
                  "the loss curve"));
    series->points[series->count++] = (Point){step, loss};
    return NULL;
}

static Status read_line(const TextLine *line, Series *train, Series *validation) {
    cJSON *object = cJSON_ParseWithLength(line->start, line->length);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(object, "step");
    const cJSON *loss = cJSON_GetObjectItemCaseSensitive(object, "loss_mean");
    const cJSON *val_loss = cJSON_GetObjectItemCaseSensitive(object, "val_loss");
    Status status = NULL;
    if (cJSON_IsNumber(step) && cJSON_IsNumber(loss))
        status = add_point(train, step->valuedouble, loss->valuedouble);
    if (!status && cJSON_IsNumber(step) && cJSON_IsNumber(val_loss))
        status = add_point(validation, step->valuedouble, val_loss->valuedouble);
    cJSON_Delete(object);
    return status;
}

static Status read_metrics(const char *path, Series *train, Series *validation) {
    char *text;
    size_t size;
    TRY(files_read(path, &text, &size));
    Status status = NULL;
    TextLine line;
    for (const char *at = text; !status && text_next_line(&at, text + size, &line);)
        status = read_line(&line, train, validation);
    free(text);
    return status;
}

double loss_curve_tick(double span, int wanted) {
    double rough = span / wanted, power = pow(10, floor(log10(rough))), share = rough / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

static void widen_axes(Axes *axes, const Series *series) {
    for (size_t i = 0; i < series->count; i++) {
        const Point *point = &series->points[i];
        axes->x1 = fmax(axes->x1, point->step);
        axes->y0 = fmin(axes->y0, point->loss);
        axes->y1 = fmax(axes->y1, point->loss);
    }
}

/* Ranges around both series; the losses' range ends on ticks. */
static Axes find_axes(const Series *train, const Series *validation) {
    Axes axes = {0, 1, INFINITY, -INFINITY};
    widen_axes(&axes, train);
    widen_axes(&axes, validation);
    if (axes.y0 > axes.y1)
        return (Axes){0, axes.x1, 0, 1};
    double span = axes.y1 - axes.y0;
    double tick = loss_curve_tick(span > 0 ? span : fmax(fabs(axes.y1), 1e-6), 5);
    axes.y0 = floor(axes.y0 / tick) * tick;
    axes.y1 = ceil(axes.y1 / tick) * tick;
    if (axes.y1 <= axes.y0)
        axes.y1 = axes.y0 + tick;
    return axes;
}

static double place_x(const Axes *axes, double step) {
    return LEFT + (step - axes->x0) / (axes->x1 - axes->x0) * (WIDTH - LEFT - RIGHT);
}

static double place_y(const Axes *axes, double loss) {
    return HEIGHT - BOTTOM - (loss - axes->y0) / (axes->y1 - axes->y0) * (HEIGHT - TOP - BOTTOM);
}

static void draw_axes(FILE *out, const Axes *axes) {
    double tick = loss_curve_tick(axes->x1 - axes->x0, 8);
    int first = (int)ceil(axes->x0 / tick), last = (int)floor(axes->x1 / tick + 1e-9);
    for (int i = first; i <= last; i++) {
        double x = place_x(axes, i * tick);
        fprintf(
            out,
            "<path class=\"grid\" d=\"M%.1f %dV%d\"/><text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.6g</text>\n", x,
            TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18, i * tick);
    }
    tick = loss_curve_tick(axes->y1 - axes->y0, 5);
    first = (int)ceil(axes->y0 / tick - 1e-9), last = (int)floor(axes->y1 / tick + 1e-9);
    for (int i = first; i <= last; i++) {
        double y = place_y(axes, i * tick);
        fprintf(out,
                "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n",
                LEFT, y, WIDTH - RIGHT, LEFT - 8, y + 4, i * tick);
    }
    fprintf(out, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>\n", (LEFT + WIDTH - RIGHT) / 2,
            HEIGHT - 10);
    fprintf(out, "<text transform=\"translate(16 %d) rotate(-90)\" text-anchor=\"middle\">loss</text>\n",
            (TOP + HEIGHT - BOTTOM) / 2);
}

/* A long series is drawn as the means of groups of points. */
static void draw_line(FILE *out, const Axes *axes, const Series *series) {
    if (series->count == 0)
        return;
    size_t group = (series->count + MAX_POINTS - 1) / MAX_POINTS;
    fputs("<path class=\"train\" d=\"", out);
    for (size_t start = 0; start < series->count; start += group) {
        size_t end = start + group < series->count ? start + group : series->count;
        double step = 0, loss = 0;
        for (size_t i = start; i < end; i++) {
            step += series->points[i].step / (double)(end - start);
            loss += series->points[i].loss / (double)(end - start);
        }
        fprintf(out, "%c%.1f %.1f", start ? 'L' : 'M', place_x(axes, step), place_y(axes, loss));
    }
    fputs("\"/>\n", out);
}

static void draw_validation(FILE *out, const Axes *axes, const Series *series) {
    size_t group = (series->count + MAX_POINTS - 1) / MAX_POINTS;
    for (size_t i = 0; i < series->count; i += group)
        fprintf(out, "<circle class=\"val\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n",
                place_x(axes, series->points[i].step), place_y(axes, series->points[i].loss));
}

static void draw_legend(FILE *out, bool validation) {
    int x = WIDTH - RIGHT - 120, y = TOP + 14;
    fprintf(out, "<path class=\"train\" d=\"M%d %dh24\"/><text x=\"%d\" y=\"%d\">training</text>\n", x, y, x + 32,
            y + 4);
    if (validation)
        fprintf(out, "<circle class=\"val\" cx=\"%d\" cy=\"%d\" r=\"3.5\"/><text x=\"%d\" y=\"%d\">validation</text>\n",
                x + 12, y + 20, x + 32, y + 24);
}

static void draw_curve(FILE *out, const Series *train, const Series *validation) {
    Axes axes = find_axes(train, validation);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
            "<title>Loss by step</title>\n<style>\n"
            ".ground{fill:#ffffff}text{fill:#333333;font:12px sans-serif}.grid{stroke:#e4e4e4;fill:none}\n"
            ".axis{stroke:#666666;fill:none}.train{stroke:#1f6fb4;stroke-width:1.6;fill:none}.val{fill:#d1600a}\n"
            "@media (prefers-color-scheme:dark){.ground{fill:#15191e}text{fill:#d5d9de}.grid{stroke:#2c333b}\n"
            ".axis{stroke:#8b949e}.train{stroke:#6cb2f0}.val{fill:#f5a04c}}\n</style>\n"
            "<rect class=\"ground\" width=\"%d\" height=\"%d\"/>\n",
            WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
    draw_axes(out, &axes);
    draw_line(out, &axes, train);
    draw_validation(out, &axes, validation);
    draw_legend(out, validation->count > 0);
    fputs("</svg>\n", out);
}

Status loss_curve_write(const char *metrics, const char *path) {
    Series train = {0}, validation = {0};
    char *text = NULL;
    size_t size = 0;
    FILE *out = NULL;
    Status status = read_metrics(metrics, &train, &validation);
    if (!status) {
        out = open_memstream(&text, &size);
        if (out)
            draw_curve(out, &train, &validation);
        if (!out || fclose(out) != 0)
            status = status_no_memory("the loss curve", 1 << 16);
    }
    if (!status)
        status = files_write(path, text, size);
    free(text);
    free(train.points);
    free(validation.points);
    return status;
}
