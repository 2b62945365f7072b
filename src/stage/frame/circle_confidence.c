/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/frame/circle_confidence.h"
#include "stage/frame/circle_rays.h"

#include <math.h>
#include <string.h>

enum { RAYS = CIRCLE_RAYS };

static const double FULL_CONTRAST = 12.0; /* levels across the rim for full confidence */
static const double FULL_COVERAGE = 0.3;  /* share of the circumference for full confidence */
static const double MAX_OUTSIDE = 0.25;   /* bright area outside the circle / inside, for full confidence */

typedef enum { RAY_UNSEEN, RAY_ON, RAY_CUT, RAY_STRAY } RayKind;

/* What the rays from a circle's centre met. */
typedef struct {
    RayKind kinds[RAYS];
    double distance[RAYS]; /* to the disc; below 0 where the ray did not meet it */
} RayView;

/* The median difference between the disc's edge and the circle: a soft rim passes the threshold before its half height.
 */
static double median_lead(const RayView *view, double radius) {
    double leads[RAYS];
    int count = 0;
    for (int i = 0; i < RAYS; i++)
        if (view->kinds[i] != RAY_UNSEEN && fabs(view->distance[i] - radius) < CIRCLE_MAX_SOFTNESS * radius)
            leads[count++] = view->distance[i] - radius;
    return count ? circle_rays_median(leads, count) : 0.0;
}

static void classify_rays(const Overview *overview, const Circle *circle, double threshold, RayView *view) {
    const double tolerance = fmax(2.0, 0.015 * circle->radius), beyond = circle->radius + tolerance;
    for (int i = 0; i < RAYS; i++) {
        const double cosine = cos(circle_ray_angle(i)), sine = sin(circle_ray_angle(i));
        const bool seen = overview_contains(overview, circle->x + beyond * cosine, circle->y + beyond * sine);
        view->kinds[i] = seen ? RAY_STRAY : RAY_UNSEEN;
        view->distance[i] = circle_ray_meet(overview, circle, cosine, sine, threshold);
    }
    const double edge = circle->radius + median_lead(view, circle->radius);
    /* A disc that leaves the image is bright up to the rim; where it is dark there, the ray ended short of the edge. */
    for (int i = 0; i < RAYS; i++) {
        const double off = view->distance[i] - edge;
        if (view->distance[i] > 0.0 && off < -tolerance)
            view->kinds[i] = RAY_CUT;
        else if (view->distance[i] > 0.0 && off <= tolerance && view->kinds[i] != RAY_UNSEEN)
            view->kinds[i] = RAY_ON;
    }
}

/* Rays that end short count as cut only on one horizontal or vertical line: cameras cut circles flat. */
static void classify_cuts(RayView *view, double tolerance) {
    for (int side = 0; side < 4; side++) {
        double along[RAYS], sorted[RAYS];
        int rays[RAYS], count = 0;
        for (int i = side * RAYS / 4; i < (side + 1) * RAYS / 4; i++) {
            const int ray = (i + RAYS / 8) % RAYS; /* 90 degrees around down, left, up, right */
            if (view->kinds[ray] != RAY_CUT)
                continue;
            along[count] = view->distance[ray] * (side % 2 ? cos(circle_ray_angle(ray)) : sin(circle_ray_angle(ray)));
            rays[count++] = ray;
        }
        if (!count)
            continue;
        memcpy(sorted, along, (size_t)count * sizeof *sorted);
        const double line = circle_rays_median(sorted, count);
        for (int i = 0; i < count; i++)
            if (fabs(along[i] - line) > tolerance)
                view->kinds[rays[i]] = RAY_STRAY;
    }
}

/* The area brighter than the threshold outside the circle / inside it. */
static double outside_share(const Overview *overview, const Circle *circle, double threshold, double tolerance) {
    const double beyond = (circle->radius + tolerance) * (circle->radius + tolerance);
    int inside = 0, outside = 0;
    for (int y = 0; y < overview->height; y++)
        for (int x = 0; x < overview->width; x++)
            if ((double)overview_at(overview, x, y) > threshold) {
                const double across = x + 0.5 - circle->x, down = y + 0.5 - circle->y;
                const bool far = across * across + down * down > beyond;
                outside += far;
                inside += !far;
            }
    return inside ? (double)outside / inside : 1.0;
}

double circle_confidence(const Overview *overview, const Circle *circle, double threshold, double contrast) {
    if (!overview_contains(overview, circle->x, circle->y))
        return 0.0;
    RayView view;
    int counts[4] = {0};
    classify_rays(overview, circle, threshold, &view);
    classify_cuts(&view, fmax(1.5, 0.01 * circle->radius));
    for (int i = 0; i < RAYS; i++)
        counts[view.kinds[i]]++;
    if (!counts[RAY_ON])
        return 0.0;
    const double share = (double)counts[RAY_ON] / (counts[RAY_ON] + counts[RAY_STRAY]);
    const double coverage = (double)counts[RAY_ON] / RAYS;
    const double others = outside_share(overview, circle, threshold, fmax(2.0, CIRCLE_MAX_SOFTNESS * circle->radius));
    return share * fmin(1.0, coverage / FULL_COVERAGE) * fmin(1.0, contrast / FULL_CONTRAST) *
           fmin(1.0, MAX_OUTSIDE / fmax(others, MAX_OUTSIDE));
}
