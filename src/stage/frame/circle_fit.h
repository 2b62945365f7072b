/* SPDX-License-Identifier: Apache-2.0 */
/* Fits a circle to points, many of which may be outliers. */
#ifndef FOVEA_STAGE_CIRCLE_FIT_H
#define FOVEA_STAGE_CIRCLE_FIT_H

#include <stdbool.h>

typedef struct {
    double x, y;
} CirclePoint;

typedef struct {
    double x, y, radius;
} Circle;

/* Of the circles through three of the points the one that most points are on, within `tolerance` (RANSAC; Fischler &
 * Bolles, 1981), with a radius from min_radius to max_radius. Deterministic. False when there is none. */
bool circle_fit_ransac(const CirclePoint *points, int count, double min_radius, double max_radius, double tolerance,
                       Circle *circle);

/* Minimises the squared distances of the points from the circle, weighted by Tukey's biweight, which ignores points
 * farther away than `tolerance` (Gauss-Newton). False when too few points remain, or they do not determine a circle. */
bool circle_fit_refine(const CirclePoint *points, int count, double tolerance, Circle *circle);

#endif
