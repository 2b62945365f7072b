/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/synth/paint.h"
#include <math.h>

/* How much light blood takes per radius of the circle; oxygen makes that of arteries redder. */
static const double blood[2][3] = {[ARTERY] = {12.0, 60.0, 36.0}, [VEIN] = {36.0, 72.0, 38.0}};

/* How much of the pixel at (column, row) the spot fills, 0 .. 1. */
static double spot_at(const Noise *noise, const Spot *spot, double dx, double dy, double grow_a, double grow_b,
                      double soft) {
    double c = cos(spot->angle), s = sin(spot->angle);
    double u = (c * dx + s * dy) / grow_a, v = (c * dy - s * dx) / grow_b;
    double out = sqrt(u * u + v * v);
    if (out > 2.0)
        return 0.0;
    double stray = 0.0;
    if (spot->uneven > 0.0) {
        double turn = 1.1 / (out + 0.35);
        stray = spot->uneven * noise_at(noise, (float)(u * turn + spot->shape), (float)(v * turn - spot->shape));
    }
    double t = (1.0 + soft - out * (1.0 + stray)) / (2.0 * soft);
    t = fmin(1.0, fmax(0.0, t));
    double inside = t * t * (3.0 - 2.0 * t);
    if (spot->level < 2.0) {
        double under = (v - spot->level) * grow_b / (0.06 * grow_b) + 0.5;
        inside *= fmin(1.0, fmax(0.0, under));
    }
    return inside;
}

/* Takes light (value: absorption) or covers (value: a colour). A spot finer than a pixel is widened and weakened alike,
 * so that it keeps the light it takes or adds at any size of image. */
static void paint_spot(Canvas *canvas, const Noise *noise, const Spot *spot, const double value[3], double opacity,
                       bool cover) {
    double blur = 0.45 * canvas->pixel;
    double a = sqrt(spot->a * spot->a + blur * blur), b = sqrt(spot->b * spot->b + blur * blur);
    double weaken = spot->a * spot->b / (a * b);
    double soft = fmin(0.95, fmax(0.05, spot->soft) + 0.6 * canvas->pixel / fmin(a, b));
    double column, row;
    canvas_to_pixel(canvas, spot->x, spot->y, &column, &row);
    Box box = canvas_box(canvas, column, row, 2.0 * fmax(a, b) / canvas->pixel + 1.0);
    for (int r = box.top; r <= box.bottom; r++)
        for (int k = box.left; k <= box.right; k++) {
            double x, y;
            canvas_to_retina(canvas, k, r, &x, &y);
            double inside = spot_at(noise, spot, x - spot->x, y - spot->y, a, b, soft) * weaken;
            if (inside <= 0.0)
                continue;
            size_t at = (size_t)r * (size_t)canvas->size + (size_t)k;
            for (int c = 0; c < 3; c++) {
                float *colour = &canvas->colour[c][at];
                if (cover)
                    *colour += (float)(opacity * inside) * ((float)value[c] - *colour);
                else
                    *colour *= expf(-(float)(value[c] * inside));
            }
        }
}

void paint_absorb(Canvas *canvas, const Noise *noise, const Spot *spot, const double absorb[3]) {
    paint_spot(canvas, noise, spot, absorb, 0.0, false);
}

void paint_cover(Canvas *canvas, const Noise *noise, const Spot *spot, const double colour[3], double opacity) {
    paint_spot(canvas, noise, spot, colour, opacity, true);
}

/* One straight piece, in pixels: its thickness of blood goes to layer 0, the reflex on it to layer 1. */
static void draw_piece(Canvas *canvas, double x0, double y0, double x1, double y1, double radius, float reflex) {
    /* A vessel finer than a pixel is drawn wider and thinner: its cross-section keeps its area. */
    double wide = sqrt(radius * radius + 0.3);
    double keep = radius * radius / (wide * wide);
    double line = 0.30 * radius, line_wide = sqrt(line * line + 0.12);
    float gleam = reflex * (float)(line / line_wide);
    float fall = (float)(1.0 / (line_wide * line_wide));
    float thick = (float)(2.0 * keep * canvas->pixel);
    double dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
    double invert = square > 1e-12 ? 1.0 / square : 0.0;
    Box box = canvas_box(canvas, 0.5 * (x0 + x1), 0.5 * (y0 + y1), 0.5 * sqrt(square) + wide);
    for (int r = box.top; r <= box.bottom; r++)
        for (int k = box.left; k <= box.right; k++) {
            double along = ((k - x0) * dx + (r - y0) * dy) * invert;
            along = along < 0.0 ? 0.0 : along > 1.0 ? 1.0 : along;
            double ax = k - x0 - along * dx, ay = r - y0 - along * dy;
            float away = (float)(ax * ax + ay * ay), inside = (float)(wide * wide) - away;
            if (inside <= 0.0f)
                continue;
            size_t at = (size_t)r * (size_t)canvas->size + (size_t)k;
            float depth = thick * sqrtf(inside);
            if (depth > canvas->layer[0][at])
                canvas->layer[0][at] = depth;
            if (gleam > 0.0f) {
                float light = gleam * expf(-away * fall);
                if (light > canvas->layer[1][at])
                    canvas->layer[1][at] = light;
            }
        }
}

/* A vessel's points joined by a Catmull-Rom curve, in pieces of about two pixels. */
static void draw_vessel(Canvas *canvas, const VesselTree *tree, const Vessel *vessel, double reflex) {
    const VesselPoint *points = tree->points + vessel->first;
    double column[4], row[4];
    int last = vessel->count - 1;
    for (int i = 0; i < last; i++) {
        for (int k = 0; k < 4; k++) {
            int index = i + k - 1;
            index = index < 0 ? 0 : index > last ? last : index;
            canvas_to_pixel(canvas, points[index].x, points[index].y, &column[k], &row[k]);
        }
        double reach = hypot(column[1] - canvas->centre, row[1] - canvas->centre);
        if (reach > 1.1 * canvas->radius + 8.0)
            continue;
        int pieces = 1 + (int)(0.5 * hypot(column[2] - column[1], row[2] - row[1]));
        double x = column[1], y = row[1];
        for (int p = 1; p <= pieces; p++) {
            double t = (double)p / pieces, t2 = t * t, t3 = t2 * t;
            double w0 = 0.5 * (2.0 * t2 - t - t3), w1 = 0.5 * (3.0 * t3 - 5.0 * t2 + 2.0);
            double w2 = 0.5 * (t + 4.0 * t2 - 3.0 * t3), w3 = 0.5 * (t3 - t2);
            double next_x = w0 * column[0] + w1 * column[1] + w2 * column[2] + w3 * column[3];
            double next_y = w0 * row[0] + w1 * row[1] + w2 * row[2] + w3 * row[3];
            double radius = points[i].radius + t * (points[i + 1].radius - points[i].radius);
            /* The line of light shows on wide vessels only and comes and goes along them. */
            double gleam = reflex * fmin(1.0, fmax(0.0, (radius - 0.0030) / 0.0030));
            gleam *= 0.75 + 0.25 * sin(0.9 * i + vessel->first);
            draw_piece(canvas, x, y, next_x, next_y, radius / canvas->pixel, (float)gleam);
            x = next_x;
            y = next_y;
        }
    }
}

void paint_vessels(Canvas *canvas, const VesselTree *tree, VesselKind kind, double dense, double reflex) {
    canvas_clear_layer(canvas, 0);
    canvas_clear_layer(canvas, 1);
    for (int i = 0; i < tree->vessel_count; i++)
        if (tree->vessels[i].kind == kind)
            draw_vessel(canvas, tree, &tree->vessels[i], reflex);
    float absorb[3];
    for (int c = 0; c < 3; c++)
        absorb[c] = (float)(dense * blood[kind][c]);
    size_t pixels = (size_t)canvas->size * (size_t)canvas->size;
    for (size_t i = 0; i < pixels; i++) {
        float depth = canvas->layer[0][i];
        if (depth <= 0.0f)
            continue;
        /* Light scattered in the retina before the vessel keeps the thickest from going black. */
        for (int c = 0; c < 3; c++)
            canvas->colour[c][i] *= 0.11f + 0.89f * expf(-absorb[c] * depth);
        float gleam = canvas->layer[1][i];
        canvas->colour[0][i] += 0.26f * gleam;
        canvas->colour[1][i] += 0.135f * gleam;
        canvas->colour[2][i] += 0.055f * gleam;
    }
}
