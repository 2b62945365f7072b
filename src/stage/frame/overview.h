/* SPDX-License-Identifier: Apache-2.0 */
/* A photograph reduced to one small, fixed scale, independent of the scale it was decoded at. */
#ifndef FOVEA_STAGE_OVERVIEW_H
#define FOVEA_STAGE_OVERVIEW_H

#include "image/image.h"

#include <stdbool.h>
#include <stddef.h>

/* The longer side of an overview: 1/8 of a photograph of 3,000 pixels. Smaller images keep their size. */
enum { OVERVIEW_SIDE = 384 };

typedef struct {
    int width, height;
    double step;  /* pixels of the full size along one pixel of the overview, 1 or more */
    float *level; /* [height][width], 0 .. 255: the brightest of the three channels' means; free() */
} Overview;

static inline float overview_at(const Overview *overview, int x, int y) {
    return overview->level[(size_t)y * overview->width + x];
}

static inline bool overview_contains(const Overview *overview, double x, double y) {
    return x >= 0.0 && y >= 0.0 && x < overview->width && y < overview->height;
}

static inline float overview_nearest(const Overview *overview, double x, double y) {
    return overview_at(overview, (int)x, (int)y);
}

/* How many full-size pixels a decoded one is wide (or high). A JPEG decoded at 1/2, 1/4 or 1/8 has ceil(full / n)
 * pixels, the last of which may extend beyond the image, so n is not exactly full / decoded. */
double overview_factor(int full, int decoded);

/* Means over boxes of step x step full-size pixels; a decoded pixel that two boxes share counts by its area in each. */
Status overview_make(const Image *image, int full_height, int full_width, Overview *overview) MUST_USE;

#endif
