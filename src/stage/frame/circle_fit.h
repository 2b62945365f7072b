/* SPDX-License-Identifier: Apache-2.0 */
/* A circle through points of which many may not lie on it. */
#ifndef FOVEA_STAGE_CIRCLE_FIT_H
#define FOVEA_STAGE_CIRCLE_FIT_H

#include <stdbool.h>

typedef struct {
    double x, y;
} Point;

typedef struct {
    double x, y, radius;
} Circle;

/* The circle through three points that most of the points lie on, within `tolerance` (RANSAC; Fischler & Bolles, 1981),
 * with a radius between `least` and `most`. The same points always give the same circle. False where there is none. */
bool circle_guess(const Point *points, int count, double least, double most, double tolerance, Circle *circle);

/* Moves a circle to where the squared distances of the points from it are least, each weighted by Tukey's biweight,
 * which leaves out points farther off than `tolerance` (Gauss-Newton). False when too few points remain, or they do not
 * tell a circle. */
bool circle_settle(const Point *points, int count, double tolerance, Circle *circle);

#endif
