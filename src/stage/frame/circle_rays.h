/* SPDX-License-Identifier: Apache-2.0 */
/* Evenly spread rays from a centre outwards over a photograph's overview. */
#ifndef FOVEA_STAGE_CIRCLE_RAYS_H
#define FOVEA_STAGE_CIRCLE_RAYS_H

#include "stage/frame/circle_fit.h"
#include "stage/frame/overview.h"

enum { CIRCLE_RAYS = 360 };

/* How far from its half height a ray may meet a soft rim, relative to the radius. */
#define CIRCLE_MAX_SOFTNESS 0.05

/* The angle of a ray, 0 to CIRCLE_RAYS - 1, in radians. */
double circle_ray_angle(int ray);

/* The distance at which a ray meets the disc, coming from outside; below 0 where the disc reaches the image's rim, or
 * the ray meets nothing. */
double circle_ray_meet(const Overview *overview, const Circle *from, double cosine, double sine, double threshold);

/* The median of `count` > 0 values, which are sorted in place. */
double circle_rays_median(double *values, int count);

#endif
