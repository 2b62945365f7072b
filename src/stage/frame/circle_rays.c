/* SPDX-License-Identifier: Apache-2.0 */
#include "stage/frame/circle_rays.h"

#include <math.h>
#include <stdlib.h>

enum { MIN_RUN = 6 }; /* consecutive samples above the threshold are the disc; fewer are noise */

double circle_ray_angle(int ray) {
    return 2.0 * M_PI * (ray + 0.5) / CIRCLE_RAYS;
}

/* The length of the ray within the image. */
static double ray_length(const Overview *overview, const Circle *from, double cosine, double sine) {
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

double circle_ray_meet(const Overview *overview, const Circle *from, double cosine, double sine, double threshold) {
    int run = 0;
    bool dark = false;
    for (double r = ray_length(overview, from, cosine, sine) - 0.25; r > 0.0; r -= 0.5) {
        const double x = from->x + r * cosine, y = from->y + r * sine;
        if (!overview_contains(overview, x, y))
            continue;
        if (overview_nearest(overview, x, y) <= threshold) {
            dark = true;
            run = 0;
        } else if (++run == MIN_RUN) {
            return dark ? r + 0.5 * run - 0.25 : -1.0;
        }
    }
    return -1.0;
}

static int compare_doubles(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double circle_rays_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return values[count / 2];
}
