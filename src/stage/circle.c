/* fundus_find_circle(): rays from the picture's rim inwards find the bright disc's edge on the overview; a robust
 * circle through these points is moved onto the half height of the edge's profile. */
#include "circle_fit.h"
#include "fundus.h"
#include "overview.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    RAYS = 360,
    RUN = 3, /* samples above the threshold in a row are the disc's; fewer are noise */
    LEVELS = 256
};

static const double LEAST_CONTRAST = 8.0; /* levels between surround and disc, below which nothing is looked for */
static const double FULL_CONTRAST = 12.0; /* levels across the rim that leave no doubt */
static const double RIM_SHARE = 0.15;     /* of the way from the surround's level to the disc's: above it is disc */
static const double FULL_COVERAGE = 0.3;  /* share of the whole circumference that leaves no doubt */

static const double SOFTEST = 0.05; /* of the radius: how far before its half height a soft rim may be met */

typedef enum { RAY_UNSEEN, RAY_ON, RAY_CUT, RAY_STRAY } RayKind;

/* Where rays from a centre, evenly spread, first meet the disc from without. */
typedef struct {
    int count;
    Point points[RAYS];
} Edge;

static float level_at(const Overview *overview, int x, int y) {
    return overview->level[(size_t)y * overview->width + x];
}

static bool within(const Overview *overview, double x, double y) {
    return x >= 0.0 && y >= 0.0 && x < overview->width && y < overview->height;
}

static float nearest(const Overview *overview, double x, double y) {
    return level_at(overview, (int)x, (int)y);
}

static int clamp(int value, int most) {
    return value < 0 ? 0 : value > most ? most : value;
}

/* Between the centres of the four pixels around (x, y). */
static double between(const Overview *overview, double x, double y) {
    const double left = floor(x - 0.5), top = floor(y - 0.5), u = x - 0.5 - left, v = y - 0.5 - top;
    const int x0 = clamp((int)left, overview->width - 1), x1 = clamp((int)left + 1, overview->width - 1);
    const int y0 = clamp((int)top, overview->height - 1), y1 = clamp((int)top + 1, overview->height - 1);
    return (1.0 - v) * ((1.0 - u) * level_at(overview, x0, y0) + u * level_at(overview, x1, y0)) +
           v * ((1.0 - u) * level_at(overview, x0, y1) + u * level_at(overview, x1, y1));
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
    counts[clamp((int)(level_at(overview, x, y) + 0.5f), LEVELS - 1)]++;
}

/* The threshold between surround and disc; false where there is no contrast. The surround is the dark part of the
 * picture's rim, of which a circle cut off on all sides leaves little; the disc is the middle of the picture. */
static bool find_threshold(const Overview *overview, double *threshold) {
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
    const double surround = quantile(rim, 0.05), disc = quantile(middle, 0.5);
    *threshold = surround + fmax(LEAST_CONTRAST / 2, RIM_SHARE * (disc - surround));
    return disc - surround >= LEAST_CONTRAST;
}

/* How far the ray reaches within the picture. */
static double reach(const Overview *overview, const Circle *from, double cosine, double sine) {
    double far = overview->width + overview->height;
    if (cosine > 1e-12)
        far = fmin(far, (overview->width - from->x) / cosine);
    else if (cosine < -1e-12)
        far = fmin(far, -from->x / cosine);
    if (sine > 1e-12)
        far = fmin(far, (overview->height - from->y) / sine);
    else if (sine < -1e-12)
        far = fmin(far, -from->y / sine);
    return far;
}

/* The distance at which a ray meets the disc from without; below 0 where the disc reaches the picture's rim, or nothing
 * is met. */
static double meet(const Overview *overview, const Circle *from, double cosine, double sine, double threshold) {
    int run = 0;
    bool dark = false;
    for (double r = reach(overview, from, cosine, sine) - 0.25; r > 0.0; r -= 0.5) {
        const double x = from->x + r * cosine, y = from->y + r * sine;
        if (!within(overview, x, y))
            continue;
        if (nearest(overview, x, y) <= threshold) {
            dark = true;
            run = 0;
        } else if (++run == 2 * RUN) {
            return dark ? r + 0.5 * run - 0.25 : -1.0;
        }
    }
    return -1.0;
}

static double angle_of(int ray) {
    return 2.0 * M_PI * (ray + 0.5) / RAYS;
}

static void meet_all(const Overview *overview, const Circle *from, double threshold, Edge *edge) {
    edge->count = 0;
    for (int i = 0; i < RAYS; i++) {
        const double cosine = cos(angle_of(i)), sine = sin(angle_of(i));
        const double r = meet(overview, from, cosine, sine, threshold);
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
        const bool seen = within(overview, x, y);
        /* A circle that leaves the picture ends there, not at its own edge. */
        if (!seen && i * pitch < 1.5 * depth)
            return false;
        profile[i] = seen ? between(overview, x, y) : -1.0;
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

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[count / 2];
}

/* Moves the circle onto the edge's half height; `contrast` becomes the median step of levels there. */
static bool refine(const Overview *overview, Circle *circle, double *contrast) {
    /* The soft rim of a handheld camera is 3 % of the radius wide. */
    for (int round = 0; round < 3; round++) {
        const double depth = fmin(circle->radius / 4, fmax(3.0, 0.035 * circle->radius));
        Edge edge = {0};
        double contrasts[RAYS];
        for (int i = 0; i < RAYS; i++) {
            const double cosine = cos(angle_of(i)), sine = sin(angle_of(i));
            double r;
            if (!half_height(overview, circle, cosine, sine, depth, &r, &contrasts[edge.count]))
                continue;
            edge.points[edge.count++] = (Point){circle->x + r * cosine, circle->y + r * sine};
        }
        if (!edge.count || !circle_settle(edge.points, edge.count, fmax(1.0, depth / 2), circle))
            return false;
        *contrast = median(contrasts, edge.count);
    }
    return true;
}

/* What the rays from a circle's centre saw. */
typedef struct {
    RayKind kinds[RAYS];
    double distance[RAYS]; /* where the disc was met; below 0 where it was not */
} View;

/* By how much the disc is met before the circle, in the median: a soft rim passes the threshold before its half height.
 */
static double lead_of(const View *view, double radius) {
    double leads[RAYS];
    int count = 0;
    for (int i = 0; i < RAYS; i++)
        if (view->kinds[i] != RAY_UNSEEN && fabs(view->distance[i] - radius) < SOFTEST * radius)
            leads[count++] = view->distance[i] - radius;
    return count ? median(leads, count) : 0.0;
}

static void look(const Overview *overview, const Circle *circle, double threshold, View *view) {
    const double tolerance = fmax(2.0, 0.015 * circle->radius), beyond = circle->radius + tolerance;
    for (int i = 0; i < RAYS; i++) {
        const double cosine = cos(angle_of(i)), sine = sin(angle_of(i));
        const bool seen = within(overview, circle->x + beyond * cosine, circle->y + beyond * sine);
        view->kinds[i] = seen ? RAY_STRAY : RAY_UNSEEN;
        view->distance[i] = meet(overview, circle, cosine, sine, threshold);
    }
    const double edge = circle->radius + lead_of(view, circle->radius);
    /* A disc that leaves the picture reaches its rim: dark there, the ray fell short like any other. */
    for (int i = 0; i < RAYS; i++) {
        const double off = view->distance[i] - edge;
        if (view->distance[i] > 0.0 && off < -tolerance)
            view->kinds[i] = RAY_CUT;
        else if (view->distance[i] > 0.0 && off <= tolerance && view->kinds[i] != RAY_UNSEEN)
            view->kinds[i] = RAY_ON;
    }
}

/* Rays that fell short are cut only where they end on one horizontal or vertical line: cameras cut circles flat. */
static void tell_cuts(View *view, double tolerance) {
    for (int side = 0; side < 4; side++) {
        double along[RAYS], sorted[RAYS];
        int rays[RAYS], count = 0;
        for (int i = side * RAYS / 4; i < (side + 1) * RAYS / 4; i++) {
            const int ray = (i + RAYS / 8) % RAYS; /* 90 degrees around down, left, up, right */
            if (view->kinds[ray] != RAY_CUT)
                continue;
            along[count] = view->distance[ray] * (side % 2 ? cos(angle_of(ray)) : sin(angle_of(ray)));
            rays[count++] = ray;
        }
        if (!count)
            continue;
        memcpy(sorted, along, (size_t)count * sizeof *sorted);
        const double line = median(sorted, count);
        for (int i = 0; i < count; i++)
            if (fabs(along[i] - line) > tolerance)
                view->kinds[rays[i]] = RAY_STRAY;
    }
}

static double confidence(const Overview *overview, const Circle *circle, double threshold, double contrast) {
    if (!within(overview, circle->x, circle->y))
        return 0.0;
    View view;
    int counts[4] = {0};
    look(overview, circle, threshold, &view);
    tell_cuts(&view, fmax(1.5, 0.01 * circle->radius));
    for (int i = 0; i < RAYS; i++)
        counts[view.kinds[i]]++;
    if (!counts[RAY_ON])
        return 0.0;
    const double share = (double)counts[RAY_ON] / (counts[RAY_ON] + counts[RAY_STRAY]);
    const double coverage = (double)counts[RAY_ON] / RAYS;
    return share * fmin(1.0, coverage / FULL_COVERAGE) * fmin(1.0, contrast / FULL_CONTRAST);
}

/* The circle in pixels of the overview; false when nothing like one is there. */
static bool find(const Overview *overview, Circle *circle, double *sure) {
    double threshold, contrast;
    Edge edge;
    if (!find_threshold(overview, &threshold) || !find_middle(overview, threshold, circle))
        return false;
    const double sides[2] = {fmin(overview->width, overview->height), fmax(overview->width, overview->height)};
    meet_all(overview, circle, threshold, &edge);
    if (!circle_guess(edge.points, edge.count, 0.1 * sides[0], sides[1], fmax(1.0, 0.004 * sides[1]), circle) ||
        !circle_settle(edge.points, edge.count, fmax(2.0, 0.01 * sides[1]), circle) ||
        !refine(overview, circle, &contrast) || !(circle->radius <= sides[1]))
        return false;
    *sure = confidence(overview, circle, threshold, contrast);
    return *sure > 0.0;
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
