/* SPDX-License-Identifier: Apache-2.0 */
/* Rays from a centre outwards, evenly spread, over a photograph's overview. Private to the circle's search. */
#ifndef FOVEA_STAGE_CIRCLE_RAYS_H
#define FOVEA_STAGE_CIRCLE_RAYS_H

#include "stage/frame/circle_fit.h"
#include "stage/frame/overview.h"

enum { CIRCLE_RAYS = 360 };

/* Of the radius: how far before its half height a soft rim may be met. */
#define CIRCLE_SOFTEST 0.05

static inline float overview_at(const Overview *overview, int x, int y) {
    return overview->level[(size_t)y * overview->width + x];
}

static inline bool overview_holds(const Overview *overview, double x, double y) {
    return x >= 0.0 && y >= 0.0 && x < overview->width && y < overview->height;
}

static inline float overview_nearest(const Overview *overview, double x, double y) {
    return overview_at(overview, (int)x, (int)y);
}

/* Of a ray, from 0 to CIRCLE_RAYS - 1; radians. */
double circle_angle(int ray);

/* The distance at which a ray meets the disc from without; below 0 where the disc reaches the image's rim, or nothing
 * is met. */
double circle_meet(const Overview *overview, const Circle *from, double cosine, double sine, double threshold);

/* Sorts them; `count` is 1 or more. */
double circle_median(double *values, int count);

#endif
