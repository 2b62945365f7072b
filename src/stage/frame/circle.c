/* SPDX-License-Identifier: Apache-2.0 */
/* Rays from the image's rim inwards find the bright disc's edge on the overview; a robust circle through these points
 * is then moved onto the half height of the edge's profile. */
#include "stage/frame/circle.h"

#include "stage/frame/circle_confidence.h"
#include "stage/frame/circle_rays.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RAYS = CIRCLE_RAYS, LEVELS = 256 };

static const double MIN_CONTRAST = 8.0; /* levels between surround and disc; below it there is no disc */
static const double RIM_SHARE =
    0.15; /* of the difference between disc and surround: brighter pixels belong to the disc */

/* Where evenly spread rays from a centre first meet the disc, coming from outside. */
typedef struct {
    int count;
    CirclePoint points[RAYS];
} CircleEdge;

static int clamp(int value, int high) {
    return value < 0 ? 0 : value > high ? high : value;
}

/* Interpolates between the centres of the four pixels around (x, y). */
static double interpolate_level(const Overview *overview, double x, double y) {
    const double left = floor(x - 0.5), top = floor(y - 0.5), u = x - 0.5 - left, v = y - 0.5 - top;
    const int x0 = clamp((int)left, overview->width - 1), x1 = clamp((int)left + 1, overview->width - 1);
    const int y0 = clamp((int)top, overview->height - 1), y1 = clamp((int)top + 1, overview->height - 1);
    return (1.0 - v) * ((1.0 - u) * overview_at(overview, x0, y0) + u * overview_at(overview, x1, y0)) +
           v * ((1.0 - u) * overview_at(overview, x0, y1) + u * overview_at(overview, x1, y1));
}

/* The level that a share of the counted pixels does not exceed. */
static int level_quantile(const int *counts, double share) {
    long total = 0, below = 0;
    for (int i = 0; i < LEVELS; i++)
        total += counts[i];
    for (int i = 0; i < LEVELS; i++) {
        below += counts[i];
        if (below > share * (double)total)
            return i;
    }
    return LEVELS - 1;
}

static void count_level(const Overview *overview, int x, int y, int *counts) {
    counts[clamp((int)(overview_at(overview, x, y) + 0.5f), LEVELS - 1)]++;
}

/* The levels of surround and disc; false without contrast between them. The surround is the dark part of the image's
 * rim, of which little is left when a circle is cut off on all sides; the disc is the middle of the image. */
static bool find_levels(const Overview *overview, double *surround, double *disc) {
    int rim[LEVELS] = {0}, middle[LEVELS] = {0};
    const int width = overview->width, height = overview->height;
    for (int x = 0; x < width; x++) {
        count_level(overview, x, 0, rim);
        count_level(overview, x, height - 1, rim);
    }
    for (int y = 0; y < height; y++) {
        count_level(overview, 0, y, rim);
        count_level(overview, width - 1, y, rim);
    }
    for (int y = height / 4; y < height - height / 4; y++)
        for (int x = width / 4; x < width - width / 4; x++)
            count_level(overview, x, y, middle);
    *surround = level_quantile(rim, 0.05);
    *disc = level_quantile(middle, 0.5);
    return *disc - *surround >= MIN_CONTRAST;
}

static void find_edge(const Overview *overview, const Circle *from, double threshold, CircleEdge *edge) {
    edge->count = 0;
    for (int i = 0; i < RAYS; i++) {
        const double cosine = cos(circle_ray_angle(i)), sine = sin(circle_ray_angle(i));
        const double r = circle_ray_meet(overview, from, cosine, sine, threshold);
        if (r > 0.0)
            edge->points[edge->count++] = (CirclePoint){from->x + r * cosine, from->y + r * sine};
    }
}

/* The mean position of the bright pixels. */
static bool find_middle(const Overview *overview, double threshold, Circle *middle) {
    double x_sum = 0, y_sum = 0, count = 0;
    for (int y = 0; y < overview->height; y++) {
        const float *row = overview->level + (size_t)y * overview->width, limit = (float)threshold;
        int bright = 0, places = 0;
        for (int x = 0; x < overview->width; x++) {
            bright += row[x] > limit;
            places += row[x] > limit ? x : 0;
        }
        x_sum += places + 0.5 * bright;
        y_sum += (y + 0.5) * bright;
        count += bright;
    }
    if (count == 0)
        return false;
    *middle = (Circle){x_sum / count, y_sum / count, 0};
    return true;
}

/* The distance of the edge's half height along one ray, and the contrast there. */
static bool find_half_height(const Overview *overview, const Circle *circle, double cosine, double sine, double depth,
                             double *distance, double *contrast) {
    enum { SAMPLES = 49 };
    double profile[SAMPLES], inner = 0, outer = 0;
    const double pitch = 2.0 * depth / (SAMPLES - 1);
    int inside = 0, outside = 0;
    for (int i = 0; i < SAMPLES; i++) {
        const double r = circle->radius - depth + i * pitch;
        const double x = circle->x + r * cosine, y = circle->y + r * sine;
        const bool seen = overview_contains(overview, x, y);
        /* Where the circle leaves the image, its own edge is not visible. */
        if (!seen && i * pitch < 1.5 * depth)
            return false;
        profile[i] = seen ? interpolate_level(overview, x, y) : -1.0;
        if (i < SAMPLES / 4) {
            inner += profile[i];
            inside++;
        } else if (seen && i > SAMPLES * 3 / 4 - 1) {
            outer += profile[i];
            outside++;
        }
    }
    if (!outside)
        return false;
    inner /= inside;
    outer /= outside;
    *contrast = inner - outer;
    if (*contrast < MIN_CONTRAST / 2)
        return false;
    const double half = (inner + outer) / 2;
    double nearest_by = 2.0 * depth;
    for (int i = 1; i < SAMPLES && profile[i] >= 0.0; i++)
        if (profile[i - 1] > half && profile[i] <= half) {
            const double off = -depth + pitch * (i - 1 + (profile[i - 1] - half) / (profile[i - 1] - profile[i]));
            if (fabs(off) < fabs(nearest_by))
                nearest_by = off;
        }
    *distance = circle->radius + nearest_by;
    return nearest_by < 2.0 * depth;
}

/* Moves the circle onto the edge's half height; `contrast` becomes the median contrast there. */
static bool refine_circle(const Overview *overview, Circle *circle, double *contrast) {
    /* The soft rim of a handheld camera is 3 % of the radius wide. */
    for (int round = 0; round < 3; round++) {
        const double depth = fmin(circle->radius / 4, fmax(3.0, 0.035 * circle->radius));
        CircleEdge edge = {0};
        double contrasts[RAYS];
        for (int i = 0; i < RAYS; i++) {
            const double cosine = cos(circle_ray_angle(i)), sine = sin(circle_ray_angle(i));
            double r;
            if (!find_half_height(overview, circle, cosine, sine, depth, &r, &contrasts[edge.count]))
                continue;
            edge.points[edge.count++] = (CirclePoint){circle->x + r * cosine, circle->y + r * sine};
        }
        if (!edge.count || !circle_fit_refine(edge.points, edge.count, fmax(1.0, depth / 2), circle))
            return false;
        *contrast = circle_rays_median(contrasts, edge.count);
    }
    return true;
}

/* The circle around the pixels brighter than the threshold, in pixels of the overview; false when there is nothing
 * like one. */
static bool find_circle_above(const Overview *overview, double threshold, Circle *circle, double *confidence) {
    double contrast;
    CircleEdge edge;
    if (!find_middle(overview, threshold, circle))
        return false;
    const double sides[2] = {fmin(overview->width, overview->height), fmax(overview->width, overview->height)};
    find_edge(overview, circle, threshold, &edge);
    if (!circle_fit_ransac(edge.points, edge.count, 0.1 * sides[0], sides[1], fmax(1.0, 0.004 * sides[1]), circle) ||
        !circle_fit_refine(edge.points, edge.count, fmax(2.0, 0.01 * sides[1]), circle) ||
        !refine_circle(overview, circle, &contrast) || !(circle->radius <= sides[1]))
        return false;
    *confidence = circle_confidence(overview, circle, threshold, contrast);
    return *confidence > 0.0;
}

/* The median level just outside a circle, where the image shows it; below 0 where it does not. */
static double level_outside(const Overview *overview, const Circle *circle) {
    double levels[RAYS];
    int count = 0;
    for (int i = 0; i < RAYS; i++) {
        const double r = (1.0 + 1.5 * CIRCLE_MAX_SOFTNESS) * circle->radius;
        const double x = circle->x + r * cos(circle_ray_angle(i)), y = circle->y + r * sin(circle_ray_angle(i));
        if (overview_contains(overview, x, y))
            levels[count++] = overview_nearest(overview, x, y);
    }
    return count ? circle_rays_median(levels, count) : -1.0;
}

/* Behind a narrow pupil, a field that is bright only in its middle has two rims. The field's own, outer one counts, if
 * it is visible. */
static bool find_best_circle(const Overview *overview, Circle *circle, double *confidence) {
    double surround, disc, dim_confidence;
    if (!find_levels(overview, &surround, &disc))
        return false;
    const double low = surround + MIN_CONTRAST / 2, high = surround + RIM_SHARE * (disc - surround);
    const bool found = find_circle_above(overview, fmax(low, high), circle, confidence);
    const bool confident = found && *confidence >= (double)CIRCLE_CONFIDENCE;
    Circle dim;
    if (high <= low || (confident && level_outside(overview, circle) <= low) ||
        !find_circle_above(overview, low, &dim, &dim_confidence) || dim_confidence < (double)CIRCLE_CONFIDENCE ||
        (confident && dim.radius <= circle->radius))
        return found;
    *circle = dim;
    *confidence = dim_confidence;
    return true;
}

Status circle_find(const Image *image, int full_height, int full_width, float circle[4]) {
    Overview overview;
    TRY(overview_make(image, full_height, full_width, &overview));
    Circle found;
    double confidence;
    memset(circle, 0, 4 * sizeof *circle);
    if (find_best_circle(&overview, &found, &confidence)) {
        circle[0] = (float)(found.x * overview.step);
        circle[1] = (float)(found.y * overview.step);
        circle[2] = (float)(found.radius * overview.step);
        circle[3] = (float)confidence;
    }
    free(overview.level);
    return NULL;
}
