/* SPDX-License-Identifier: Apache-2.0 */
/* fundus_find_circle(): rays from the image's rim inwards find the bright disc's edge on the overview; a robust
 * circle through these points is moved onto the half height of the edge's profile. */
#include "stage/frame/circle_rays.h"
#include "stage/frame/circle_sure.h"
#include "stage/frame/fundus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RAYS = CIRCLE_RAYS, LEVELS = 256 };

static const double LEAST_CONTRAST = 8.0; /* levels between surround and disc, below which nothing is looked for */
static const double RIM_SHARE = 0.15;     /* of the way from the surround's level to the disc's: above it is disc */

/* Where rays from a centre, evenly spread, first meet the disc from without. */
typedef struct {
    int count;
    Point points[RAYS];
} Edge;

static int clamp(int value, int most) {
    return value < 0 ? 0 : value > most ? most : value;
}

/* Between the centres of the four pixels around (x, y). */
static double overview_between(const Overview *overview, double x, double y) {
    const double left = floor(x - 0.5), top = floor(y - 0.5), u = x - 0.5 - left, v = y - 0.5 - top;
    const int x0 = clamp((int)left, overview->width - 1), x1 = clamp((int)left + 1, overview->width - 1);
    const int y0 = clamp((int)top, overview->height - 1), y1 = clamp((int)top + 1, overview->height - 1);
    return (1.0 - v) * ((1.0 - u) * overview_at(overview, x0, y0) + u * overview_at(overview, x1, y0)) +
           v * ((1.0 - u) * overview_at(overview, x0, y1) + u * overview_at(overview, x1, y1));
}

/* The level that a share of the counted pixels does not exceed. */
static int quantile(const int *counts, double share) {
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

/* The levels of surround and disc; false where there is no contrast. The surround is the dark part of the image's
 * rim, of which a circle cut off on all sides leaves little; the disc is the middle of the image. */
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
    *surround = quantile(rim, 0.05);
    *disc = quantile(middle, 0.5);
    return *disc - *surround >= LEAST_CONTRAST;
}

static void meet_all(const Overview *overview, const Circle *from, double threshold, Edge *edge) {
    edge->count = 0;
    for (int i = 0; i < RAYS; i++) {
        const double cosine = cos(circle_angle(i)), sine = sin(circle_angle(i));
        const double r = circle_meet(overview, from, cosine, sine, threshold);
        if (r > 0.0)
            edge->points[edge->count++] = (Point){from->x + r * cosine, from->y + r * sine};
    }
}

/* Where bright pixels lie in the mean. */
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

/* The edge's half height along one ray, and the step of levels there. */
static bool half_height(const Overview *overview, const Circle *circle, double cosine, double sine, double depth,
                        double *distance, double *contrast) {
    enum { SAMPLES = 49 };
    double profile[SAMPLES], inner = 0, outer = 0;
    const double pitch = 2.0 * depth / (SAMPLES - 1);
    int inside = 0, outside = 0;
    for (int i = 0; i < SAMPLES; i++) {
        const double r = circle->radius - depth + i * pitch;
        const double x = circle->x + r * cosine, y = circle->y + r * sine;
        const bool seen = overview_holds(overview, x, y);
        /* A circle that leaves the image ends there, not at its own edge. */
        if (!seen && i * pitch < 1.5 * depth)
            return false;
        profile[i] = seen ? overview_between(overview, x, y) : -1.0;
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
    if (*contrast < LEAST_CONTRAST / 2)
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

/* Moves the circle onto the edge's half height; `contrast` becomes the median step of levels there. */
static bool refine(const Overview *overview, Circle *circle, double *contrast) {
    /* The soft rim of a handheld camera is 3 % of the radius wide. */
    for (int round = 0; round < 3; round++) {
        const double depth = fmin(circle->radius / 4, fmax(3.0, 0.035 * circle->radius));
        Edge edge = {0};
        double contrasts[RAYS];
        for (int i = 0; i < RAYS; i++) {
            const double cosine = cos(circle_angle(i)), sine = sin(circle_angle(i));
            double r;
            if (!half_height(overview, circle, cosine, sine, depth, &r, &contrasts[edge.count]))
                continue;
            edge.points[edge.count++] = (Point){circle->x + r * cosine, circle->y + r * sine};
        }
        if (!edge.count || !circle_settle(edge.points, edge.count, fmax(1.0, depth / 2), circle))
            return false;
        *contrast = circle_median(contrasts, edge.count);
    }
    return true;
}

/* The circle around what is brighter than the threshold, in pixels of the overview; false when nothing like one is
 * there. */
static bool find_above(const Overview *overview, double threshold, Circle *circle, double *sure) {
    double contrast;
    Edge edge;
    if (!find_middle(overview, threshold, circle))
        return false;
    const double sides[2] = {fmin(overview->width, overview->height), fmax(overview->width, overview->height)};
    meet_all(overview, circle, threshold, &edge);
    if (!circle_guess(edge.points, edge.count, 0.1 * sides[0], sides[1], fmax(1.0, 0.004 * sides[1]), circle) ||
        !circle_settle(edge.points, edge.count, fmax(2.0, 0.01 * sides[1]), circle) ||
        !refine(overview, circle, &contrast) || !(circle->radius <= sides[1]))
        return false;
    *sure = circle_confidence(overview, circle, threshold, contrast);
    return *sure > 0.0;
}

/* The median level just outside a circle, as far as the image reaches; below 0 where it does not. */
static double level_beyond(const Overview *overview, const Circle *circle) {
    double levels[RAYS];
    int count = 0;
    for (int i = 0; i < RAYS; i++) {
        const double r = (1.0 + 1.5 * CIRCLE_SOFTEST) * circle->radius;
        const double x = circle->x + r * cos(circle_angle(i)), y = circle->y + r * sin(circle_angle(i));
        if (overview_holds(overview, x, y))
            levels[count++] = overview_nearest(overview, x, y);
    }
    return count ? circle_median(levels, count) : -1.0;
}

/* A field that is bright in its middle only, behind a narrow pupil, has two rims: its own counts, if it can be seen. */
static bool find(const Overview *overview, Circle *circle, double *sure) {
    double surround, disc, dim_sure;
    if (!find_levels(overview, &surround, &disc))
        return false;
    const double least = surround + LEAST_CONTRAST / 2, most = surround + RIM_SHARE * (disc - surround);
    const bool found = find_above(overview, fmax(least, most), circle, sure);
    const bool confident = found && *sure >= (double)FUNDUS_CONFIDENCE;
    Circle dim;
    if (most <= least || (confident && level_beyond(overview, circle) <= least) ||
        !find_above(overview, least, &dim, &dim_sure) || dim_sure < (double)FUNDUS_CONFIDENCE ||
        (confident && dim.radius <= circle->radius))
        return found;
    *circle = dim;
    *sure = dim_sure;
    return true;
}

Status fundus_find_circle(const Image *image, int full_height, int full_width, float circle[4]) {
    Overview overview;
    TRY(overview_make(image, full_height, full_width, &overview));
    Circle found;
    double sure;
    memset(circle, 0, 4 * sizeof *circle);
    if (find(&overview, &found, &sure)) {
        circle[0] = (float)(found.x * overview.step);
        circle[1] = (float)(found.y * overview.step);
        circle[2] = (float)(found.radius * overview.step);
        circle[3] = (float)sure;
    }
    free(overview.level);
    return NULL;
}
